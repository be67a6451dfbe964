// HonestClients: clients that want nothing but answers, and newcomers, while others attack.

import { AttackCmd } from "./commands.ts";
import { HonestClient } from "./honest_client.ts";
import { pause } from "./means.ts";

// How long an honest client waits for an answer before it counts as failed, in seconds.
const PATIENCE = 20;
const PAUSE_MS = 10;
const NEWCOMER_MS = 200;

/** What honest clients have met with in one phase. */
export interface Phase {
  /** Response times in milliseconds. */
  readonly times: number[];
  /** Requests without their answer. */
  failed: number;
  /** Those who came in this phase and were answered. */
  newcomers: number;
  /** Those who came and were not. */
  refused: number;
}

/** The response time that `share` of the answers did not exceed, in milliseconds. */
export function quantile({ times }: Phase, share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[
    Math.min(sorted.length - 1, Math.floor(sorted.length * share))
  ] ??
    NaN;
}

/** Clients that send one request after the other, and newcomers that send one. */
export class HonestClients {
  readonly #port: number;
  readonly #working: Promise<void>;
  #phase: Phase = newPhase();
  #stopped = false;

  /** Connects so many clients, which begin to send. */
  constructor(port: number, count: number) {
    this.#port = port;
    this.#working = Promise.all([
      ...Array.from({ length: count }, () => this.#work()),
      this.#come(),
    ]).then(() => {});
  }

  /** Begins a new phase, and gives what was met with in the one before. */
  nextPhase(): Phase {
    const phase = this.#phase;
    this.#phase = newPhase();
    return phase;
  }

  /** Waits for the last answers. */
  async stop(): Promise<Phase> {
    this.#stopped = true;
    await this.#working;
    return this.#phase;
  }

  async #work(): Promise<void> {
    let client = await this.#connected();
    while (!this.#stopped) {
      if (!await this.#ask(client)) {
        client?.close();
        client = await this.#connected();
      }
      await pause(PAUSE_MS);
    }
    client?.close();
  }

  async #connected(): Promise<HonestClient | undefined> {
    for (;;) {
      try {
        return await HonestClient.connect(this.#port);
      } catch {
        if (this.#stopped) return undefined;
        await pause(PAUSE_MS);
      }
    }
  }

  // The answer counts in the phase in which its request was sent.
  async #ask(client: HonestClient | undefined): Promise<boolean> {
    const phase = this.#phase;
    const start = performance.now();
    const isAnswered = await answered(client);
    if (isAnswered) phase.times.push(performance.now() - start);
    else phase.failed++;
    return isAnswered;
  }

  async #come(): Promise<void> {
    while (!this.#stopped) {
      const phase = this.#phase;
      const client = await HonestClient.connect(this.#port)
        .catch(() => undefined);
      if (await answered(client)) phase.newcomers++;
      else phase.refused++;
      client?.close();
      await pause(NEWCOMER_MS);
    }
  }
}

async function answered(client: HonestClient | undefined): Promise<boolean> {
  const answer = await client?.request(AttackCmd.ECHO, { seconds: PATIENCE });
  return answer?.ret === 0;
}

function newPhase(): Phase {
  return { times: [], failed: 0, newcomers: 0, refused: 0 };
}
