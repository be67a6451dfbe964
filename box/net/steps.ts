// Steps: a watch's timer, which can be held for a moment in which nothing may change for all.

/** Something that is done again and again. */
export class Steps {
  readonly #step: () => void;
  readonly #ms: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #held = false;
  #due = false;

  /**
   * Does nothing yet.
   *
   * @param ms Milliseconds between two steps; 0 = there are none.
   */
  constructor(step: () => void, ms: number) {
    this.#step = step;
    this.#ms = ms;
  }

  /** Starts. */
  start(): void {
    if (this.#ms > 0) this.#timer = setInterval(() => this.#make(), this.#ms);
  }

  /** Stops for good. */
  stop(): void {
    clearInterval(this.#timer);
    this.#held = this.#due = false;
  }

  /** Makes no step until `goOn`. */
  hold(): void {
    this.#held = true;
  }

  /** Goes on, and makes up for a step that was due. */
  goOn(): void {
    this.#held = false;
    if (this.#due) this.#make();
  }

  #make(): void {
    this.#due = this.#held;
    if (!this.#held) this.#step();
  }
}
