// WorkerWatch: says that tasks wait while no worker is there, and that one is back.

import type { Logger } from "@maple/box/internal";

/** What a {@linkcode WorkerWatch} looks at. */
export interface WorkerWatchSource {
  /** How many workers are attached. */
  workers(): number;
  /** How many tasks wait. */
  waiting(): number;
  /** Where it is said. */
  readonly logger: Logger;
}

// Workers that are replaced within this time are not missed.
const LOOK_MS = 1000;

/**
 * Says once that no worker is attached while tasks wait, whether the last one has left or the first
 * has never come, and once that there is one again.
 */
export class WorkerWatch {
  readonly #source: WorkerWatchSource;
  #timer: ReturnType<typeof setInterval> | undefined;
  // How often none was there while tasks waited; 0 while nothing was said of it.
  #misses = 0;

  /** Makes a watch that does not watch yet. */
  constructor(source: WorkerWatchSource) {
    this.#source = source;
  }

  /** Starts watching. */
  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Stops watching. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { logger } = this.#source;
    const workers = this.#source.workers();
    const waiting = this.#source.waiting();
    if (workers > 0) {
      if (this.#misses === 0) return;
      const seconds = this.#misses * LOOK_MS / 1000;
      this.#misses = 0;
      logger.info(
        `a worker is attached after ${seconds} s without, and ${waiting} tasks wait`,
      );
    } else if (this.#misses > 0) {
      this.#misses++;
    } else if (waiting > 0) {
      this.#misses = 1;
      logger.warn(`no worker is attached, and ${waiting} tasks wait`);
    }
  }
}
