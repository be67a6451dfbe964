// Messenger: messages of any length over a bus, each with who has sent it.

import type { GatewayCounters } from "../metrics/counters.ts";
import type { Bus } from "./bus.ts";
import { Inbox } from "./inbox.ts";
import {
  decodeHead,
  HEAD_BYTES,
  type MessageHead,
  type MessageKind,
  piecesOf,
} from "./message.ts";
import { Pieces } from "./pieces.ts";

/** What {@linkcode Messenger} needs. */
export interface MessengerOptions {
  /** What carries the messages. */
  readonly bus: Bus;
  /** What this gateway drew at its start. */
  readonly id: number;
  /** The number that it has until it has one for good. */
  readonly node: number;
  /** Bytes of what has come and waits, and of what has come and is not whole. */
  readonly bytesMax: number;
  /** What is counted. */
  readonly counters: Pick<
    GatewayCounters,
    "clusterPassedOn" | "clusterReceived" | "clusterDropped"
  >;
  /** Calls it when all others have had their turn. */
  readonly afterOthers: (work: () => void) => void;
  /** Something has come of the gateway with that id, which may have to wait. */
  readonly onSign: (id: number) => void;
  /** Something has come that this version does not know. */
  readonly onUnknown: () => void;
  /** Works on a message; its bytes are its own. */
  readonly onMessage: (head: MessageHead, body: Uint8Array) => void;
}

// Somebody waits for these; all others are worked on in the order in which they came.
const URGENT: readonly MessageKind[] = ["claim", "part"];

/** Messages of any length over a bus, each with who has sent it. */
export class Messenger {
  /** The number of this gateway. */
  node: number;
  readonly #options: MessengerOptions;
  readonly #pieces: Pieces;
  readonly #inbox: Inbox;
  #number = 0;

  /** Nothing is sent, and nothing has come. */
  constructor(options: MessengerOptions) {
    this.#options = options;
    const { counters, bytesMax, afterOthers } = options;
    this.node = options.node;
    this.#pieces = new Pieces({
      bytesMax,
      onDropped: (cause) => counters.clusterDropped[cause]++,
    });
    this.#inbox = new Inbox({
      bytesMax,
      afterOthers,
      handle: options.onMessage,
    });
  }

  /** Sends a message to all other gateways; gives whether the bus carries it. */
  publish(kind: MessageKind, body: Uint8Array): boolean {
    return this.#emit(kind, body, undefined);
  }

  /** The same, to one of them. */
  send(node: number, kind: MessageKind, body: Uint8Array): boolean {
    return this.#emit(kind, body, node);
  }

  /** The bus has brought something. */
  receive(message: Uint8Array): void {
    const { counters, id, onSign, onUnknown, onMessage } = this.#options;
    const head = decodeHead(message);
    if (!head) {
      counters.clusterDropped.unknown++;
      onUnknown();
      return;
    }
    if (head.id === id) return;
    onSign(head.id);
    const body = this.#pieces.add(head, message.subarray(HEAD_BYTES));
    if (!body) return;
    counters.clusterReceived++;
    if (URGENT.includes(head.kind)) onMessage(head, body);
    else if (!this.#inbox.add(head, body)) counters.clusterDropped.room++;
  }

  /** Nothing more comes of a gateway. */
  forget(id: number): void {
    this.#pieces.forget(id);
  }

  /** Drops what waits. */
  close(): void {
    this.#inbox.close();
  }

  #emit(
    kind: MessageKind,
    body: Uint8Array,
    to: number | undefined,
  ): boolean {
    const { bus, id, counters } = this.#options;
    const { maxBytes } = bus;
    this.#number = (this.#number + 1) | 0;
    const head = { kind, node: this.node, id, number: this.#number };
    for (const message of piecesOf(head, body, maxBytes)) {
      const isCarried = to === undefined
        ? bus.publish(message)
        : bus.send(to, message);
      if (!isCarried) return false;
    }
    counters.clusterPassedOn++;
    return true;
  }
}
