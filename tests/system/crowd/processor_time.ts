// ProcessorTime: how much of a processor each kind of process has used, those included that have
// ended since.

const TICKS_PER_SECOND = 100;

/** Which processes there are now, by what they are called. */
export type Processes = () => Readonly<Record<string, readonly number[]>>;

/** Watches processes from when it is made. */
export class ProcessorTime implements Disposable {
  readonly #processes: Processes;
  readonly #first = new Map<number, number>();
  readonly #last = new Map<string, Map<number, number>>();
  readonly #timer: ReturnType<typeof setInterval>;
  #since = performance.now();

  /** @param processes Tells which there are; those that come later are counted from their start. */
  constructor(processes: Processes) {
    this.#processes = processes;
    this.#sample(true);
    this.#timer = setInterval(() => this.#sample(), 250);
  }

  /** Begins anew. */
  reset(): void {
    this.#first.clear();
    this.#last.clear();
    this.#since = performance.now();
    this.#sample(true);
  }

  /** The share of one processor that each kind has used since then, all of a kind together. */
  shares(): Map<string, number> {
    this.#sample();
    const seconds = (performance.now() - this.#since) / 1000;
    return new Map(
      [...this.#last].map(([name, pids]) => {
        let used = 0;
        for (const [pid, last] of pids) used += last - this.#first.get(pid)!;
        return [name, used / seconds];
      }),
    );
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(isFirst = false): void {
    for (const [name, pids] of Object.entries(this.#processes())) {
      const last = this.#last.get(name) ?? new Map<number, number>();
      this.#last.set(name, last);
      for (const pid of pids) {
        const used = secondsOf(pid);
        if (used === undefined) continue;
        if (!this.#first.has(pid)) this.#first.set(pid, isFirst ? used : 0);
        last.set(pid, used);
      }
    }
  }
}

// See proc(5): of a process, what it has used in user and in system mode.
function secondsOf(pid: number): number | undefined {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    // It has ended, or the system is another one.
    return undefined;
  }
}
