// Leaving: the end of an app in its process, which comes in a time that can be told, whatever hangs
// in it.

import { writeOutLogs } from "../log/log_sink.ts";
import type { Logger } from "../log/logger.ts";

// What an app may take beyond its stop timeout: to run its hooks and to end.
const STOP_GRACE_MS = 2000;
// What a program may do behind its app's run. Then it is ended, even if it has left something open.
const END_GRACE_MS = 5000;
// A longer one would go off at once.
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Milliseconds after which a process that has not stopped is ended. */
export function stopLimitMs(stopTimeoutMs: number): number {
  return Math.min(stopTimeoutMs + STOP_GRACE_MS, MAX_TIMER_MS);
}

/** What ends. */
export interface Leaver {
  /** Begins to leave in order. */
  close(): Promise<void>;
  /** Resolves when it was closed, by whomever. */
  readonly closed: Promise<void>;
}

/** The end of an app in its process. */
export class Leaving {
  /** Resolves when the app is closed, or given up. */
  readonly over: Promise<void>;
  readonly #leaver: Leaver;
  readonly #stopTimeoutMs: number;
  readonly #logger: Logger;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #deadline = Infinity;
  #givenUp = false;
  #giveUp!: () => void;

  /** @param stopTimeoutMs What the app itself allows for what it has in hand. */
  constructor(leaver: Leaver, stopTimeoutMs: number, logger: Logger) {
    this.#leaver = leaver;
    this.#stopTimeoutMs = stopTimeoutMs;
    this.#logger = logger;
    const givenUp = new Promise<void>((resolve) => this.#giveUp = resolve);
    const closed = leaver.closed.then(() => clearTimeout(this.#timer));
    this.over = Promise.race([closed, givenUp]);
  }

  /** Whether it has begun. */
  get begun(): boolean {
    return this.#deadline < Infinity;
  }

  /**
   * Begins to leave; what has not ended two seconds after the stop timeout is given up.
   *
   * @param spareMs Milliseconds more, for those whom somebody else ends in time.
   */
  begin(spareMs = 0): void {
    // Before it closes: it may be closed by the time that its limit is set.
    this.#limit(spareMs);
    void this.#leaver.close();
  }

  /** Ends the process: at once if the time is over, else when nothing is open, soon anyhow. */
  async endProcess(): Promise<void> {
    if (!this.#givenUp && performance.now() < this.#deadline) {
      endSoon(this.#logger);
      return;
    }
    await writeOutLogs();
    Deno.exit(0);
  }

  #limit(spareMs: number): void {
    const now = performance.now();
    const timeoutMs = stopLimitMs(this.#stopTimeoutMs + spareMs);
    if (now + timeoutMs >= this.#deadline) return;
    this.#deadline = now + timeoutMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#givenUp = true;
      const seconds = timeoutMs / 1000;
      this.#logger.warn(
        `has not ended within ${seconds} s (stopTimeout and 2 s more): a hook or a timer does not end and is given up`,
      );
      this.#giveUp();
    }, timeoutMs);
  }
}

/** Ends the process in some seconds, unless it ends before because nothing is open in it. */
export function endSoon(logger: Logger): void {
  const timer = setTimeout(async () => {
    logger.warn(
      `this program has left something open that holds it, such as a timer or a connection made at the top of a module; it is ended after ${
        END_GRACE_MS / 1000
      } s`,
    );
    await writeOutLogs();
    Deno.exit(0);
  }, END_GRACE_MS);
  Deno.unrefTimer(timer);
}
