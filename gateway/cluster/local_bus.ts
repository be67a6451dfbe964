// LocalBus: the bus between the processes of one gateway, whose parent passes on what they tell
// each other.

import { acceptedConn, FrameSocket } from "@maple/box/internal";
import type { Bus, BusReceiver, NotCarried } from "./bus.ts";
import {
  readRelay,
  RELAY_FRAMING,
  RELAY_HEAD_BYTES,
  RELAY_MESSAGE_BYTES,
  RelayKind,
  sendRelay,
} from "./relay_frame.ts";

// What closing gives the last messages to leave.
const CLOSE_MS = 1000;

/** Where the parent passes messages on. */
export interface RelayAddress {
  /** Its port, at loopback. */
  readonly port: number;
  /** What lets a process in. */
  readonly secret: string;
  /** What the processes are called together. */
  readonly clusterName: string;
}

/** Settings of a {@linkcode LocalBus}. */
export interface LocalBusOptions extends RelayAddress {
  /** The number that the parent has given this process. */
  readonly node: number;
  /** Bytes that may wait to be sent. */
  readonly waitingBytes: number;
}

/** The bus between the processes of one gateway. */
export class LocalBus implements Bus {
  readonly name = "local";
  readonly maxBytes: number = RELAY_MESSAGE_BYTES;
  /** The number that the parent has given this process: no other has it. */
  readonly node: number;
  readonly notCarried: NotCarried = { away: 0, full: 0, late: 0, cut: 0 };
  readonly #options: LocalBusOptions;
  #socket: FrameSocket | undefined;
  readonly #nodes = new Set<number>();
  #running: Promise<void> | undefined;
  #isUp = false;

  /** It is not connected before `open`. */
  constructor(options: LocalBusOptions) {
    this.#options = options;
    this.node = options.node;
  }

  /** Whether the parent is there. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Connects to the parent, once: it is there as long as this process. */
  async open(receiver: BusReceiver): Promise<void> {
    const { port, secret, waitingBytes } = this.#options;
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const socket = this.#socket = new FrameSocket(acceptedConn(conn), {
      framing: RELAY_FRAMING,
      frameBytes: RELAY_HEAD_BYTES + RELAY_MESSAGE_BYTES,
      // It is looked at the room before anything is sent.
      outboxBytes: waitingBytes + 2 * RELAY_MESSAGE_BYTES,
      lingerMs: CLOSE_MS,
      ownFrames: true,
    });
    const welcome = Promise.withResolvers<void>();
    this.#running = socket.run({
      onFrame: (frame) => {
        const { kind, node, message } = readRelay(frame);
        if (kind === RelayKind.welcome) {
          this.#isUp = true;
          welcome.resolve();
        } else if (kind === RelayKind.gone) receiver.onGone?.(node);
        else receiver.onMessage(message);
      },
      onClose: (cause) => {
        const wasUp = this.#isUp;
        this.#isUp = false;
        welcome.reject(new Error("Cannot reach the parent process"));
        if (wasUp && cause.kind !== "local") {
          receiver.onState(false, "the parent process is gone");
        }
      },
    });
    const message = new TextEncoder().encode(secret);
    sendRelay(socket, { kind: RelayKind.secret, message });
    await welcome.promise;
    for (const node of this.#nodes) this.#listen(node);
  }

  /** Takes messages to this node from now on. */
  listenAs(node: number): void {
    if (this.#nodes.has(node)) return;
    this.#nodes.add(node);
    this.#listen(node);
  }

  /** Sends a message to all other processes. */
  publish(message: Uint8Array): boolean {
    return this.#send(RelayKind.publish, 0, message);
  }

  /** Sends a message to one of them. */
  send(node: number, message: Uint8Array): boolean {
    return this.#send(RelayKind.send, node, message);
  }

  /** Lets what was sent leave, and disconnects. */
  async close(): Promise<void> {
    const socket = this.#socket;
    if (!socket || !this.#isUp) return;
    this.#isUp = false;
    socket.close();
    await this.#running;
  }

  #listen(node: number): void {
    if (this.#socket && this.#isUp) {
      sendRelay(this.#socket, { kind: RelayKind.listen, node });
    }
  }

  #send(kind: RelayKind, node: number, message: Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket || !this.#isUp) {
      this.notCarried.away++;
      return false;
    }
    if (socket.pendingBytes > this.#options.waitingBytes) {
      this.notCarried.full++;
      return false;
    }
    return sendRelay(socket, { kind, node, message });
  }
}
