// HonestClients: honest clients at work, and an honest trigger that has news for the users among
// them.

import { Box, type BoxFields } from "@maple/box";
import { Trigger } from "@maple/trigger";
import { FuzzCmd, NEWS_CMD } from "./commands.ts";
import { BOUND_MS, HonestClient, type HonestOptions } from "./honest_client.ts";

const PAUSE_MS = 15;
const NEWS_MS = 40;

/** An honest trigger. */
export interface HonestTrigger {
  /** The port for triggers of the gateway. */
  readonly port: number;
  /** What it proves itself by. @default nothing */
  readonly secret?: string;
}

/** Honest clients at work, and a trigger that has news for the users among them. */
export class HonestClients implements AsyncDisposable {
  /** What has befallen them. */
  readonly faults: string[] = [];
  readonly #clients: readonly HonestClient[];
  readonly #users: readonly { client: HonestClient; uid: number }[];
  readonly #trigger: Trigger<BoxFields> | undefined;
  #asked = 0;
  #told = 0;
  #resting = true;
  #triggerResting = true;
  #asking: Promise<unknown> = Promise.resolve();
  #telling: Promise<unknown> = Promise.resolve();

  private constructor(
    options: readonly HonestOptions[],
    trigger: HonestTrigger | undefined,
  ) {
    const pairs = options.map(({ uid, ...rest }) => ({
      client: new HonestClient(
        { ...rest, ...(uid !== undefined && { uid }) },
        this.faults,
      ),
      uid,
    }));
    this.#clients = pairs.map(({ client }) => client);
    this.#users = pairs.filter((
      one,
    ): one is { client: HonestClient; uid: number } => one.uid !== undefined);
    this.#trigger = trigger && new Trigger(Box, "127.0.0.1", trigger.port, {
      timeout: BOUND_MS / 1000,
      ...(trigger.secret !== undefined && { secret: trigger.secret }),
    });
  }

  /**
   * Connects them; they rest at first.
   *
   * @param trigger Who has news for the users among them. @default nobody
   */
  static async start(
    options: readonly HonestOptions[],
    trigger?: HonestTrigger,
  ): Promise<HonestClients> {
    const all = new HonestClients(options, trigger);
    for (const client of all.#clients) await client.open();
    return all;
  }

  /** How many requests were answered, and how much news was sent. */
  get done(): number {
    return this.#asked + this.#told;
  }

  /** How many clients there are. */
  get size(): number {
    return this.#clients.length;
  }

  /** They begin, or go on. */
  work(): void {
    if (!this.#resting) return;
    this.#resting = this.#triggerResting = false;
    this.#asking = Promise.all(this.#clients.map((one) => this.#askOn(one)));
    this.#telling = this.#trigger ? this.#tellOn() : Promise.resolve();
  }

  /** They stop when all that they have begun is answered and has come. */
  async rest(): Promise<void> {
    this.#triggerResting = true;
    await this.#telling;
    this.#resting = true;
    await this.#asking;
    for (const { client } of this.#users) await client.heard(this.#told);
  }

  /** Disconnects them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#triggerResting = this.#resting = true;
    for (const client of this.#clients) client.close();
    await Promise.all([this.#asking, this.#telling]);
    await this.#trigger?.close().catch(() => {});
  }

  async #askOn(client: HonestClient): Promise<void> {
    while (!this.#resting) {
      await client.ask();
      this.#asked++;
      await pause(PAUSE_MS);
    }
  }

  async #tellOn(): Promise<void> {
    while (!this.#triggerResting) {
      await this.#tell(this.#told + 1);
      await pause(NEWS_MS);
    }
  }

  // Half of the users get their news from the trigger, the others by way of a worker. What goes by
  // workers is in no order, so it has to have come before the next is sent.
  async #tell(number: number): Promise<void> {
    if (!this.#trigger) return;
    try {
      for (const [i, { client, uid }] of this.#users.entries()) {
        const body = { client: client.name, number, news: true };
        if (i % 2 === 0) {
          await this.#trigger.writeToUsers([[[uid], { cmd: NEWS_CMD, body }]]);
        } else {
          await this.#trigger.writeToWorker({ cmd: FuzzCmd.PASS_ON, body }, {
            uid,
          });
        }
      }
      this.#told = number;
    } catch (error) {
      this.faults.push(`honest trigger: ${(error as Error).message}`);
    }
    const end = performance.now() + BOUND_MS;
    const isLate = () =>
      this.#users.some(({ client }) => client.news < this.#told);
    while (!this.#resting && isLate() && performance.now() < end) {
      await pause(5);
    }
    if (!this.#resting && isLate()) {
      this.faults.push(
        `honest trigger: news ${this.#told} has not come to all within ${BOUND_MS} ms`,
      );
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
