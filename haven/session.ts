// Session: the requests of one connection, one after the other.

import type {
  CloseCause,
  FrameHandler,
  IdleWatched,
  ServerTransport,
} from "@maple/box/internal";
import type { Connection } from "./connection.ts";

/**
 * What a session needs of its server. Each function answers a promise, which never rejects, when
 * something has to be awaited.
 */
export interface SessionOwner<F extends object> {
  /** How many requests may wait until the connection is not read from. */
  readonly connQueueMax: number;
  /** Calls the hooks for a new connection. */
  onCreate(conn: Connection<F>): Promise<void> | undefined;
  /** Handles a request. */
  onRequest(conn: Connection<F>, frame: Uint8Array): Promise<void> | undefined;
  /** Told at once when the connection has ended; a request may still be running. */
  onEnd(session: Session<F>, cause: CloseCause): void;
  /** Calls the hooks for a connection that is gone. */
  onClose(conn: Connection<F>): Promise<void> | undefined;
}

const TAKEN: Uint8Array = new Uint8Array(0);

/**
 * The life of one connection in order: its createConn hooks, its requests one after the other, its
 * closeConn hooks. What does not have to be awaited takes no promise.
 */
export class Session<F extends object> implements FrameHandler, IdleWatched {
  /** Steps of the idle watch since the last frame. */
  quietSteps = 0;
  /** Resolves when the closeConn hooks were called, or are not going to be. */
  readonly finished: Promise<void>;
  /** What carries the frames. */
  readonly socket: ServerTransport;
  /** What hooks and handlers see of it. */
  readonly conn: Connection<F>;
  readonly #owner: SessionOwner<F>;
  #waiting: Uint8Array[] = [];
  #next = 0;
  #busy = false;
  #held = false;
  #draining = false;
  #closed = false;
  #abandoned = false;
  #setFinished!: () => void;
  #onIdle: (() => void) | undefined;

  /**
   * @param owner Whom it works for.
   * @param conn What hooks and handlers see of it.
   * @param socket What carries the frames.
   */
  constructor(
    owner: SessionOwner<F>,
    conn: Connection<F>,
    socket: ServerTransport,
  ) {
    this.#owner = owner;
    this.conn = conn;
    this.socket = socket;
    this.finished = new Promise((resolve) => this.#setFinished = resolve);
  }

  /** Requests that wait or run. */
  get pendingRequests(): number {
    return this.#waiting.length - this.#next + (this.#busy ? 1 : 0);
  }

  /** Begins: calls the createConn hooks; requests that come meanwhile wait. */
  start(): void {
    this.#busy = true;
    const outcome = this.#owner.onCreate(this.conn);
    if (outcome) outcome.then(this.#goOn);
    else this.#goOn();
  }

  /** Takes no more frames; resolves when those that came are handled. */
  drain(): Promise<void> {
    this.#draining = true;
    this.socket.pause();
    if (this.pendingRequests === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle = resolve);
  }

  /**
   * Gives the running request up: nothing waits for it any more, and the closeConn hooks are not
   * called.
   */
  abandon(): void {
    this.#abandoned = true;
    this.#setFinished();
  }

  /** Called by the transport. */
  onFrame(frame: Uint8Array): void {
    this.quietSteps = 0;
    if (!this.#busy) {
      this.#handle(frame);
      if (!this.#busy && this.#closed) this.#finish();
      return;
    }
    this.#waiting.push(frame);
    if (this.pendingRequests > this.#owner.connQueueMax) {
      this.#held = true;
      this.socket.pause();
    }
  }

  /** Called by the transport. */
  onClose(cause: CloseCause): void {
    this.#closed = true;
    // Whoever asked and left has asked; whoever was shown out has not.
    if (cause.kind !== "peer") this.#waiting.length = this.#next = 0;
    this.#owner.onEnd(this, cause);
    if (this.pendingRequests === 0) this.#finish();
  }

  #handle(frame: Uint8Array): void {
    this.#busy = true;
    const outcome = this.#owner.onRequest(this.conn, frame);
    if (outcome) outcome.then(this.#goOn);
    else this.#busy = false;
  }

  readonly #goOn = (): void => {
    this.#busy = false;
    while (!this.#busy && this.#next < this.#waiting.length) {
      this.#handle(this.#take());
    }
    const pending = this.pendingRequests;
    if (this.#held && pending <= this.#owner.connQueueMax / 2) {
      this.#held = false;
      if (!this.#draining) this.socket.resume();
    }
    if (pending > 0) return;
    this.#onIdle?.();
    if (this.#closed) this.#finish();
  };

  #take(): Uint8Array {
    const frame = this.#waiting[this.#next]!;
    this.#waiting[this.#next++] = TAKEN;
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = this.#next = 0;
    } else if (this.#next > this.#owner.connQueueMax) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    return frame;
  }

  #finish(): void {
    if (this.#abandoned) return;
    const outcome = this.#owner.onClose(this.conn);
    if (outcome) outcome.then(this.#setFinished);
    else this.#setFinished();
  }
}
