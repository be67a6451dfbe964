// Heartbeat: asks a silent server for a sign of life, and tells when none comes.

/** Settings of a {@linkcode Heartbeat}. */
export interface HeartbeatOptions {
  /** Milliseconds of silence after which the server is asked, and may leave that unanswered. */
  readonly intervalMs: number;
  /** Asks for a sign of life. */
  readonly ask: () => void;
  /** Told when none has come. */
  readonly onSilence: () => void;
}

// By steps and not by the clock: browsers hold the timers of a page that is not seen for up to a
// minute, and a computer sleeps. That is no silence of the server's.
const STEPS = 2;

/** Asks a silent server for a sign of life, and tells when none comes. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #quietSteps = 0;

  /** Starts it. */
  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#step(), options.intervalMs / STEPS);
  }

  /** Something came. */
  heard(): void {
    this.#quietSteps = 0;
  }

  /** Ends it. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #step(): void {
    this.#quietSteps++;
    if (this.#quietSteps === STEPS) this.#options.ask();
    else if (this.#quietSteps >= 2 * STEPS) this.#options.onSilence();
  }
}
