// A stand-in for FakeTime of @std/testing/time, for networks that do not
// reach JSR (see tools/deno.ts). Never published. What the members do is
// documented in the real package.

type Callback = (...args: unknown[]) => void;

const real = { Date, setTimeout, clearTimeout, setInterval, clearInterval };
let current: FakeTime | undefined;

export class FakeTime {
  #now: number;
  #lastId = 0;
  readonly #timers = new Map<number, { due: number; run: () => void }>();

  constructor(start?: number | string | Date | null) {
    if (current) throw new Error("Time is already faked");
    current = this;
    this.#now = new Date(start ?? Date.now()).getTime();
    const add = (id: number, run: () => void, ms: number) =>
      this.#timers.set(id, { due: this.#now + ms, run });
    const clear = (id?: number) => void this.#timers.delete(id ?? 0);
    Object.assign(globalThis, {
      setTimeout: (fn: Callback, ms = 0, ...args: unknown[]) => {
        add(++this.#lastId, () => fn(...args), Math.max(0, Math.floor(ms)));
        return this.#lastId;
      },
      setInterval: (fn: Callback, ms = 0, ...args: unknown[]) => {
        const [id, delay] = [++this.#lastId, Math.max(1, Math.floor(ms))];
        const run = () => {
          add(id, run, delay);
          fn(...args);
        };
        add(id, run, delay);
        return id;
      },
      clearTimeout: clear,
      clearInterval: clear,
      Date: new Proxy(Date, {
        construct: (target, args) =>
          Reflect.construct(target, args.length ? args : [this.#now]),
        apply: () => new real.Date(this.#now).toString(),
        get: (target, key) =>
          key === "now" ? () => this.#now : Reflect.get(target, key),
      }),
    });
  }

  #next(): number | undefined {
    // The sort is stable: of timers due together the one added first runs first.
    return [...this.#timers].sort(([, a], [, b]) => a.due - b.due)[0]?.[0];
  }
  get now(): number {
    return this.#now;
  }
  set now(value: number) {
    if (value < this.#now) throw new RangeError("Time cannot go backwards");
    for (let id = this.#next(); id !== undefined; id = this.#next()) {
      const { due, run } = this.#timers.get(id)!;
      if (due > value) break;
      this.#now = due;
      this.#timers.delete(id);
      run();
    }
    this.#now = value;
  }
  tick(ms = 0): void {
    this.now += ms;
  }
  async tickAsync(ms = 0): Promise<void> {
    await this.runMicrotasks();
    this.tick(ms);
  }
  next(): boolean {
    const id = this.#next();
    if (id !== undefined) this.now = this.#timers.get(id)!.due;
    return id !== undefined;
  }
  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    return this.next();
  }
  runMicrotasks(): Promise<void> {
    return new Promise((resolve) =>
      real.setTimeout.call(globalThis, resolve, 0)
    );
  }
  restore(): void {
    if (current !== this) throw new Error("Time is already restored");
    current = undefined;
    Object.assign(globalThis, real);
  }
  [Symbol.dispose](): void {
    this.restore();
  }
}
