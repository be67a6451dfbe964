// AddressLimits: who may connect as far as his address tells: whom a list or a ban keeps out, and
// how many connections come from one address.

import type { IpRange } from "../ip_range.ts";
import { ipTable } from "../ip_table.ts";
import { type Ban, Bans } from "./bans.ts";
import { addressName, isPublicAddress } from "./client_address.ts";

/** Why a connection is refused for its address; all but `ban` are the options of that name. */
export type AddressCause = "deny" | "ban" | "connsPerAddress" | "connectRate";

/** How many connections one address may have; looked at each time. */
export interface ConnectionLimits {
  /** Connections of all together. */
  readonly connsMax: number;
  /** Connections at a time; 0 = any number; undefined = half of all, for public addresses only. */
  readonly connsPerAddress: number | undefined;
  /**
   * New ones a second; 0 = any number; undefined = {@linkcode PUBLIC_CONNECT_RATE}, for public
   * addresses only.
   */
  readonly connectRate: number | undefined;
}

/** What is known of an address that has connections, or had some just now. */
export interface CountedAddress {
  /** Whom it stands for, see `addressName`. */
  readonly name: string;
  /** Whether it is one of the public internet. */
  readonly isPublic: boolean;
  /** Its connections. */
  conns: number;
  /** Its bucket of new ones. */
  level: number;
  /** When that leaked last. */
  levelAt: number;
}

/** Settings of {@linkcode AddressLimits}. */
export interface AddressLimitsOptions {
  /** Who is kept out for good. @default nobody */
  readonly deny?: readonly IpRange[];
  /** A connection is refused. */
  readonly onRefused: (name: string, cause: AddressCause) => void;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

/** What one process tells another of addresses. */
export interface AddressesPiece {
  /** Those that are known, with times of `performance.now()`. */
  readonly known: readonly CountedAddress[];
  /** Those that are kept out for a while. */
  readonly bans: readonly Ban[];
}

/** New connections a second that a public address may have where nothing else is set. */
export const PUBLIC_CONNECT_RATE = 1000;

// A bucket holds what comes in so many seconds.
const BURST_SECONDS = 2;
// With fewer addresses it is not worth looking which of them can be forgotten.
const SWEEP_MIN = 1024;

/** How many connections an address may have where nothing else is set. */
export function publicConnsOf(connsMax: number): number {
  return Math.ceil(connsMax / 2);
}

/**
 * Who may connect as far as his address tells. An address is known while it has connections, and
 * until its bucket has leaked.
 */
export class AddressLimits {
  /** Whom a ban keeps out. */
  readonly bans: Bans;
  readonly #limits: ConnectionLimits;
  readonly #onRefused: AddressLimitsOptions["onRefused"];
  readonly #now: () => number;
  readonly #known = new Map<string, CountedAddress>();
  #denied: ReturnType<typeof ipTable>;
  #sweepAt = SWEEP_MIN;

  /**
   * Knows nobody yet.
   *
   * @param limits How many connections one address may have.
   */
  constructor(limits: ConnectionLimits, options: AddressLimitsOptions) {
    const { deny = [], onRefused, now = () => performance.now() } = options;
    this.#limits = limits;
    this.#onRefused = onRefused;
    this.#now = now;
    this.bans = new Bans(now);
    this.#denied = ipTable(deny);
  }

  /** How many addresses are known. */
  get size(): number {
    return this.#known.size;
  }

  /** How many ranges are kept out for good. */
  get denied(): number {
    return this.#denied.size;
  }

  /** Keeps out these for good, and none of those before. */
  setDeny(ranges: readonly IpRange[]): void {
    this.#denied = ipTable(ranges);
  }

  /** What keeps an address out, whatever its connections are. */
  bars(address: string): AddressCause | undefined {
    if (this.#denied.find(address)) return "deny";
    return this.bans.has(address) ? "ban" : undefined;
  }

  /** Whether one more connection of an address is refused, which is told. */
  refuses(address: string): boolean {
    const cause = this.bars(address) ?? this.#exceeds(address);
    if (cause === undefined) return false;
    this.#onRefused(addressName(address), cause);
    return true;
  }

  /** An address has one more connection. */
  enter(address: string): CountedAddress {
    const name = addressName(address);
    let known = this.#known.get(name);
    if (!known) {
      if (this.#known.size >= this.#sweepAt) this.#sweep();
      const isPublic = isPublicAddress(address);
      known = { name, isPublic, conns: 0, level: 0, levelAt: 0 };
      this.#known.set(name, known);
    }
    known.conns++;
    this.#leak(known);
    known.level++;
    return known;
  }

  /** An address has one connection less. */
  leave(counted: CountedAddress | undefined): void {
    if (counted) counted.conns--;
  }

  /** What is known, for another process. */
  give(): AddressesPiece {
    return { known: [...this.#known.values()], bans: this.bans.list() };
  }

  /** Takes what another process has given; the connections are counted by `rejoin`. */
  takeOver({ known, bans }: AddressesPiece, shift: number): void {
    for (const one of known) {
      const levelAt = one.levelAt + shift;
      this.#known.set(one.name, { ...one, conns: 0, levelAt });
    }
    this.bans.takeOver(bans);
  }

  /** A connection of an address has come from another process. */
  rejoin(name: string): CountedAddress | undefined {
    const known = this.#known.get(name);
    if (known) known.conns++;
    return known;
  }

  #exceeds(address: string): AddressCause | undefined {
    const known = this.#known.get(addressName(address));
    if (!known) return undefined;
    if (known.conns >= this.#mostOf(known)) return "connsPerAddress";
    const rate = this.#leak(known);
    const line = Math.max(0, rate * BURST_SECONDS - 1);
    return known.level > line ? "connectRate" : undefined;
  }

  #mostOf({ isPublic }: CountedAddress): number {
    const { connsPerAddress, connsMax } = this.#limits;
    if (connsPerAddress !== undefined) return connsPerAddress || Infinity;
    return isPublic ? publicConnsOf(connsMax) : Infinity;
  }

  // A second.
  #rateOf({ isPublic }: CountedAddress): number {
    const { connectRate } = this.#limits;
    if (connectRate !== undefined) return connectRate || Infinity;
    return isPublic ? PUBLIC_CONNECT_RATE : Infinity;
  }

  // Gives the rate by which it did.
  #leak(known: CountedAddress): number {
    const rate = this.#rateOf(known);
    const now = this.#now();
    const seconds = (now - known.levelAt) / 1000;
    known.levelAt = now;
    // Of any number nothing stays; no time at all times that would be no number.
    known.level = rate === Infinity
      ? 0
      : Math.max(0, known.level - seconds * rate);
    return rate;
  }

  // What is over is forgotten once there are twice as many as there were after the last look.
  #sweep(): void {
    for (const [name, known] of this.#known) {
      if (known.conns > 0) continue;
      this.#leak(known);
      if (known.level === 0) this.#known.delete(name);
    }
    this.#sweepAt = Math.max(SWEEP_MIN, this.#known.size * 2);
  }
}
