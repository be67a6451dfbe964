// ServerStage: a server's processes with honest clients beside, and the counters that must come
// back to what they were.

import { eventually } from "../../helpers/eventually.ts";
import type { RunningProcess } from "../../helpers/process.ts";
import { deliver, type Delivery } from "./deliver.ts";
import { BOUND_MS, HonestClient, type HonestOptions } from "./honest_client.ts";
import { HonestClients, type HonestTrigger } from "./honest_clients.ts";
import type { FuzzInput } from "./input.ts";
import type { ProcessWatch } from "./process_watch.ts";
import type { Stage } from "./stage.ts";
import type { FuzzTarget, PortName } from "./target.ts";

/** What a server tells of itself. */
export interface ServerCounters {
  /** Those that must be as they were when all attackers are gone. */
  readonly steady: Record<string, number>;
  /** How many messages of clients there were. */
  readonly messages: number;
}

/** What a server is, as far as a fuzz goes. */
export interface FuzzedServer {
  /** Its ports. */
  readonly ports: Partial<Record<PortName, number>>;
  /** Its processes, the server itself first. */
  readonly watches: readonly ProcessWatch[];
  /** Its honest clients. */
  readonly honest: readonly HonestOptions[];
  /** Those of whom a new one comes after each while. */
  readonly newcomers: readonly HonestOptions[];
  /** Its honest trigger. @default none */
  readonly trigger?: HonestTrigger;
  /**
   * The counters that must be as they were when all attackers are gone, and how many messages of
   * clients there were.
   *
   * @throws {Error} when they are not told in time.
   */
  counters(): Promise<ServerCounters>;
  /** What else may be done about an input. */
  delivery?(target: FuzzTarget): Delivery;
  /** What else there is rests, and goes on. */
  rest?(): Promise<void>;
  /** It goes on. */
  work?(): void;
}

const SETTLE_MS = 30_000;
// What the inboxes of a few honest clients may hold.
const SLACK: Readonly<Record<string, number>> = { bufferBytes: 1_000_000 };

/** A server's processes with honest clients beside. */
export class ServerStage implements Stage {
  readonly #server: FuzzedServer;
  readonly #honest: HonestClients;
  readonly #stack: AsyncDisposableStack;
  readonly #atFirst: Record<string, number>;
  #newcomers = 0;
  #messages = 0;

  private constructor(
    server: FuzzedServer,
    honest: HonestClients,
    { stack, atFirst }: {
      stack: AsyncDisposableStack;
      atFirst: Record<string, number>;
    },
  ) {
    this.#server = server;
    this.#honest = honest;
    this.#stack = stack;
    this.#atFirst = atFirst;
  }

  /** Lets the honest in, and remembers how all is with nobody else there. */
  static async start(
    server: FuzzedServer,
    stack: AsyncDisposableStack,
  ): Promise<ServerStage> {
    const honest = stack.use(
      await HonestClients.start(server.honest, server.trigger),
    );
    // What is made at the first use is no leak.
    honest.work();
    await eventually(() => honest.done >= 3 * honest.size, {
      timeout: BOUND_MS,
    });
    await server.rest?.();
    await honest.rest();
    const steady = async () => JSON.stringify((await server.counters()).steady);
    let before = "";
    await eventually(async () => before === (before = await steady()), {
      timeout: BOUND_MS,
    });
    const { steady: atFirst } = await server.counters();
    for (const watch of server.watches) watch.remember();
    honest.work();
    server.work?.();
    return new ServerStage(server, honest, { stack: stack.move(), atFirst });
  }

  get messages(): number {
    return this.#messages;
  }

  get honestDone(): number {
    return this.#honest.done;
  }

  deliver(target: FuzzTarget, input: FuzzInput): Promise<void> {
    const port = this.#server.ports[target.port!]!;
    return deliver(
      input,
      { hostname: "127.0.0.1", port },
      this.#server.delivery?.(target),
    );
  }

  faults(): string[] {
    return [
      ...this.#server.watches.flatMap((watch) => watch.faults()),
      ...this.#honest.faults.splice(0),
    ];
  }

  async settle(): Promise<string[]> {
    const faults: string[] = [];
    await this.#server.rest?.();
    await this.#honest.rest();
    const left = await this.#left();
    // A process that has ended tells why by itself.
    const ended = this.faults();
    faults.push(...ended, ...left);
    await this.#newcomer();
    faults.push(...this.faults());
    this.#honest.work();
    this.#server.work?.();
    return faults;
  }

  memory(): Record<string, number> {
    return Object.fromEntries(
      this.#server.watches.map((watch) => [watch.name, watch.rss()]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watch of this.#server.watches) watch.leaving();
    await this.#stack[Symbol.asyncDispose]();
  }

  // What is not as it was at first, after long enough.
  async #left(): Promise<string[]> {
    const end = performance.now() + SETTLE_MS;
    for (;;) {
      const left = await this.#differences();
      if (left.length === 0 || performance.now() > end) return left;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #differences(): Promise<string[]> {
    let now: Record<string, number>;
    try {
      const { steady, messages } = await this.#server.counters();
      now = steady;
      this.#messages = messages;
    } catch (error) {
      return [`health check: ${(error as Error).message}`];
    }
    const differing = Object.entries(now).filter(([name, count]) =>
      Math.abs(count - this.#atFirst[name]!) > (SLACK[name] ?? 0)
    );
    return [
      ...differing.map(([name, count]) =>
        `${name} is ${count} after all attackers are gone, at first ${
          this.#atFirst[name]
        }`
      ),
      ...this.#server.watches.map((watch) => watch.leaks())
        .filter((leak) => leak !== undefined),
    ];
  }

  // Somebody who was not there before gets an answer.
  async #newcomer(): Promise<void> {
    for (const options of this.#server.newcomers) {
      const name = `${options.name}, new ${++this.#newcomers}`;
      const client = new HonestClient(
        { ...options, name },
        this.#honest.faults,
      );
      await client.ask();
      client.close();
    }
  }
}

/** Ends a process by TERM, and by force when it does not end in time. */
export async function endInOrder(process: RunningProcess): Promise<void> {
  process.kill("SIGTERM");
  await process.finished(15_000).catch(() => {});
  await process[Symbol.asyncDispose]();
}
