// Gate: what read loops stop at while something else has to catch up.

/** Open at first; whoever waits goes on when it opens again. */
export class Gate {
  #opened: Promise<void> | undefined;
  #open: (() => void) | undefined;

  /** Whether it is open. */
  get isOpen(): boolean {
    return this.#opened === undefined;
  }

  /** Resolves when it is open. */
  opened(): Promise<void> {
    return this.#opened ?? Promise.resolve();
  }

  /** Closes it; no effect when it is closed. */
  shut(): void {
    if (this.#opened) return;
    this.#opened = new Promise((resolve) => this.#open = resolve);
  }

  /** Opens it; no effect when it is open. */
  open(): void {
    const open = this.#open;
    this.#opened = this.#open = undefined;
    open?.();
  }
}
