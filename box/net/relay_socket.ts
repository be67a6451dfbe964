// RelaySocket: how a connection goes on in another process that cannot itself go there, as one over
// TLS, whose keys are in this one: what it carries goes through this process, by a pair of sockets
// of which the other process has one.

import { acquireBuffer, releaseBuffer } from "../buffer_pool.ts";
import type { ByteSink, Conn } from "./conn.ts";
import type { EpollLoop } from "./epoll_loop.ts";
import { EpollSocket } from "./epoll_socket.ts";
import { Poll } from "./poll_events.ts";

// At a time and direction.
const RELAY_BYTES = 16 * 1024;
const NOTHING: Uint8Array = new Uint8Array(0);

/** Two sockets that are connected with each other, and where they belong. */
export interface SocketPair {
  /** Who looks after them. */
  readonly loop: EpollLoop;
  /** The descriptor of the one that another process is given. */
  readonly near: number;
  /** That of the other one, which stays here. */
  readonly far: number;
}

/**
 * The socket that another process is given in place of a connection. When it is released here,
 * since that one has it, this process begins to pass on what comes on either side.
 */
export class RelaySocket extends EpollSocket {
  /** Resolves when nothing is passed on any more. */
  readonly done: Promise<void>;
  /**
   * Milliseconds in which a client has to have read the rest and left, when the other process has
   * closed its socket.
   */
  restMs = 5000;
  readonly #far: FarSocket;
  readonly #detach: () => Conn;
  readonly #resolve: () => void;
  #isOver = false;
  #conn: Conn | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;

  /**
   * Passes on nothing yet.
   *
   * @param detach Gives the connection, with which nobody else does anything from then on.
   */
  constructor(
    { loop, near, far }: SocketPair,
    remoteAddr: Deno.NetAddr,
    detach: () => Conn,
  ) {
    super(loop, near, remoteAddr);
    this.#far = new FarSocket(loop, far, remoteAddr);
    this.#far.onHangUp = () => {
      this.#rest = setTimeout(() => this.end(), this.restMs);
    };
    this.#detach = detach;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolve = resolve;
  }

  /** Whether nothing is passed on any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Begins: the socket is another process's. */
  override release(): void {
    if (this.released) return;
    super.release();
    const conn = this.#conn = this.#detach();
    const far = this.#far;
    far.watch();
    const end = () => this.end();
    Promise.all([
      conn.run(new RelaySink(far, end)),
      far.run(new RelaySink(conn, end)),
    ]).then(end, end);
  }

  /** Ends it at once; where it has not begun the connection stays as it is. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#rest);
    super.release();
    this.#conn?.close();
    this.#far.close();
    this.#resolve();
  }
}

/** The end that stays here, which tells when the other process has closed its own for good. */
class FarSocket extends EpollSocket {
  onHangUp: () => void = () => {};

  // What is asked for later is asked for besides.
  watch(): void {
    try {
      this.loop.ask(this, Poll.hangUp);
    } catch {
      // As good as broken, which is told when it runs.
    }
  }

  override onReady(events: number): void {
    if (events & this.events & Poll.hangUp) {
      this.loop.ask(this, this.events & ~Poll.hangUp);
      this.onHangUp();
    }
    super.onReady(events);
  }
}

/** Writes what comes to another connection, and reads on when that has taken it. */
class RelaySink implements ByteSink {
  readonly #to: Conn;
  readonly #onBroken: () => void;
  #buffer = NOTHING;
  #length = 0;

  constructor(to: Conn, onBroken: () => void) {
    this.#to = to;
    this.#onBroken = onBroken;
  }

  next(): Promise<void> | undefined {
    return this.#length > 0 ? this.#pass() : undefined;
  }

  space(): Uint8Array {
    if (this.#buffer === NOTHING) this.#buffer = acquireBuffer(RELAY_BYTES);
    return this.#buffer;
  }

  filled(count: number): void {
    this.#length = count;
  }

  async ended(error?: unknown): Promise<void> {
    if (error !== undefined) return this.#onBroken();
    await this.#to.closeWrite().catch(this.#onBroken);
  }

  async #pass(): Promise<void> {
    try {
      const bytes = this.#buffer.subarray(0, this.#length);
      for (let at = 0; at < bytes.length;) {
        at += await this.#to.write(bytes.subarray(at));
      }
    } catch {
      this.#onBroken();
    }
    this.#length = 0;
    releaseBuffer(this.#buffer);
    this.#buffer = NOTHING;
  }
}
