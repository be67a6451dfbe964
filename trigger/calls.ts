// Calls: the calls of a trigger that are under way, and how they end.

import type { Logger } from "@maple/box/internal";
import { TriggerError } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";

/** The calls of one trigger. */
export class Calls {
  readonly #ensure: ResolvedOptions["ensure"];
  readonly #timeoutMs: number;
  readonly #logger: Logger;
  readonly #underWay = new Set<Promise<unknown>>();
  #ended = false;

  /** @param options Complete and checked. */
  constructor({ ensure, timeoutMs, logger }: ResolvedOptions) {
    this.#ensure = ensure;
    this.#timeoutMs = timeoutMs;
    this.#logger = logger;
  }

  /**
   * Makes a call.
   *
   * @throws {TriggerError} `closed` after the end; what `start` throws.
   */
  async make<T>(start: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    const work = start();
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  /**
   * Makes a call that says whether it has succeeded.
   *
   * @returns Without `ensure` false when it has failed, and the log says why.
   * @throws {TriggerError} `closed` after the end; with `ensure`, what `start` throws.
   */
  async succeeds(start: () => Promise<void>): Promise<boolean> {
    this.#checkOpen();
    try {
      await this.make(start);
      return true;
    } catch (error) {
      if (this.#ensure || !(error instanceof TriggerError)) throw error;
      this.#logger.warn(error.message);
      return false;
    }
  }

  /** Takes no further ones, and waits for those under way: see `Trigger.close`. */
  async end(): Promise<void> {
    this.#ended = true;
    const all = Promise.allSettled(this.#underWay);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      if (this.#ensure === "forever") {
        timer = setTimeout(resolve, this.#timeoutMs);
      }
    });
    await Promise.race([all, late]);
    clearTimeout(timer);
  }

  #checkOpen(): void {
    if (!this.#ended) return;
    throw new TriggerError("closed", "Cannot send: the trigger is closed");
  }
}
