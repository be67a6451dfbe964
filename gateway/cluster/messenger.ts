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
import { type PiecePiece, Pieces } from "./pieces.ts";
import { isBefore, type Mark } from "./standby.ts";

/** What {@linkcode Messenger} needs. */
export interface MessengerOptions {
  /** What carries the messages. */
  readonly bus: Bus;
  /** What this gateway drew at its start, or the one before whose place it has taken. */
  readonly id: () => number;
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

/** What is known of messages, for another process. */
export interface MessengerPiece {
  /** The number of the last one that was sent. */
  readonly number: number;
  /** Up to where messages have come, of each gateway of which some have. */
  readonly seen: readonly Mark[];
}

interface Sending {
  readonly message: Uint8Array;
  readonly to: number | undefined;
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
  // Up to where messages have come, by the ids of those that send them.
  readonly #seen = new Map<
    number,
    [id: number, number: number, piece: number]
  >();
  // Up to where the process before has got them, of those that may come here as well.
  readonly #before = new Map<number, Mark>();
  // What is held until all has left that the process before has sent.
  #held: Sending[] | undefined;
  #heldBytes = 0;
  #notHeld = 0;
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
    if (head.id === id()) return;
    if (this.#before.size > 0 && this.#hadBefore(head)) return;
    this.#see(head);
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
    this.#seen.delete(id);
    this.#before.delete(id);
  }

  /** Forgets up to where messages have come of gateways that are none of these. */
  forgetOthers(isKnown: (id: number) => boolean): void {
    for (const id of this.#seen.keys()) if (!isKnown(id)) this.#seen.delete(id);
  }

  /** Whether all that a gateway has sent before that point has come. */
  hasSeenUpTo(mark: Mark): boolean {
    const seen = this.#seen.get(mark[0]);
    return seen !== undefined && !isBefore(seen, mark);
  }

  /** Works on all that waits, at once. */
  finish(): void {
    this.#inbox.finish();
  }

  /** What is known of messages, for another process. */
  give(): MessengerPiece {
    return { number: this.#number, seen: [...this.#seen.values()] };
  }

  /** The messages of which not all pieces have come, likewise. */
  givePieces(): PiecePiece[] {
    return this.#pieces.give();
  }

  /** Takes that: what the process before has got is passed over when it comes here as well. */
  takeOver({ number, seen }: MessengerPiece): void {
    this.#number = number;
    for (const [id, number, piece] of seen) {
      this.#seen.set(id, [id, number, piece]);
      this.#before.set(id, [id, number, piece]);
    }
  }

  /** Takes a message of which not all pieces have come. */
  takePiece(piece: PiecePiece): void {
    this.#pieces.takeOver(piece);
  }

  /** How many messages there was no room for while they were held. */
  get notHeld(): number {
    return this.#notHeld;
  }

  /** Holds what is sent from now on, until `sendHeld`. */
  hold(): void {
    this.#held ??= [];
  }

  /** Sends what was held, in its order. */
  sendHeld(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    for (const { message, to } of held) this.#carry(message, to);
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
    const { bus: { maxBytes }, id, counters } = this.#options;
    this.#number = (this.#number + 1) | 0;
    const head = { kind, node: this.node, id: id(), number: this.#number };
    for (const message of piecesOf(head, body, maxBytes)) {
      if (!this.#carry(message, to)) return false;
    }
    counters.clusterPassedOn++;
    return true;
  }

  #carry(message: Uint8Array, to: number | undefined): boolean {
    const { bus, bytesMax } = this.#options;
    if (!this.#held) {
      return to === undefined ? bus.publish(message) : bus.send(to, message);
    }
    this.#heldBytes += message.length;
    if (this.#heldBytes > bytesMax) {
      this.#notHeld++;
      return false;
    }
    this.#held.push({ message, to });
    return true;
  }

  #see({ id, number, piece }: MessageHead): void {
    const seen = this.#seen.get(id);
    if (!seen) this.#seen.set(id, [id, number, piece]);
    else {
      seen[1] = number;
      seen[2] = piece;
    }
  }

  // What one gateway sends comes in its order: after the first that is new all are.
  #hadBefore({ id, number, piece }: MessageHead): boolean {
    const before = this.#before.get(id);
    if (!before) return false;
    if (!isBefore(before, [id, number, piece])) return true;
    this.#before.delete(id);
    return false;
  }
}
