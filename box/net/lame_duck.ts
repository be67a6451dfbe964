// LameDuck: how a server that leaves gets rid of its clients, one after the other.

// How often it asks some more of them.
const STEP_MS = 100;

/** A client of a server that leaves. */
export interface LeavingClient {
  /** Whether it has told that it knows how to move, see {@linkcode MoveBoxes}. */
  readonly canMove: boolean;
}

/** Whose clients they are, and what is done with them. */
export interface LameDuckOptions<C extends LeavingClient> {
  /** Those that are there, in the order in which they came. */
  readonly clients: () => Iterable<C>;
  /** Asks one to move in so many milliseconds. */
  readonly ask: (client: C, afterMs: number) => void;
  /**
   * Closes one when it has its answers: it does not know how to move, or (`isLate`) was asked and
   * is still there.
   */
  readonly showOut: (client: C, isLate: boolean) => void;
  /** Seconds that one that was asked may take. */
  readonly moveTimeout: number;
}

/**
 * Has the clients of a server move, evenly over some time: all of them at the same moment would be
 * too much for whoever takes them.
 */
export class LameDuck<C extends LeavingClient> {
  readonly #options: LameDuckOptions<C>;
  // Until when each of those may stay whose turn it was.
  #until = new Map<C, number>();
  #endsAt = 0;
  #isOver = false;
  #resolve: (() => void) | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #waitTimer: ReturnType<typeof setTimeout> | undefined;

  /** Nothing happens until `wait` or `run`. */
  constructor(options: LameDuckOptions<C>) {
    this.#options = options;
  }

  /** Waits, so that whoever sends clients here sees that it leaves. */
  wait(seconds: number): Promise<void> {
    if (this.#isOver || seconds === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#waitTimer = setTimeout(resolve, seconds * 1000);
    });
  }

  /**
   * Takes all clients in turn, over so many seconds.
   *
   * @returns When none is left, or the last one's time is over, or `end` was called.
   */
  run(seconds: number): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#endsAt = performance.now() + seconds * 1000;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#timer = setInterval(() => this.#step(), STEP_MS);
      this.#step();
    });
  }

  /** Nobody is asked or waited for any longer. */
  end(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    clearTimeout(this.#waitTimer);
    this.#resolve?.();
  }

  #step(): void {
    const now = performance.now();
    const { clients, showOut, moveTimeout } = this.#options;
    const waiting: C[] = [];
    const until = new Map<C, number>();
    for (const client of clients()) {
      const time = this.#until.get(client);
      if (time === undefined) waiting.push(client);
      else if (time > now) until.set(client, time);
      else {
        showOut(client, true);
        until.set(client, Infinity);
      }
    }
    this.#until = until;
    if (waiting.length + until.size === 0) return this.end();
    const left = this.#endsAt - now;
    // A second more, so that those that are shown out at the last moment get their answers.
    if (left < -(moveTimeout + 1) * 1000) return this.end();
    const count = left <= STEP_MS
      ? waiting.length
      : Math.ceil(waiting.length * STEP_MS / left);
    for (let i = 0; i < count; i++) this.#take(waiting[i]!, now, i / count);
  }

  #take(client: C, now: number, share: number): void {
    const { ask, showOut, moveTimeout } = this.#options;
    if (client.canMove) {
      const after = share * STEP_MS;
      ask(client, after);
      this.#until.set(client, now + after + moveTimeout * 1000);
    } else {
      this.#until.set(client, Infinity);
      showOut(client, false);
    }
  }
}
