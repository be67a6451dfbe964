// MemoryLimit: how much memory the buffers of all connections may take together, and who has to go
// when it is too much.

import type { BufferMeter } from "../buffer_pool.ts";
import { atEndOfTurn } from "../turn.ts";
import type { CloseCause } from "./close_cause.ts";

/** Somebody whose buffers are counted. */
export interface MemoryHolder {
  /** How much of what was counted is for it, in bytes. */
  readonly memoryBytes: number;
  /** Closes it at once. */
  destroy(cause: CloseCause): void;
}

// Room is made for a while.
const FILL = 0.9;
// What those who had to go held is counted until their last reads and writes have ended.
const PAUSE_MS = 10;

/**
 * How much memory the buffers of all connections may take together. To count is to add; who holds
 * how much is asked only when it is too much. Then whoever holds most is closed, until a tenth is
 * free.
 */
export class MemoryLimit implements BufferMeter {
  readonly #max: number;
  readonly #holders: () => Iterable<MemoryHolder>;
  #bytes = 0;
  #looking = false;
  #pause: ReturnType<typeof setTimeout> | undefined;

  /**
   * Makes a limit for buffers that take nothing yet.
   *
   * @param max How many bytes they may take.
   * @param holders All who may have some.
   */
  constructor(max: number, holders: () => Iterable<MemoryHolder>) {
    this.#max = max;
    this.#holders = holders;
  }

  /** How many bytes they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts so many more, or fewer. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#max || this.#looking) return;
    this.#looking = true;
    atEndOfTurn(MemoryLimit.#look, this);
  }

  /** Looks no more. */
  stop(): void {
    this.#looking = true;
    clearTimeout(this.#pause);
  }

  static #look(limit: MemoryLimit): void {
    if (limit.#bytes <= limit.#max) {
      limit.#looking = false;
      return;
    }
    limit.#pause = setTimeout(() => {
      limit.#looking = false;
      limit.add(0);
    }, PAUSE_MS);
    limit.#showOut();
  }

  #showOut(): void {
    let tooMuch = this.#bytes - this.#max * FILL;
    const all = Array.from(this.#holders(), (holder) => ({
      holder,
      bytes: holder.memoryBytes,
    })).sort((a, b) => b.bytes - a.bytes);
    for (const { holder, bytes } of all) {
      if (tooMuch <= 0 || bytes === 0) return;
      tooMuch -= bytes;
      holder.destroy({
        kind: "memory",
        message:
          `it holds most, ${bytes} bytes, of the ${this.#bytes} that all connections hold: more than the ${this.#max} of memoryBytes`,
      });
    }
  }
}
