// ChaosEvents: what has happened, for the report of a failure, and how often.

const KEPT = 60;

/** What has happened. */
export class ChaosEvents {
  /** How often each kind of mischief was done. */
  readonly counts = new Map<string, number>();
  readonly #start = performance.now();
  readonly #last: string[] = [];
  readonly #faults: string[] = [];

  /** A moment of `performance.now`, as it stands before what is noted. */
  clock(moment: number): string {
    return `${((moment - this.#start) / 1000).toFixed(3)} s`;
  }

  /** Notes something. */
  note(what: string): void {
    const now = this.clock(performance.now());
    if (this.#last.push(`${now.padStart(11)}  ${what}`) > KEPT) {
      this.#last.shift();
    }
  }

  /** Notes something that must not happen; the first of them are kept. */
  fault(what: string): void {
    if (this.#faults.length < KEPT) {
      this.#faults.push(`${this.clock(performance.now())}  ${what}`);
    }
    this.note(what);
  }

  /** The first faults. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  /** Notes and counts a mischief. */
  count(kind: string, what: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.note(`${kind}: ${what}`);
  }

  /** The last of them, the oldest first. */
  get last(): readonly string[] {
    return this.#last;
  }
}
