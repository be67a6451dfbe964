// LoopDelay: how late the event loop is.

const LOOK_MS = 100;
const LOOKS_KEPT = 10;

/**
 * Measures how late the event loop comes to a timer: what waits behind a handler that computes. It
 * does not keep the process alive.
 */
export class LoopDelay {
  readonly #delays: number[] = new Array<number>(LOOKS_KEPT).fill(0);
  #looks = 0;
  #due = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Seconds that the loop was late, at most, in the last second; 0 unless it is measured. */
  get seconds(): number {
    return Math.max(...this.#delays) / 1000;
  }

  /** Starts measuring. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#due = performance.now() + LOOK_MS;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** Stops measuring. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#delays.fill(0);
  }

  #look(): void {
    const now = performance.now();
    this.#delays[this.#looks++ % LOOKS_KEPT] = Math.max(0, now - this.#due);
    this.#due = now + LOOK_MS;
  }
}
