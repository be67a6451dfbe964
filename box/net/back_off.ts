// BackOff: how long to wait between two attempts to connect.

/** The least and the most seconds between two attempts. */
export interface Delays {
  /** The least. */
  readonly minDelay: number;
  /** The most. */
  readonly maxDelay: number;
}

/** How long to wait, in seconds, between two attempts to connect. */
export class BackOff {
  readonly #min: number;
  readonly #max: number;
  #failures = 0;
  #openedAt: number | undefined;

  /**
   * Nothing was tried yet.
   *
   * @param range The least and the most seconds.
   */
  constructor({ minDelay, maxDelay }: Delays) {
    this.#min = minDelay;
    this.#max = maxDelay;
  }

  /** A connection was made. */
  opened(): void {
    this.#openedAt = performance.now();
  }

  /**
   * It was lost, or could not be made: how long to wait. All clients of a server lose theirs at the
   * same moment and must not come back at the same moment, so chance decides. One that is lost as
   * soon as it is made slows down like one that cannot be made.
   */
  next(): number {
    const lasted = performance.now() - (this.#openedAt ?? Infinity);
    this.#openedAt = undefined;
    if (lasted >= this.#max * 1000) this.#failures = 0;
    const most = Math.min(this.#max, this.#min * 2 ** ++this.#failures);
    return this.#min + Math.random() * (most - this.#min);
  }

  /** Waits as long as {@linkcode BackOff.next} says, or until it makes no sense any more. */
  wait(signal: AbortSignal): Promise<void> {
    return pause(this.next() * 1000, signal);
  }
}

/** Waits so many milliseconds, or until it makes no sense any more. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      globalThis.removeEventListener?.("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    // Browsers tell when the network is back; Node has no such events.
    globalThis.addEventListener?.("online", done);
  });
}
