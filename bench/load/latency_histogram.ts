// LatencyHistogram: response times in log-linear buckets, exact to less than 1 %, with no
// allocation per value.

/** A histogram as data, to be handed between processes. */
export interface LatencyData {
  /** The buckets that hold something: index and count. */
  readonly buckets: readonly (readonly [index: number, count: number])[];
  /** What the values add up to, in milliseconds. */
  readonly sum: number;
  /** The largest value, in milliseconds. */
  readonly max: number;
}

/** One row of the picture of a histogram. */
export interface LatencyRow {
  /** Milliseconds: values above the row before and up to this. */
  readonly upTo: number;
  /** How many there were. */
  readonly count: number;
}

// Values are held in steps of 0.1 µs. Each power of two above 128 steps has 128 buckets.
const STEPS_PER_MS = 10_000;
const LINEAR = 128;
const MAX_STEPS = 2 ** 31 - 1;
const BUCKETS = bucketOf(MAX_STEPS) + 1;

function bucketOf(steps: number): number {
  const shift = Math.max(0, 24 - Math.clz32(steps));
  return shift * LINEAR + (steps >>> shift);
}

// Where a bucket ends, in milliseconds.
function upperEdge(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / LINEAR) - 1);
  return (bucket - shift * LINEAR + 1) * 2 ** shift / STEPS_PER_MS;
}

/**
 * Counts response times from 0.1 µs to 214 s; a longer one counts as that long, but for the
 * maximum.
 */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** How many values there are. */
  get count(): number {
    return this.#count;
  }

  /** The largest value in milliseconds; 0 while there is none. */
  get max(): number {
    return this.#max;
  }

  /** The mean in milliseconds; 0 while there is none. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Counts one response time. */
  record(milliseconds: number): void {
    const steps = Math.min(milliseconds * STEPS_PER_MS, MAX_STEPS);
    this.#counts[bucketOf(steps)]!++;
    this.#count++;
    this.#sum += milliseconds;
    if (milliseconds > this.#max) this.#max = milliseconds;
  }

  /** Forgets everything. */
  reset(): void {
    this.#counts.fill(0);
    this.#count = this.#sum = this.#max = 0;
  }

  /** The milliseconds that `percent` % of the values do not pass; 0 while there are none. */
  percentile(percent: number): number {
    const wanted = Math.ceil(this.#count * percent / 100);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen > 0 && seen >= wanted) {
        return Math.min(upperEdge(bucket), this.#max);
      }
    }
    return 0;
  }

  /** The values in rows of 1, 2, 5, 10 and so on, from the first that is not empty to the last. */
  rows(): LatencyRow[] {
    const rows: { upTo: number; count: number }[] = [];
    let edge = 0;
    let upTo = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts[bucket]!;
      if (count === 0) continue;
      const value = Math.min(upperEdge(bucket), this.#max);
      while (value > upTo) {
        upTo = rowEdge(edge++);
        if (rows.length > 0 && value > upTo) rows.push({ upTo, count: 0 });
      }
      const last = rows.at(-1);
      if (last?.upTo === upTo) last.count += count;
      else rows.push({ upTo, count });
    }
    return rows;
  }

  /** Adds what another process has counted. */
  merge(data: LatencyData): void {
    for (const [bucket, count] of data.buckets) {
      this.#counts[bucket]! += count;
      this.#count += count;
    }
    this.#sum += data.sum;
    this.#max = Math.max(this.#max, data.max);
  }

  /** A copy as plain data. */
  toJSON(): LatencyData {
    const buckets: [number, number][] = [];
    this.#counts.forEach((count, i) => count > 0 && buckets.push([i, count]));
    return { buckets, sum: this.#sum, max: this.#max };
  }
}

// 0.001, 0.002, 0.005, 0.01 and so on.
function rowEdge(edge: number): number {
  const decade = 10 ** (Math.floor(edge / 3) - 3);
  return Number((decade * [1, 2, 5][edge % 3]!).toPrecision(1));
}
