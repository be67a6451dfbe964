// ClientWatch: closes client connections on which something takes too long, the same for every
// listener.

import type { CloseCause } from "./close_cause.ts";
import { Steps } from "./steps.ts";

/** What a watch needs of a connection. */
export interface WatchedClient {
  /**
   * Frames that came on it and are not done with; while there are any, the other side is the one
   * that waits.
   */
  readonly pendingRequests: number;
  /** Whether it is not read from since it sent too much; then it cannot be heard. */
  readonly slowed: boolean;
  /** Whether it has ever sent a whole frame. */
  readonly heard: boolean;
  /** The user logged in on it; 0 or 0n = none. */
  readonly uid: number | bigint;
  /** Steps of the watch since its last frame; whoever takes the frame sets it to 0. */
  quietSteps: number;
  /** The same for which a frame has been on its way. */
  slowSteps: number;
  /** What carries its frames. */
  readonly socket: {
    /** Bytes of a frame that is not whole yet; 0 while it is not read from. */
    readonly partialBytes: number;
    /** Bytes that wait to be written. */
    readonly pendingBytes: number;
    /** Steps for which none of these was taken; to be called once a step. */
    stalledSteps(): number;
    /** Closes it in order. */
    close(cause: CloseCause): void;
    /** Closes it at once. */
    destroy(cause: CloseCause): void;
  };
}

/** How long things may take, in seconds; 0 = for ever. */
export interface ClientTimeouts {
  /** Without a whole frame, unless one that came before is not done with. */
  readonly idle: number;
  /** The option that sets it, for the log. */
  readonly idleOption: string;
  /** From the beginning to the first whole frame, unless somebody is logged in. */
  readonly firstFrame: number;
  /** From the beginning of a frame to its end. */
  readonly frame: number;
  /** While bytes wait to be written and none is taken. */
  readonly write: number;
}

// A connection is closed after its timeout and up to a tenth of the shortest one later: one timer
// for all, and no clock is read per frame.
const STEPS = 10;

/** Closes client connections on which something takes too long. */
export class ClientWatch {
  readonly #connections: { all(): Iterable<WatchedClient> };
  readonly #timeouts: ClientTimeouts;
  readonly #stepMs: number;
  // The timeouts in steps.
  readonly #idleSteps: number;
  readonly #firstFrameSteps: number;
  readonly #frameSteps: number;
  readonly #writeSteps: number;
  readonly #timer: Steps;

  /**
   * Makes a watch that does not watch yet.
   *
   * @param connections Whom it watches.
   */
  constructor(
    connections: { all(): Iterable<WatchedClient> },
    timeouts: ClientTimeouts,
  ) {
    this.#connections = connections;
    this.#timeouts = timeouts;
    const { idle, firstFrame, frame, write } = timeouts;
    const set = [idle, firstFrame, frame, write].filter((one) => one > 0);
    this.#stepMs = set.length > 0 ? Math.min(...set) * 1000 / STEPS : 0;
    this.#idleSteps = this.#steps(idle);
    this.#firstFrameSteps = this.#steps(firstFrame);
    this.#frameSteps = this.#steps(frame);
    this.#writeSteps = this.#steps(write);
    this.#timer = new Steps(() => this.#step(), this.#stepMs);
  }

  /** Milliseconds of one step; 0 where nothing is watched. */
  get stepMs(): number {
    return this.#stepMs;
  }

  /** Starts watching. */
  start(): void {
    this.#timer.start();
  }

  /** Stops watching. */
  stop(): void {
    this.#timer.stop();
  }

  /** Changes nothing of anybody until `goOn`. */
  hold(): void {
    this.#timer.hold();
  }

  /** Goes on. */
  goOn(): void {
    this.#timer.goOn();
  }

  #steps(seconds: number): number {
    return seconds === 0 ? Infinity : Math.ceil(seconds * 1000 / this.#stepMs);
  }

  #step(): void {
    for (const connection of this.#connections.all()) {
      if (!this.#closesStalled(connection)) this.#watch(connection);
    }
  }

  #closesStalled({ socket }: WatchedClient): boolean {
    if (socket.stalledSteps() <= this.#writeSteps) return false;
    socket.destroy({
      kind: "stalled",
      message:
        `the other side has taken none of ${socket.pendingBytes} bytes for ${this.#timeouts.write} s (writeTimeout)`,
    });
    return true;
  }

  #watch(connection: WatchedClient): void {
    const { socket } = connection;
    if (socket.partialBytes > 0) connection.slowSteps++;
    else connection.slowSteps = 0;
    const { pendingRequests, slowed } = connection;
    if (pendingRequests > 0 || slowed) connection.quietSteps = 0;
    else connection.quietSteps++;
    const cause = this.#causeOf(connection);
    if (cause) socket.close(cause);
  }

  #causeOf(connection: WatchedClient): CloseCause | undefined {
    const { idle, idleOption, firstFrame, frame } = this.#timeouts;
    if (connection.slowSteps > this.#frameSteps) {
      return {
        kind: "slowFrame",
        message: `a frame is not whole after ${frame} s (frameTimeout)`,
      };
    }
    if (connection.quietSteps > this.#idleSteps) {
      return {
        kind: "idle",
        message: `no frame for ${idle} s (${idleOption})`,
      };
    }
    if (
      connection.quietSteps > this.#firstFrameSteps && !connection.heard &&
      Number(connection.uid) === 0
    ) {
      return {
        kind: "firstFrame",
        message: `no whole frame within ${firstFrame} s (firstFrameTimeout)`,
      };
    }
    return undefined;
  }
}
