// Bans: addresses that are kept out for a while.

import type { IpRange } from "../ip_range.ts";
import { IpTable } from "../ip_table.ts";

/** A ban that has not ended. */
export interface Ban {
  /** Whom it is about: `192.0.2.7`, `2001:db8::/32`. */
  readonly address: string;
  /** Seconds that are left of it. */
  readonly seconds: number;
}

/** The most bans at a time. */
export const BANS_MAX = 10_000;

interface Held {
  readonly range: IpRange;
  readonly until: number;
}

/** Addresses that are kept out for a while. What has ended is forgotten when another begins. */
export class Bans {
  readonly #now: () => number;
  readonly #table = new IpTable<Held>();
  // In the order of their beginning.
  readonly #held = new Map<string, Held>();

  /**
   * Keeps nobody out yet.
   *
   * @param now Milliseconds; for tests.
   */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many there are. */
  get size(): number {
    this.#forgetEnded();
    return this.#held.size;
  }

  /**
   * Begins one, in place of one before about the same range.
   *
   * @param seconds 0 ends the one before.
   * @returns false when there are {@linkcode BANS_MAX} others.
   */
  set(range: IpRange, seconds: number): boolean {
    const name = `${range}`;
    this.#delete(name);
    if (seconds === 0) return true;
    if (this.#held.size >= BANS_MAX) this.#forgetEnded();
    if (this.#held.size >= BANS_MAX) return false;
    const held = { range, until: this.#now() + seconds * 1000 };
    this.#held.set(name, held);
    this.#table.set(range, held);
    return true;
  }

  /** Whether an address is kept out now. */
  has(address: string): boolean {
    if (this.#table.size === 0) return false;
    const now = this.#now();
    return this.#table.find(address, ({ until }) => until > now) !== undefined;
  }

  /** All that have not ended. */
  list(): Ban[] {
    this.#forgetEnded();
    const now = this.#now();
    return Array.from(this.#held, ([address, { until }]) => ({
      address,
      seconds: (until - now) / 1000,
    }));
  }

  #forgetEnded(): void {
    const now = this.#now();
    for (const [name, { until }] of this.#held) {
      if (until <= now) this.#delete(name);
    }
  }

  #delete(name: string): void {
    const held = this.#held.get(name);
    if (!held) return;
    this.#held.delete(name);
    this.#table.delete(held.range);
  }
}
