// AppLife: the life of an app, whatever kind it is: it begins once, leaves in order once, is over.

import { BoxError } from "@maple/box";
import { onAbort } from "@maple/box/internal";
import type { AppCore } from "./app_core.ts";
import type { AnyRequest } from "./request.ts";

/** What is different from one kind of app to the other. */
export interface LifeParts {
  /** The app, for its hooks. */
  readonly app: { close(): Promise<void> };
  /** What it is called in messages: `worker`. */
  readonly kind: string;
  /** What its beginning is called: `attach`. */
  readonly verb: string;
  /** Makes the error of its package for a call at the wrong time. */
  readonly fail: (message: string, options?: ErrorOptions) => Error;
  /** Takes no more requests and finishes those that came. */
  readonly leave: () => Promise<void>;
}

/** How a life begins. */
export interface LifeOptions {
  /** Closes the app when it is aborted. */
  readonly signal: AbortSignal | undefined;
  /** Which of the processes or threads this is. @default {1} */
  readonly workerIndex?: number | undefined;
}

/** The life of an app in this process or thread. */
export class AppLife<R extends AnyRequest> {
  /** Resolves when it is over. */
  readonly closed: Promise<void>;
  readonly #core: AppCore<R>;
  readonly #parts: LifeParts;
  #setClosed!: () => void;
  #begun = false;
  #abort: Disposable | undefined;
  #starting: Promise<void> | undefined;
  #leaveFirst: (() => Promise<void>) | undefined;
  #closing: Promise<void> | undefined;

  /** The life of an app that has not begun. */
  constructor(core: AppCore<R>, parts: LifeParts) {
    this.#core = core;
    this.#parts = parts;
    this.closed = new Promise((resolve) => this.#setClosed = resolve);
  }

  /** Whether it leaves, or has left. */
  get leaving(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Begins; what it needs is opened next.
   *
   * @throws {Error} the kind's, when it has begun or is closed; the signal's reason, when that is
   * aborted.
   */
  begin({ signal, workerIndex = 1 }: LifeOptions): void {
    if (this.#begun || this.leaving) {
      const { verb, kind, fail } = this.#parts;
      throw fail(
        `Cannot ${verb}: this ${kind} was started before; make a new one`,
      );
    }
    signal?.throwIfAborted();
    this.#begun = true;
    this.#core.workerIndex = workerIndex;
    this.#abort = onAbort(signal, () => void this.#parts.app.close());
  }

  /** What it needs could not be opened: it may begin again. */
  beginAgain(): void {
    this.#begun = false;
    this.#core.workerIndex = 0;
    this.#abort?.[Symbol.dispose]();
  }

  /**
   * Calls the startWorker hooks and starts the timers; `close` waits for that.
   *
   * @param work What is done behind them.
   */
  start(work: () => unknown = () => {}): Promise<void> {
    // In a later turn: a hook may call close, which has to find the promise here.
    const hooks = () => this.#core.start(this.#parts.app);
    return this.#starting = Promise.resolve().then(hooks).then(work)
      .then(() => {});
  }

  /** Sets what leaves before the app itself. */
  leaveFirst(leave: () => Promise<void>): void {
    this.#leaveFirst = leave;
  }

  /** Leaves in order. A second call gives the same. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /**
   * Runs the app until its end.
   *
   * @throws {Error} the kind's, also where one of the parts it is made of has another.
   */
  async run(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof BoxError)) throw error;
      throw this.#parts.fail(error.message, { cause: error });
    }
  }

  async #close(): Promise<void> {
    this.#core.leaving = true;
    await this.#leaveFirst?.();
    // The stopWorker hooks come after the startWorker hooks.
    await this.#starting;
    await this.#parts.leave();
    await this.#core.stop(this.#parts.app);
    this.#abort?.[Symbol.dispose]();
    this.#setClosed();
  }
}
