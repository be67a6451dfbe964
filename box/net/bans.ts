// Bans: addresses that are kept out for a while.

import { IpRange } from "../ip_range.ts";
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

// One as it is kept.
interface Begun {
  readonly range: IpRange;
  readonly until: number;
}

/** Addresses that are kept out for a while. What has ended is forgotten when another begins. */
export class Bans {
  readonly #now: () => number;
  readonly #table = new IpTable<Begun>();
  // In the order of their beginning.
  readonly #bans = new Map<string, Begun>();

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
    return this.#bans.size;
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
    if (this.#bans.size >= BANS_MAX) this.#forgetEnded();
    if (this.#bans.size >= BANS_MAX) return false;
    const ban = { range, until: this.#now() + seconds * 1000 };
    this.#bans.set(name, ban);
    this.#table.set(range, ban);
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
    return Array.from(this.#bans, ([address, { until }]) => ({
      address,
      seconds: (until - now) / 1000,
    }));
  }

  /** Takes those that another process has given, as `list` tells them. */
  takeOver(bans: readonly Ban[]): void {
    for (const { address, seconds } of bans) {
      this.set(IpRange.parse(address)!, seconds);
    }
  }

  #forgetEnded(): void {
    const now = this.#now();
    for (const [name, { until }] of this.#bans) {
      if (until <= now) this.#delete(name);
    }
  }

  #delete(name: string): void {
    const ban = this.#bans.get(name);
    if (!ban) return;
    this.#bans.delete(name);
    this.#table.delete(ban.range);
  }
}
