// Histogram: how often something took how long.

/** The bounds that all durations are counted by, in seconds. */
export const DURATION_BOUNDS: readonly number[] = Object.freeze([
  0.0001,
  0.0003,
  0.001,
  0.003,
  0.01,
  0.03,
  0.05,
  0.1,
  0.3,
  0.5,
  1,
  3,
  5,
  10,
  30,
  60,
]);

/** A histogram as data: what its JSON holds. */
export interface HistogramData {
  /** The upper bounds of the buckets, included, rising; one more bucket without bound follows. */
  readonly bounds: readonly number[];
  /** How many values fell into each bucket, the one without bound included; not cumulative. */
  readonly counts: readonly number[];
  /** How many values there were. */
  readonly count: number;
  /** What they add up to. */
  readonly sum: number;
}

/**
 * Counts values by size, in fixed buckets. An observation allocates nothing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DURATION_BOUNDS, Histogram } from "@maple/box/internal";
 *
 * const durations = new Histogram(DURATION_BOUNDS);
 * durations.observe(0.002);
 * assertEquals(durations.counts[3], 1);
 * ```
 */
export class Histogram implements HistogramData {
  /** The upper bounds of the buckets. */
  readonly bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  /**
   * Makes an empty histogram.
   *
   * @param bounds Upper bounds of the buckets, included, rising and finite; a bucket without bound
   * is added.
   * @throws {RangeError} when the bounds are not rising and finite.
   */
  constructor(bounds: readonly number[]) {
    const rising = bounds.every((bound, i) =>
      Number.isFinite(bound) && bound > (bounds[i - 1] ?? -Infinity)
    );
    if (!rising) {
      throw new RangeError(
        `Cannot make a histogram: its bounds must rise and be finite, got ${bounds}`,
      );
    }
    this.bounds = [...bounds];
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** How many values there were. */
  get count(): number {
    return this.#count;
  }

  /** What they add up to. */
  get sum(): number {
    return this.#sum;
  }

  /** How many values fell into each bucket, not cumulative; the array goes on counting. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  /** Counts one value. */
  observe(seconds: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && seconds > bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#count++;
    this.#sum += seconds;
  }

  /** Counts what another one has counted as well; one with other bounds is left out. */
  add({ bounds, counts, count, sum }: HistogramData): void {
    if (bounds.join() !== this.bounds.join()) return;
    counts.forEach((one, bucket) => this.#counts[bucket]! += one);
    this.#count += count;
    this.#sum += sum;
  }

  /** A copy as plain data. */
  toJSON(): HistogramData {
    return {
      bounds: this.bounds,
      counts: [...this.#counts],
      count: this.#count,
      sum: this.#sum,
    };
  }
}
