// Replacing: another process takes a gateway's place, again and again.

import type { ChaosHost } from "./chaos_host.ts";
import type { ChaosEvents } from "./events.ts";

/** Has a gateway replaced again and again. */
export class Replacing implements AsyncDisposable {
  /** Why it could not be; undefined while all is well. */
  failure: string | undefined;
  readonly #running: Promise<void>;
  #stop: (() => void) | undefined;
  #stopped = false;

  /**
   * It begins at once.
   *
   * @param next Which one is replaced next.
   * @param seconds From one time to the next.
   */
  constructor(next: () => ChaosHost, seconds: number, events: ChaosEvents) {
    this.#running = this.#run(next, seconds, events);
  }

  /** It is not replaced any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#stop?.();
    await this.#running;
  }

  async #run(
    next: () => ChaosHost,
    seconds: number,
    events: ChaosEvents,
  ): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, seconds * 1000);
        this.#stop = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (this.#stopped) return;
      const gateway = next();
      try {
        events.count("handover", `to ${await gateway.replace()}`);
      } catch (error) {
        this.failure = (error as Error).message;
        return;
      }
    }
  }
}
