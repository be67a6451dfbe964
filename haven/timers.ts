// Timers: functions that an app calls again and again while it runs.

import { checkNumber, MAX_TIMER_SECONDS } from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import type { ThrowHandler } from "./hooks.ts";

/** A function and how often it is called. */
export interface TimerSpec {
  /** The time from one call to the next, in seconds. */
  readonly seconds: number;
  /** What is called; a promise that it returns is awaited. */
  readonly fn: () => unknown;
}

const INTERVAL = { min: 0.001, max: MAX_TIMER_SECONDS, whole: false };

/**
 * Does nothing when `seconds` can be a timer's interval.
 *
 * @throws {HavenError} `option` when it cannot.
 */
export function checkSeconds(seconds: number): void {
  checkNumber(
    "Cannot repeat a timer: seconds",
    seconds,
    INTERVAL,
    (message) => new HavenError("option", message),
  );
}

/** The timers of one app. */
export class Timers {
  readonly #throws: ThrowHandler;
  readonly #specs: TimerSpec[] = [];
  readonly #intervals: ReturnType<typeof setInterval>[] = [];
  readonly #calls = new Map<TimerSpec, Promise<void>>();

  /**
   * Makes an empty list.
   *
   * @param throws Who deals with what a function throws.
   */
  constructor(throws: ThrowHandler) {
    this.#throws = throws;
  }

  /** Adds a timer; it runs from the next {@linkcode Timers.start} on. */
  add(spec: TimerSpec): void {
    this.#specs.push(spec);
  }

  /** Starts all timers; each is called for the first time when its interval is over. */
  start(): void {
    for (const spec of this.#specs) {
      const id = setInterval(() => this.#tick(spec), spec.seconds * 1000);
      this.#intervals.push(id);
    }
  }

  /** Whether a call is still going on. */
  get running(): boolean {
    return this.#calls.size > 0;
  }

  /** Ends all timers; resolves when the calls that are still going on are over. */
  async stop(): Promise<void> {
    for (const id of this.#intervals.splice(0)) clearInterval(id);
    await Promise.all(this.#calls.values());
  }

  #tick(spec: TimerSpec): void {
    if (this.#calls.has(spec)) return;
    const call = this.#call(spec.fn).finally(() => this.#calls.delete(spec));
    this.#calls.set(spec, call);
  }

  async #call(fn: () => unknown): Promise<void> {
    try {
      await fn();
    } catch (error) {
      await this.#throws.onThrow("Repeated timer", error);
    }
  }
}
