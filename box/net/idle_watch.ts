// IdleWatch: closes client connections on which no frame comes for too long, the same for every
// listener.

import type { CloseCause } from "./close_cause.ts";

/** What an idle watch needs of a connection. */
export interface IdleWatched {
  /**
   * Frames that came on it and are not done with; while there are any, the other side is the one
   * that waits.
   */
  readonly pendingRequests: number;
  /** Steps of the watch since its last frame; whoever takes the frame sets it to 0. */
  quietSteps: number;
  /** The connection itself. */
  readonly socket: {
    /** Closes it in order. */
    close(cause: CloseCause): void;
  };
}

/** How long a connection may be quiet. */
export interface IdleLimit {
  /** Seconds; 0 = for ever. */
  readonly timeout: number;
  /** The option that sets it, for the log. */
  readonly option: string;
}

// A connection is closed after the timeout and up to a tenth of it later: one timer for all, and no
// clock is read per frame.
const STEPS = 10;

/**
 * Closes client connections on which no frame comes for too long, but none that is waited for or
 * that is not read from.
 */
export class IdleWatch {
  readonly #connections: { all(): Iterable<IdleWatched> };
  readonly #gate: { readonly isOpen: boolean };
  readonly #limit: IdleLimit;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * Makes a watch that does not watch yet.
   *
   * @param connections Whom it watches.
   * @param gate While it is shut nobody is read from, and nobody is quiet by fault of his own.
   */
  constructor(
    connections: { all(): Iterable<IdleWatched> },
    gate: { readonly isOpen: boolean },
    limit: IdleLimit,
  ) {
    this.#connections = connections;
    this.#gate = gate;
    this.#limit = limit;
  }

  /** Starts watching. */
  start(): void {
    const { timeout } = this.#limit;
    if (timeout === 0) return;
    this.#timer = setInterval(() => this.#step(), timeout * 1000 / STEPS);
  }

  /** Stops watching. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #step(): void {
    if (!this.#gate.isOpen) return;
    for (const connection of this.#connections.all()) this.#watch(connection);
  }

  #watch(connection: IdleWatched): void {
    const { timeout, option } = this.#limit;
    if (connection.pendingRequests > 0) connection.quietSteps = 0;
    else if (++connection.quietSteps > STEPS) {
      connection.socket.close({
        kind: "idle",
        message: `no frame for ${timeout} s (${option})`,
      });
    }
  }
}
