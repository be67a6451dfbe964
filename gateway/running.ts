// Running: the life of the connections, counted, so that the end can wait for the last of them.

import { describeError, type Logger } from "@maple/box/internal";

/**
 * Counts what runs. There are thousands of connections: they are only counted. None of their
 * promises rejects; one that did so by a mistake of ours must not end the others.
 */
export class Running {
  readonly #logger: Logger;
  #count = 0;
  #onNone: (() => void) | undefined;

  /** @param logger Where a mistake of ours is told. */
  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Counts some work until it has ended. */
  follow(work: Promise<void>): void {
    this.#count++;
    work.then(this.#onEnded, this.#onFault);
  }

  /** Resolves when nothing runs. */
  ended(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onNone = resolve);
  }

  readonly #onFault = (error: unknown): void => {
    this.#logger.error(`a fault: ${describeError(error)}`);
    this.#onEnded();
  };

  readonly #onEnded = (): void => {
    if (--this.#count === 0) this.#onNone?.();
  };
}
