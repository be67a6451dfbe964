// NatsServer: a real nats-server, where one is installed.

import { eventually } from "./eventually.ts";
import { isInstalled } from "./installed.ts";
import { RunningProcess } from "./process.ts";

/** Whether it is installed. */
export const hasNatsServer: boolean = await isInstalled(
  ["nats-server", "-v"],
  {
    packages: "nats-server",
    untested: "gateways that are one over it are not tested",
  },
);

/** How a {@linkcode NatsServer} is started. */
export interface NatsServerOptions {
  /** Where it listens. @default {0}, a free port, which it keeps when it is started again */
  readonly port?: number;
  /** What its command line says besides. */
  readonly args?: readonly string[];
}

/** A nats-server on 127.0.0.1; at the end of the test it is killed, by its own id. */
export class NatsServer implements AsyncDisposable {
  readonly #args: readonly string[];
  #process: RunningProcess;
  #port: number;

  private constructor({ port = 0, args = [] }: NatsServerOptions) {
    this.#args = args;
    this.#port = port;
    this.#process = this.#spawn();
  }

  /** Starts one and waits until it is ready. */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(options);
    await server.#ready();
    return server;
  }

  /** Where clients connect. */
  get port(): number {
    return this.#port;
  }

  /** The same, as they are told. */
  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Where other servers connect; undefined unless it is one of several. */
  get routePort(): number | undefined {
    const [, port] = /Listening for route connections on \S+:(\d+)/
      .exec(this.log) ?? [];
    return port === undefined ? undefined : Number(port);
  }

  /** Resolves when it is one with another server. */
  untilRouted(): Promise<void> {
    return eventually(() => this.log.includes("Route connection created"), {
      timeout: 30_000,
      what: "a route between two nats-servers",
    });
  }

  /** Its process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What it has logged. */
  get log(): string {
    return this.#process.stderr;
  }

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Kills it, and waits for its end. */
  async kill(): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }

  /** Starts it again where it was, after it has ended. */
  async restart(): Promise<void> {
    this.#process = this.#spawn();
    await this.#ready();
  }

  /** Kills it if it still runs. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }

  #spawn(): RunningProcess {
    // -1 is its word for a free port.
    const port = this.#port === 0 ? -1 : this.#port;
    return new RunningProcess("nats-server", {
      args: ["-a", "127.0.0.1", "-p", String(port), ...this.#args],
    });
  }

  async #ready(): Promise<void> {
    let hasEnded = false;
    this.#process.status.then(() => hasEnded = true);
    try {
      await eventually(
        () => hasEnded || this.log.includes("Server is ready"),
        { timeout: 30_000, what: "a nats-server that is ready" },
      );
      const [, port] = /Listening for client connections on \S+:(\d+)/
        .exec(this.log) ?? [];
      if (hasEnded || port === undefined) throw new Error("it has ended");
      this.#port = Number(port);
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw new Error(`${(error as Error).message}; it says:\n${this.log}`);
    }
  }
}
