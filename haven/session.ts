// Session: the requests of one connection, one after the other.

import type { Int64 } from "@maple/box";
import {
  BASE_SESSION_FIELDS,
  BaseSession,
  type ClientRates,
  type CloseCause,
  type CountedAddress,
  type FieldPlan,
  type FrameHandler,
  left,
  type LimitedClient,
  type MemoryHolder,
  type MemoryLimit,
  type Placed,
  type ServerTransport,
  type WatchedClient,
} from "@maple/box/internal";
import type { Connection } from "./connection.ts";
import type { RequestClient } from "./haven_request.ts";
import type { UserSession } from "./user_session.ts";
import type { Users } from "./users.ts";

/**
 * What a session needs of its server. Each function answers a promise, which never rejects, when
 * something has to be awaited.
 */
export interface SessionOwner<F extends object, C extends object> {
  /** How many requests may wait until the connection is not read from. */
  readonly connQueueMax: number;
  /** How much memory all connections may take. */
  readonly memory: MemoryLimit;
  /** Who is logged in where. */
  readonly users: Users<F>;
  /** How much each client may send. */
  readonly rates: ClientRates<LimitedClient>;
  /** Calls the hooks for a new connection. */
  onCreate(session: Session<F, C>): Promise<void> | undefined;
  /** Handles a request. */
  onRequest(
    session: Session<F, C>,
    frame: Uint8Array,
  ): Promise<void> | undefined;
  /** Takes a frame that is a mere sign: a heartbeat, or that it knows how to move. */
  takesSign(session: Session<F, C>, frame: Uint8Array): boolean;
  /** Told when the other side has ended its sending, and waits for answers. */
  onLeaving(session: Session<F, C>): void;
  /** Told at once when the connection has ended; a request may still be running. */
  onEnd(session: Session<F, C>, cause: CloseCause): void;
  /** Told when nothing is left of the connection. */
  onGone(session: Session<F, C>, late: boolean): void;
  /** Calls the hooks for a connection that is gone. */
  onClose(session: Session<F, C>): Promise<void> | undefined;
}

/** What of a session is not on it for all to see, for another process. */
export interface SessionPiece {
  /** Whether it is not read from because of the requests that wait. */
  readonly paused: boolean;
  /** These. */
  readonly waiting: readonly Uint8Array[];
}

const TAKEN: Uint8Array = new Uint8Array(0);
const NO_GROUPS: readonly string[] = [];

/**
 * The life of one connection in order: the hooks for its beginning, its requests one after the
 * other, the hooks for its end; and the user logged in on it. What does not have to be awaited
 * takes no promise.
 */
export class Session<F extends object, C extends object> extends BaseSession
  implements
    FrameHandler,
    WatchedClient,
    Placed,
    LimitedClient,
    UserSession,
    RequestClient<F, C>,
    MemoryHolder {
  /** The groups that it was in when it ended. */
  leftGroups: readonly string[] = NO_GROUPS;
  /** Resolves when the hooks for its end were called, or are not going to be. */
  readonly finished: Promise<void>;
  /** What carries the frames. */
  readonly socket: ServerTransport;
  /** What hooks and handlers see of it. */
  readonly conn: Connection<F, C>;
  /** What its address counts as. */
  readonly counted: CountedAddress | undefined;
  readonly #owner: SessionOwner<F, C>;
  #waiting: Uint8Array[] = [];
  #next = 0;
  #waitingBytes = 0;
  #busy = false;
  #paused = false;
  #draining = false;
  #closed = false;
  #leaving = false;
  #abandoned = false;
  // Whether no request is begun for now.
  #held = false;
  // Whether it is another process's.
  #given = false;
  #over = false;
  #onFree: (() => void) | undefined;
  #setFinished!: () => void;
  readonly #onIdle: (() => void)[] = [];

  /**
   * @param owner Whom it works for.
   * @param conn What hooks and handlers see of it.
   * @param from What carries the frames, and what its address counts as.
   */
  constructor(
    owner: SessionOwner<F, C>,
    conn: Connection<F, C>,
    { transport: socket, counted }: {
      readonly transport: ServerTransport;
      readonly counted: CountedAddress | undefined;
    },
  ) {
    super();
    this.#owner = owner;
    this.counted = counted;
    this.conn = conn;
    this.socket = socket;
    this.finished = new Promise((resolve) => {
      this.#setFinished = () => {
        this.#over = true;
        resolve();
      };
    });
  }

  /** The number of the connection. */
  get connId(): number {
    return this.conn.id;
  }

  /** Binds a user to it; false when it is closed. */
  login(uid: Int64, userdata: Int64): boolean {
    if (this.socket.closed) return false;
    this.#owner.users.login(this, uid, userdata);
    return true;
  }

  /** Unbinds the user; false when it is closed. */
  logout(): boolean {
    if (this.socket.closed) return false;
    this.#owner.users.logout(this);
    return true;
  }

  /** Joins groups; false when it is closed. */
  join(names: readonly string[]): boolean {
    if (this.socket.closed) return false;
    this.#owner.users.join(this, names);
    return true;
  }

  /** Leaves groups, without names all; false when it is closed. */
  leave(names: readonly string[]): boolean {
    if (this.socket.closed) return false;
    this.#owner.users.leave(this, names);
    return true;
  }

  /** Sends a packed box. */
  write(frame: Uint8Array): boolean {
    return this.socket.send(frame);
  }

  /** Closes the connection, after what was sent before. */
  close(): void {
    this.socket.close();
  }

  /** How many bytes of memory its buffers and the requests that wait take. */
  get memoryBytes(): number {
    return this.socket.memoryBytes + this.#waitingBytes;
  }

  /** Closes the connection at once. */
  destroy(cause: CloseCause): void {
    this.socket.destroy(cause);
  }

  /** Requests that wait or run. */
  get pendingRequests(): number {
    return this.#waiting.length - this.#next + (this.#busy ? 1 : 0);
  }

  /** Begins: calls the hooks for that; requests that come meanwhile wait. */
  start(): void {
    this.#busy = true;
    this.#owner.users.add(this);
    const outcome = this.#owner.onCreate(this);
    if (outcome) outcome.then(this.#goOn);
    else this.#goOn();
  }

  /** Begins no request until `release`; they wait. Whoever is closed is not held. */
  hold(): void {
    this.#held = !this.#closed;
  }

  /** Goes on. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (!this.#busy) this.#goOn();
  }

  /** Resolves when what runs for it has ended, a request or a hook; undefined when nothing does. */
  get running(): Promise<void> | undefined {
    if (this.#busy) return new Promise((resolve) => this.#onFree = resolve);
    return this.#closed && !this.#over ? this.finished : undefined;
  }

  /** What another process needs beside its fields; nothing changes here. */
  give(): SessionPiece {
    return { paused: this.#paused, waiting: this.#waiting.slice(this.#next) };
  }

  /** Takes that; it is held. */
  takeOver({ paused, waiting }: SessionPiece): void {
    this.#held = true;
    this.#paused = paused;
    for (const frame of waiting) this.takeWaiting(frame);
  }

  /** Takes a request that came before. */
  takeWaiting(frame: Uint8Array): void {
    this.#waiting.push(frame);
    this.#count(frame.length);
  }

  /** It is another process's: nothing is done for it here any more. */
  letGo(cause: CloseCause): void {
    this.#given = true;
    this.#setFinished();
    this.socket.destroy(cause);
  }

  /** Takes no more frames; resolves when those that came are handled. */
  drain(): Promise<void> {
    this.#draining = true;
    this.socket.pause();
    return this.idle();
  }

  /** Resolves when no request waits or runs. */
  idle(): Promise<void> {
    if (this.pendingRequests === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /**
   * Gives the running request up: nothing waits for it any more, and the hooks for its end are not
   * called.
   */
  abandon(): void {
    this.#abandoned = true;
    this.#setFinished();
  }
  onPing(bytes: number): void {
    const { rates } = this.#owner;
    if (rates.on) rates.take(this, bytes);
  }
  onFrame(frame: Uint8Array): void {
    this.hear();
    const { rates } = this.#owner;
    if (rates.on && !rates.take(this, frame.length)) return;
    if (this.#owner.takesSign(this, frame)) return;
    if (!this.#busy && !this.#held) {
      this.#handle(frame);
      if (!this.#busy && this.#closed) this.#finish();
      return;
    }
    this.#waiting.push(frame);
    this.#count(frame.length);
    if (this.pendingRequests > this.#owner.connQueueMax) {
      this.#paused = true;
      this.socket.pause();
    }
  }

  /** It may be read from again, unless it is held back for something else. */
  readOn(): void {
    if (!this.#paused && !this.#draining && !this.slowed) this.socket.resume();
  }

  /** Called by the transport: whoever has asked before is answered. */
  onEnd(): boolean {
    this.#leaving = this.pendingRequests > 0;
    if (this.#leaving) this.#owner.onLeaving(this);
    return this.#leaving;
  }
  onGone(late: boolean): void {
    if (this.#given) return;
    this.#owner.onGone(this, late);
  }
  onClose(cause: CloseCause): void {
    this.#closed = true;
    if (this.#given) return;
    // Whoever asked and left has asked; whoever was shown out has not.
    if (cause.kind !== "peer") {
      this.#waiting.length = this.#next = 0;
      this.#count(-this.#waitingBytes);
    }
    this.#owner.onEnd(this, cause);
    if (this.pendingRequests === 0) this.#finish();
    else this.release();
  }

  #handle(frame: Uint8Array): void {
    this.#busy = true;
    const outcome = this.#owner.onRequest(this, frame);
    if (outcome) outcome.then(this.#goOn);
    else this.#busy = false;
  }

  readonly #goOn = (): void => {
    this.#busy = false;
    while (!this.#busy && !this.#held && this.#next < this.#waiting.length) {
      this.#handle(this.#take());
    }
    if (!this.#busy) this.#onFree?.();
    const pending = this.pendingRequests;
    if (this.#paused && pending <= this.#owner.connQueueMax / 2) {
      this.#paused = false;
      this.readOn();
    }
    if (pending > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
    if (this.#closed) this.#finish();
    else if (this.#leaving) {
      this.socket.close({ kind: "peer", message: "closed by the other side" });
    }
  };

  #count(bytes: number): void {
    this.#waitingBytes += bytes;
    this.#owner.memory.add(bytes);
  }

  #take(): Uint8Array {
    const frame = this.#waiting[this.#next]!;
    this.#waiting[this.#next++] = TAKEN;
    this.#count(-frame.length);
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
    const outcome = this.#owner.onClose(this);
    if (outcome) outcome.then(this.#setFinished);
    else this.#setFinished();
  }
}

/** What of a session is handed to another process. */
export const SESSION_FIELDS: FieldPlan<Session<object, object>> = {
  ...BASE_SESSION_FIELDS,
  conn: left("its number, its address, and with the app its state"),
  counted: left("by its name"),
  leftGroups: left("only of one that has ended"),
  finished: left("only of one that has ended"),
  running: left("nothing runs"),
  memoryBytes: left("follows from what waits"),
  pendingRequests: left("follows from what waits"),
};

/** What is handed over beside them. */
export const SESSION_MORE = {
  hostname: "text",
  port: "int",
  counted: "text",
  groups: "json",
  paused: "flag",
} as const;
