// Place: where one child works, and another when that one dies: at once, or later and later when
// one dies after the other.

import type { Logger } from "../log/logger.ts";
import type { WatchedChild } from "./watched_child.ts";

// A child that has worked for so long had nothing to do with the deaths before it.
const SETTLED_MS = 10_000;
const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 30_000;

/** What a {@linkcode Place} works with. */
export interface PlaceContext {
  /**
   * Starts a child.
   *
   * @throws {Error} with one line that says why it cannot be started.
   */
  readonly start: (index: number) => WatchedChild;
  /** Called when a child of the place is ready. */
  readonly onReady: () => void;
  /** Where it logs. */
  readonly logger: Logger;
}

/** Where one child works, and another when that one dies. */
export class Place {
  /** Its number, from 1. */
  readonly index: number;
  readonly #context: PlaceContext;
  #child: WatchedChild | undefined;
  #lossesInARow = 0;
  #restarts = 0;
  #wasReady = false;
  #closed = false;
  #waiting: ReturnType<typeof setTimeout> | undefined;
  #settling: ReturnType<typeof setTimeout> | undefined;

  /** @param index Its number, from 1. */
  constructor(index: number, context: PlaceContext) {
    this.index = index;
    this.#context = context;
  }

  /** Who works there; nobody between a death and the next start. */
  get child(): WatchedChild | undefined {
    return this.#child;
  }

  /** Times that a child was lost there and another was started. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Whether there ever was a child that was ready. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /**
   * Starts the first child.
   *
   * @throws {Error} when it cannot be started.
   */
  fill(): void {
    this.#put(this.#context.start(this.index));
  }

  /**
   * Gives the place to a child that is ready.
   *
   * @returns The one that was there.
   */
  handOver(child: WatchedChild): WatchedChild | undefined {
    const old = this.#child;
    this.#clear();
    this.#lossesInARow = 0;
    this.#put(child);
    return old;
  }

  /**
   * Its child has died or leaves: another will be started.
   *
   * @param what What has happened, for the log.
   */
  onLoss(what: string): void {
    this.#child = undefined;
    this.#restarts++;
    const delay = this.#nextDelay();
    this.#context.logger.warn(
      `${what}; starting another ${
        delay === 0 ? "at once" : `in ${delay / 1000} s`
      }`,
    );
    this.#startAfter(delay);
  }

  /** Starts nobody by itself: whoever takes the place is on the way. */
  suspend(): void {
    clearTimeout(this.#waiting);
  }

  /** Whoever was on the way does not come: where nobody works, another is started, later. */
  resume(): void {
    if (!this.#child && !this.#closed) this.#startAfter(this.#nextDelay());
  }

  /** Starts no more children. */
  close(): void {
    this.#closed = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#waiting);
    clearTimeout(this.#settling);
  }

  #put(child: WatchedChild): void {
    this.#child = child;
    child.ready.then((ready) => {
      if (!ready || this.#child !== child || this.#closed) return;
      this.#wasReady = true;
      this.#settling = setTimeout(() => this.#lossesInARow = 0, SETTLED_MS);
      this.#context.onReady();
    });
  }

  #startAfter(delay: number): void {
    clearTimeout(this.#settling);
    this.#waiting = setTimeout(() => {
      try {
        this.fill();
      } catch (error) {
        const delay = this.#nextDelay();
        this.#context.logger.error(
          `${(error as Error).message}; trying again in ${delay / 1000} s`,
        );
        this.#startAfter(delay);
      }
    }, delay);
  }

  // None after one that had settled.
  #nextDelay(): number {
    const before = this.#lossesInARow++;
    return before === 0
      ? 0
      : Math.min(FIRST_DELAY_MS * 2 ** (before - 1), LAST_DELAY_MS);
  }
}
