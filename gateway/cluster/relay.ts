// Relay: passes on what the processes of one gateway tell each other, in their parent.

import { timingSafeEqual } from "node:crypto";
import {
  acceptAll,
  acceptedConn,
  FrameSocket,
  listenTcp,
  type Logger,
} from "@maple/box/internal";
import type { RelayAddress } from "./local_bus.ts";
import {
  readRelay,
  RELAY_FRAMING,
  RELAY_HEAD_BYTES,
  RELAY_MESSAGE_BYTES,
  RelayKind,
  sendRelay,
} from "./relay_frame.ts";

/** Settings of a {@linkcode Relay}. */
export interface RelayOptions {
  /** What the processes are called together: no others anywhere are called so. */
  readonly clusterName: string;
  /** Bytes that may wait for one process; what is beyond is not passed on to it. */
  readonly waitingBytes: number;
  /** Where it logs. */
  readonly logger: Logger;
}

/** One process. */
interface Line {
  readonly socket: FrameSocket;
  readonly nodes: Set<number>;
}

/** Passes on what the processes of one gateway tell each other. */
export class Relay implements AsyncDisposable {
  /** Where it is reached, and by what. */
  readonly address: RelayAddress;
  /** Messages that were not passed on to a process since it does not read. */
  dropped = 0;
  readonly #options: RelayOptions;
  readonly #secret: Uint8Array;
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #strangers = new Set<FrameSocket>();
  readonly #lines = new Set<Line>();

  /**
   * Begins to listen, at a port of loopback.
   *
   * @throws {Error} with one line, when that cannot be.
   */
  constructor(options: RelayOptions) {
    this.#options = options;
    this.#listener = listenTcp("gateway processes", "127.0.0.1", 0);
    const secret = crypto.randomUUID();
    this.#secret = new TextEncoder().encode(secret);
    const { port } = this.#listener.addr as Deno.NetAddr;
    this.address = { port, secret, clusterName: options.clusterName };
    this.#accepting = acceptAll(
      this.#listener,
      options.logger,
      (conn) => this.#letIn(conn),
    );
  }

  /** Ends all lines. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const { socket } of this.#lines) socket.destroy();
    for (const socket of this.#strangers) socket.destroy();
    await this.#accepting;
  }

  #letIn(conn: Deno.TcpConn): void {
    const socket = new FrameSocket(acceptedConn(conn), {
      framing: RELAY_FRAMING,
      frameBytes: RELAY_HEAD_BYTES + RELAY_MESSAGE_BYTES,
      // It is looked at the room before anything is sent.
      outboxBytes: this.#options.waitingBytes + 2 * RELAY_MESSAGE_BYTES,
    });
    let line: Line | undefined;
    this.#strangers.add(socket);
    socket.run({
      onFrame: (frame) => {
        if (line) return this.#pass(line, frame);
        if (!this.#isKnown(frame)) return socket.destroy();
        line = { socket, nodes: new Set() };
        this.#lines.add(line);
        sendRelay(socket, { kind: RelayKind.welcome });
      },
      onClose: () => {
        this.#strangers.delete(socket);
        if (line) this.#gone(line);
      },
    });
  }

  #isKnown(frame: Uint8Array): boolean {
    const { kind, message } = readRelay(frame);
    return kind === RelayKind.secret &&
      message.length === this.#secret.length &&
      timingSafeEqual(message, this.#secret);
  }

  #pass(from: Line, frame: Uint8Array): void {
    const { kind, node } = readRelay(frame);
    if (kind === RelayKind.listen) {
      from.nodes.add(node);
      return;
    }
    for (const line of this.#lines) {
      if (line === from) continue;
      if (kind === RelayKind.send && !line.nodes.has(node)) continue;
      if (line.socket.pendingBytes <= this.#options.waitingBytes) {
        line.socket.send(frame);
        continue;
      }
      this.dropped++;
      this.#options.logger.warn(
        "a process is not told what another one tells: it does not read",
      );
    }
  }

  #gone(gone: Line): void {
    this.#lines.delete(gone);
    const others = [...this.#lines];
    // One that has taken its place has its node.
    const nodes = [...gone.nodes].filter((node) =>
      !others.some((line) => line.nodes.has(node))
    );
    for (const { socket } of others) {
      for (const node of nodes) {
        sendRelay(socket, { kind: RelayKind.gone, node });
      }
    }
  }
}
