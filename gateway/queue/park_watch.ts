// ParkWatch: gives up requests that have waited too long for a worker.

import { RET } from "@maple/box";
import type { TaskQueue } from "./task_queue.ts";

// A request is given up after the park time and up to a tenth of it later: one timer for all.
const STEPS = 10;

/** Settings of a {@linkcode ParkWatch}. */
export interface ParkWatchOptions {
  /** Seconds that a task waits; 0 = without end. */
  readonly parkTime: number;
  /** Called with the number of tasks that were given up, when there are any. */
  readonly onExpired: (count: number) => void;
  /**
   * Called after each step, for what has waited for more than so many in the hands of a worker that
   * has not begun it.
   */
  readonly recallOld: (steps: number) => void;
}

/** Gives up requests that have waited too long for a worker. */
export class ParkWatch {
  readonly #queue: TaskQueue;
  readonly #options: ParkWatchOptions;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Makes a watch that does not watch yet. */
  constructor(queue: TaskQueue, options: ParkWatchOptions) {
    this.#queue = queue;
    this.#options = options;
  }

  /** Starts watching. */
  start(): void {
    const { parkTime } = this.#options;
    if (parkTime === 0) return;
    this.#timer = setInterval(() => this.#step(), parkTime * 1000 / STEPS);
  }

  /** Stops watching. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #step(): void {
    const expired = this.#queue.expire(STEPS);
    for (const { session, body } of expired) {
      session?.refuse(body, RET.BUSY);
      session?.requestDone();
    }
    if (expired.length > 0) this.#options.onExpired(expired.length);
    this.#options.recallOld(STEPS);
  }
}
