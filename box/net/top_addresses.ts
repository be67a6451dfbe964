// TopAddresses: which addresses something happened with most often, in bounded memory.

/** How often something happened with an address. */
export interface AddressCount {
  /** The address; of IPv6 its /64. */
  readonly address: string;
  /** How often, at least. */
  readonly count: number;
}

const NAMES_MAX = 1000;

/**
 * Which addresses something happened with most often. Where there are too many all counts are
 * halved, and those that are 0 then are forgotten: whoever comes up often stays.
 */
export class TopAddresses {
  readonly #counts = new Map<string, number>();

  /** It happened once more. */
  add(address: string): void {
    const before = this.#counts.get(address);
    if (before === undefined) this.#makeRoom();
    this.#counts.set(address, (before ?? 0) + 1);
  }

  /** Those with which it happened most often, most often first. */
  top(most: number): AddressCount[] {
    return Array.from(this.#counts, ([address, count]) => ({ address, count }))
      .sort((a, b) => b.count - a.count).slice(0, most);
  }

  /** Takes what another has told of itself. */
  takeOver(counts: readonly AddressCount[]): void {
    for (const { address, count } of counts) this.#counts.set(address, count);
  }

  /** Forgets all. */
  clear(): void {
    this.#counts.clear();
  }

  #makeRoom(): void {
    while (this.#counts.size >= NAMES_MAX) {
      for (const [address, count] of this.#counts) {
        if (count === 1) this.#counts.delete(address);
        else this.#counts.set(address, count >> 1);
      }
    }
  }
}
