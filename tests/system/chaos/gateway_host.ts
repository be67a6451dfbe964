// GatewayHost: the gateway under test, as a process that tells its counters.

import type { GatewayOptions, GatewayStats } from "@maple/gateway";
import { pathOf } from "../../helpers/paths.ts";
import { type RunningProcess, startProcess } from "../../helpers/process.ts";
import type { Address } from "../../helpers/raw_peer.ts";
import { type ChaosHost, openConnectionsAt, reaches } from "./chaos_host.ts";

const READY =
  /^gateway ready outer=\S+:(\d+) inner=\S+:(\d+)(?: ws=\S+:(\d+))?$/;

/** The gateway under test. */
export class GatewayHost implements ChaosHost {
  /** Where clients connect. */
  readonly outer: Address;
  /** Where WebSockets connect. */
  readonly ws: Address;
  /** Where workers and triggers connect. */
  readonly inner: Address;
  /** Seconds for which all stood still at each handover. */
  readonly pauses: number[] = [];
  readonly #options: GatewayOptions;
  #process: RunningProcess;
  // One thing is done with it after the other.
  #last: Promise<unknown> = Promise.resolve();

  private constructor(process: RunningProcess, options: GatewayOptions) {
    const [, outer, inner, ws] = process.ready!;
    this.#process = process;
    this.#options = options;
    this.outer = { hostname: "127.0.0.1", port: Number(outer) };
    this.inner = { hostname: "127.0.0.1", port: Number(inner) };
    this.ws = { hostname: "127.0.0.1", port: Number(ws) };
  }

  /** Starts it and waits until it is ready. */
  static async start(options: GatewayOptions): Promise<GatewayHost> {
    return new GatewayHost(await startGateway(options), options);
  }

  /** Its process, the present one. */
  get process(): RunningProcess {
    return this.#process;
  }

  /**
   * Starts another process that takes its place.
   *
   * @throws {Error} with both logs when it does not.
   */
  replace(): Promise<string> {
    return this.#inTurn(() => this.#replace());
  }

  async #replace(): Promise<string> {
    const before = this.#process;
    try {
      this.#process = await startGateway(this.#options);
    } catch (cause) {
      // It goes on.
      const { message } = cause as Error;
      throw new Error(
        `The gateway is not replaced: ${message}; its log: ${before.stderr}`,
        { cause },
      );
    }
    try {
      const { code } = await before.finished();
      if (code !== 0) throw new Error(`the one before ended with ${code}`);
      this.pauses.push((await this.#tellNow("")).handoverPause);
      return `process ${this.#process.pid}`;
    } catch (cause) {
      throw new Error(
        `The gateway is not replaced: ${
          (cause as Error).message
        }; the log of the one before: ${before.stderr}; its own: ${this.#process.stderr}`,
        { cause },
      );
    } finally {
      await before[Symbol.asyncDispose]();
    }
  }

  /**
   * Its counters.
   *
   * @throws {Error} with its log when it tells none.
   */
  stats(): Promise<GatewayStats> {
    return this.#tell("");
  }

  /** Has it read its secrets anew; resolves when it has. */
  async renewSecrets(): Promise<void> {
    await this.#tell("renew");
  }

  #tell(line: string): Promise<GatewayStats> {
    return this.#inTurn(() => this.#tellNow(line));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #tellNow(line: string): Promise<GatewayStats> {
    try {
      await this.process.write(line);
      const [, json] = await this.process.line(/^stats (.*)$/);
      return JSON.parse(json!);
    } catch (cause) {
      throw new Error(
        `The gateway tells no counters; its log: ${this.process.stderr}`,
        { cause },
      );
    }
  }

  /** Waits for up to 30 s until its counters are as they should be, and tells whether they are. */
  reaches(wanted: Partial<GatewayStats>): Promise<boolean> {
    return reaches({ stats: () => this.stats() }, wanted);
  }

  /**
   * How many connections at its two ports it has open; undefined where the system does not tell.
   */
  openConnections(): number | undefined {
    return openConnectionsAt([this.outer.port, this.inner.port]);
  }

  /** Kills it if it still runs. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}

function startGateway(options: GatewayOptions): Promise<RunningProcess> {
  return startProcess(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A"],
      ...["--config", pathOf("../../deno.json")],
      pathOf("../system/programs/chaos_gateway.ts"),
      JSON.stringify(options),
    ],
    ready: READY,
  });
}
