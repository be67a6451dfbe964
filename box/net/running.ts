// Running: the life of the connections, counted, so that the end can wait for the last of them.

import { describeError } from "../log/describe_error.ts";
import type { Logger } from "../log/logger.ts";

/**
 * Counts what runs. There are thousands of connections: they are only counted. None of their
 * promises rejects; one that did so by a mistake of ours must not end the others.
 */
export class Running {
  readonly #source: { readonly logger: Logger };
  #count = 0;
  #onNone: (() => void) | undefined;

  /**
   * Nothing runs yet.
   *
   * @param source Where a mistake of ours is told.
   */
  constructor(source: { readonly logger: Logger }) {
    this.#source = source;
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
    this.#source.logger.error(`a fault: ${describeError(error)}`);
    this.#onEnded();
  };

  readonly #onEnded = (): void => {
    if (--this.#count === 0) this.#onNone?.();
  };
}
