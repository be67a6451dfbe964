// WaitTimes: how long clients waited, in buckets, so that millions of waits take no memory.

// Each bucket ends 2 % above the one before; the first ends at 0.01 ms.
const GROWTH = Math.log(1.02);
const FIRST_MS = 0.01;

/** How long clients waited. */
export class WaitTimes {
  /** How many waits there were. */
  count = 0;
  /** The longest, in milliseconds. */
  longest = 0;
  readonly #buckets: number[] = [];

  /** Adds one. */
  add(ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(ms / FIRST_MS) / GROWTH));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.count++;
    if (ms > this.longest) this.longest = ms;
  }

  /** The milliseconds that a share of all waits did not pass, to 2 %. */
  percentile(share: number): number {
    let left = this.count * share;
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count ?? 0;
      if (left <= 0) {
        return Math.min(this.longest, FIRST_MS * Math.exp(bucket * GROWTH));
      }
    }
    return this.longest;
  }
}
