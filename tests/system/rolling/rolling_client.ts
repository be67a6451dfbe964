// RollingClient: asks all the time, and knows of each request whether it was answered.

import { Box, type BoxFields, Client } from "@maple/box";
import { WaitTimes } from "../chaos/wait_times.ts";
import { RollingCmd } from "../programs/rolling_worker.ts";

/** What all clients count together. */
export class RollingTotals {
  /** Requests that were begun. */
  sent = 0;
  /** Those that were answered, and with what they had asked for. */
  answered = 0;
  /** Why others have failed, each reason once. */
  readonly failures: Map<string, number> = new Map();
  /** Times that a client had no connection. */
  cut = 0;
  /** Connections that were opened and logged in on. */
  logins = 0;
  /** How long the clients waited for each answer. */
  readonly waits: WaitTimes = new WaitTimes();

  /** How many have failed. */
  get failed(): number {
    let sum = 0;
    for (const count of this.failures.values()) sum += count;
    return sum;
  }
}

/** How a client is made. */
export interface RollingClientOptions {
  /** Its number, which is its uid as well; from 1. */
  readonly number: number;
  /** Requests that it has under way at a time. */
  readonly depth: number;
  /** The most milliseconds between an answer and the next request. */
  readonly pauseMs: number;
  /** What is counted. */
  readonly totals: RollingTotals;
}

/** A client that asks all the time. */
export class RollingClient implements AsyncDisposable {
  readonly #client: Client<BoxFields>;
  readonly #options: RollingClientOptions;
  readonly #running: Promise<void>[] = [];
  #last = 0;
  #isOver = false;

  private constructor(options: RollingClientOptions) {
    const { number, totals } = options;
    this.#options = options;
    this.#client = new Client(Box, { moveCmd: RollingCmd.MOVE, timeout: 60 });
    this.#client.onConnect(async (session) => {
      await session.request({ cmd: RollingCmd.LOGIN, body: String(number) });
      totals.logins++;
    });
    this.#client.onStateChange((state) => {
      if (state === "waiting") totals.cut++;
    });
  }

  /** Connects, and begins to ask. */
  static async start(
    url: string,
    options: RollingClientOptions,
  ): Promise<RollingClient> {
    const client = new RollingClient(options);
    await client.#client.connect(url);
    for (let i = 0; i < options.depth; i++) client.#running.push(client.#run());
    return client;
  }

  /** Asks for something of its own. */
  request(cmd: number): Promise<Box> {
    return this.#client.request({ cmd });
  }

  /** Begins nothing more, and waits for what is under way. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  /** Closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#client[Symbol.asyncDispose]();
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    const { number, pauseMs, totals } = this.#options;
    while (!this.#isOver) {
      const body = `${number}:${++this.#last}`;
      const from = performance.now();
      totals.sent++;
      try {
        const answer = await this.#client.request({
          cmd: RollingCmd.WORK,
          body,
        });
        if (answer.ret !== 0 || answer.text() !== body) {
          throw new Error(`ret ${answer.ret}, "${answer.text()}"`);
        }
        totals.answered++;
        totals.waits.add(performance.now() - from);
      } catch (error) {
        const { message } = error as Error;
        totals.failures.set(message, 1 + (totals.failures.get(message) ?? 0));
      }
      const pause = Math.random() * pauseMs;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
