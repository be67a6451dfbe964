// Guests: clients that come, send some requests and go, all the while.

import type { Random } from "../../helpers/random.ts";
import { ChaosClient, type ChaosClientContext } from "./chaos_client.ts";
import type { ChaosHost } from "./chaos_host.ts";

const LOOPS = 8;
// Above the numbers of the clients that stay.
const FIRST_NUMBER = 1_000_000;

/** Clients that come and go. */
export class Guests implements AsyncDisposable {
  /** Why one could not come, or was not answered; undefined while all is well. */
  failure: string | undefined;
  /** How many have come. */
  count = 0;
  readonly #running: Promise<unknown>;
  #stopped = false;

  /**
   * They begin to come.
   *
   * @param context What is counted of them.
   */
  constructor(
    gateway: ChaosHost,
    context: ChaosClientContext,
    { webSockets }: { readonly webSockets: boolean },
  ) {
    this.#running = Promise.all(
      Array.from({ length: LOOPS }, (_, loop) =>
        this.#loop(gateway, context, {
          isWebSocket: webSockets && loop % 2 === 0,
          random: context.random.fork(),
        }).catch((error) => this.failure ??= (error as Error).message)),
    );
  }

  /** No more come. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #loop(
    gateway: ChaosHost,
    context: ChaosClientContext,
    { isWebSocket, random }: {
      readonly isWebSocket: boolean;
      readonly random: Random;
    },
  ): Promise<void> {
    while (!this.#stopped && this.failure === undefined) {
      const guest = await ChaosClient.connect(
        isWebSocket ? gateway.ws : gateway.outer,
        {
          number: FIRST_NUMBER + this.count++,
          depth: 2,
          slowEvery: 50,
          isWebSocket,
          context,
        },
      );
      guest.start();
      await new Promise((resolve) =>
        setTimeout(resolve, random.between(0, 100))
      );
      await guest.leave();
    }
  }
}
