// LimitLog: tells of what limits do to clients, some lines a minute however many there are, and
// names the addresses that it happens with most.

import type { Logger } from "../log/logger.ts";
import { type AddressCount, TopAddresses } from "./top_addresses.ts";

// The first line comes soon, further ones sum up.
const FIRST_MS = 1000;
const NEXT_MS = 10_000;
const NAMED = 3;

/** Tells of what limits do to clients. */
export class LimitLog {
  readonly #logger: Logger;
  readonly #top = new TopAddresses();
  // Since the last line.
  readonly #counts = new Map<string, number>();
  readonly #recent = new TopAddresses();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Has nothing to tell yet.
   *
   * @param logger Where the lines go.
   */
  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * Something was done to a client.
   *
   * @param what For the line: `connections refused (connectRate)`.
   * @param address Whom it stands for, see `addressName`.
   */
  add(what: string, address: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
    this.#recent.add(address);
    this.#top.add(address);
    this.#timer ??= setTimeout(() => this.#tell(), FIRST_MS);
  }

  /** The addresses that it happened with most often since the start. */
  top(most: number): AddressCount[] {
    return this.#top.top(most);
  }

  /** Takes what another process has told of itself by `top`. */
  takeOver(counts: readonly AddressCount[]): void {
    this.#top.takeOver(counts);
  }

  /** Tells what has not been told yet, and nothing after that. */
  stop(): void {
    this.#line();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(): void {
    this.#timer = this.#line()
      ? setTimeout(() => this.#tell(), NEXT_MS)
      : undefined;
  }

  #line(): boolean {
    if (this.#counts.size === 0) return false;
    const what = Array.from(this.#counts, ([one, count]) => `${count} ${one}`)
      .join(", ");
    const most = this.#recent.top(NAMED)
      .map(({ address, count }) => `${address} (${count})`).join(", ");
    this.#logger.warn(`limits of clients: ${what}; most often ${most}`);
    this.#counts.clear();
    this.#recent.clear();
    return true;
  }
}
