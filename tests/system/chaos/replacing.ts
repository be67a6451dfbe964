// Replacing: another process takes the gateway's place, again and again.

import type { ChaosEvents } from "./events.ts";
import type { GatewayHost } from "./gateway_host.ts";

/** Has the gateway replaced again and again. */
export class Replacing implements AsyncDisposable {
  /** Why it could not be; undefined while all is well. */
  failure: string | undefined;
  readonly #running: Promise<void>;
  #stop: (() => void) | undefined;
  #stopped = false;

  /** @param seconds From one time to the next. */
  constructor(gateway: GatewayHost, seconds: number, events: ChaosEvents) {
    this.#running = this.#run(gateway, seconds, events);
  }

  /** It is not replaced any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#stop?.();
    await this.#running;
  }

  async #run(
    gateway: GatewayHost,
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
      try {
        await gateway.replace();
      } catch (error) {
        this.failure = (error as Error).message;
        return;
      }
      events.count("handover", `to process ${gateway.process.pid}`);
    }
  }
}
