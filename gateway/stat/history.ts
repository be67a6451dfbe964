// History: the last values of some figures, oldest first.

/** The last values of some figures; null where one was not known. */
export class History<Name extends string> {
  readonly #size: number;
  readonly #values: Record<Name, number | null>[] = [];
  #next = 0;

  /** @param size How many values of each are kept. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Adds a value of each figure; the oldest makes room. */
  push(values: Record<Name, number | null>): void {
    this.#values[this.#next] = values;
    this.#next = (this.#next + 1) % this.#size;
  }

  /** The last values of one figure, at most `count`, oldest first. */
  last(name: Name, count: number): (number | null)[] {
    const values = this.#values;
    const first = values.length < this.#size ? 0 : this.#next;
    const known = Math.min(count, values.length);
    const found: (number | null)[] = [];
    for (let i = values.length - known; i < values.length; i++) {
      found.push(values[(first + i) % this.#size]![name]);
    }
    return found;
  }
}
