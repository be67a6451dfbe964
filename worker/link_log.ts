// LinkLog: what a worker's link to a gateway tells in the log: each trouble once, until it is over.

import type { Logger } from "@maple/box/internal";

/** What is told of it. */
export interface LinkLogHandler {
  /** Where it is logged. */
  readonly logger: Logger;
  /** The gateway is not there, or does not let the worker in: one line for each time. */
  onTurnedAway(why: string): void;
}

// What keeps a worker from its work.
type Trouble = "away" | "silent" | "turned away" | "refused" | "file";

/**
 * Milliseconds between attempts at last, where one refuses the worker, or is refused, for its
 * secret: it is asked less and less often.
 */
export const MAX_RECONNECT_MS = 30_000;

/** The log of one link. */
export class LinkLog {
  readonly #gateway: string;
  readonly #handler: LinkLogHandler;
  // What was logged since it was attached.
  readonly #told = new Set<Trouble>();

  /** @param gateway Its host and port. */
  constructor(gateway: string, handler: LinkLogHandler) {
    this.#gateway = gateway;
    this.#handler = handler;
  }

  /** The gateway has let the worker in. */
  attached(): void {
    this.#told.clear();
    this.#handler.logger.info(`attached to gateway ${this.#gateway}`);
  }

  /** The worker does not stay. */
  rest(why: string): void {
    this.#told.clear();
    this.#handler.logger.info(
      `not attached to gateway ${this.#gateway}: ${why}`,
    );
  }

  /** The gateway cannot be reached. */
  away(why: string): void {
    this.#once(
      "away",
      `cannot reach gateway ${this.#gateway}, trying each second: ${why}`,
    );
  }

  /** It has not let the worker in for long. */
  silent(): void {
    this.#once(
      "silent",
      `gateway ${this.#gateway} has not let this worker in yet; waiting`,
    );
  }

  /** The file with the secret cannot be read. */
  file(why: string): void {
    this.#once("file", why);
  }

  /** One side has refused the other for its secret. */
  refusal(why: string): void {
    this.#once(
      "refused",
      `cannot work for gateway ${this.#gateway}: ${why}; trying again less and less often, at last every ${
        MAX_RECONNECT_MS / 1000
      } s`,
    );
  }

  /** The connection has ended. */
  end(why: string, wasAttached: boolean): void {
    if (wasAttached) {
      this.#handler.logger.warn(`lost gateway ${this.#gateway}: ${why}`);
      return;
    }
    this.#once(
      "turned away",
      `gateway ${this.#gateway} does not let this worker in, trying each second: ${why}; it may be full (its option innerConnsMax) or want a secret, or this is not its port for workers`,
    );
  }

  #once(kind: Trouble, line: string): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#handler.logger.warn(line);
    this.#handler.onTurnedAway(line);
  }
}
