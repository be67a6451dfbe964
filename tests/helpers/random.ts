// Random: random values that a seed determines; propertyTest: a failure names the seed, and
// MAPLE_TEST_SEED=N runs it again.

/** Pseudo-random values that depend on the seed alone. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to 1, without 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)]!;
  }

  /** Another one, for a part that draws at times of its own. */
  fork(): Random {
    return new Random(this.between(0, 2 ** 32 - 1));
  }

  /** Bytes of any value. */
  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.next() * 256;
    return bytes;
  }

  /** A signed integer of that many bits, often at the ends of the range or near zero. */
  signed(bits: number): number | bigint {
    const half = 2n ** BigInt(bits - 1);
    const value = this.pick([
      () => -half,
      () => half - 1n,
      () => BigInt(this.between(-2, 2)),
      () => BigInt.asIntN(bits, this.#bits64()),
      () => BigInt.asIntN(Math.min(bits, 54), this.#bits64()),
    ])();
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  /** `bytes` cut into pieces, some of them empty. */
  cut(bytes: Uint8Array): Uint8Array[] {
    const most = this.pick([1, 3, 30, 300, 3000]);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const count = this.between(0, most);
      pieces.push(bytes.subarray(at, at + count));
      at += count;
    }
    return pieces;
  }

  #bits64(): bigint {
    return BigInt(this.between(0, 2 ** 32 - 1)) << 32n |
      BigInt(this.between(0, 2 ** 32 - 1));
  }
}

/** A test whose body is run with a generator of a new seed each time. */
export function propertyTest(
  name: string,
  body: (random: Random) => void | Promise<void>,
): void {
  Deno.test(name, async () => {
    const given = Deno.env.get("MAPLE_TEST_SEED");
    const seed = given === undefined
      ? crypto.getRandomValues(new Uint32Array(1))[0]!
      : Number(given);
    try {
      await body(new Random(seed));
    } catch (cause) {
      throw new Error(`failed with MAPLE_TEST_SEED=${seed}`, { cause });
    }
  });
}
