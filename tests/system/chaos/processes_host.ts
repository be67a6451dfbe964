// ProcessesHost: the gateway under test as users run it, with several processes that are replaced
// by the program's second start.

import type { GatewayOptions, GatewayStats } from "@maple/gateway";
import type { GatewayReport } from "../../../gateway/metrics/report.ts";
import { eventually } from "../../helpers/eventually.ts";
import {
  GATEWAY_ALL_ARGS,
  GATEWAY_READY,
} from "../../helpers/gateway_process.ts";
import {
  type RunningProcess,
  runProcess,
  startProcess,
} from "../../helpers/process.ts";
import type { Address } from "../../helpers/raw_peer.ts";
import { untilGone } from "../processes_fixture.ts";
import { type ChaosHost, openConnectionsAt, reaches } from "./chaos_host.ts";

/** A gateway of several processes under test. */
export class ProcessesHost implements ChaosHost {
  /** Where clients connect. */
  readonly outer: Address;
  /** Where WebSockets connect. */
  readonly ws: Address;
  /** Where workers and triggers connect. */
  readonly inner: Address;
  /** Seconds for which the one that stood still longest did so, for each time all were replaced. */
  readonly pauses: number[] = [];
  readonly #process: RunningProcess;
  readonly #args: readonly string[];
  readonly #status: string;
  #ownPorts: number[] = [];

  private constructor(
    process: RunningProcess,
    args: readonly string[],
    status: string,
  ) {
    const [, , outer, , inner, ws] = process.ready!;
    this.#process = process;
    this.#args = args;
    this.#status = status;
    this.outer = { hostname: "127.0.0.1", port: Number(outer) };
    this.inner = { hostname: "127.0.0.1", port: Number(inner) };
    this.ws = { hostname: "127.0.0.1", port: Number(ws) };
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param dir Where its config file is put.
   */
  static async start(
    options: GatewayOptions,
    processes: number,
    dir: string,
  ): Promise<ProcessesHost> {
    const config = `${dir}/gateway.json`;
    const ports = { outerPort: 0, innerPort: 0, outerHost: "127.0.0.1" };
    const settings = { ...ports, ...options, processes, metrics: "0" };
    await Deno.writeTextFile(config, JSON.stringify(settings));
    const args = [...GATEWAY_ALL_ARGS, "--config", config];
    const process = await startProcess(Deno.execPath(), {
      args,
      ready: GATEWAY_READY,
    });
    const [, status] = /dashboard at (http\S+)\//.exec(process.stderr)!;
    const host = new ProcessesHost(process, args, status!);
    await host.#report();
    return host;
  }

  /** Has each process replaced by a second start of the same command. */
  async replace(): Promise<string> {
    const before = await this.#report();
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: this.#args,
      timeout: 60_000,
    });
    if (code !== 0) {
      throw new Error(
        `The processes are not replaced: ${stderr}; the log: ${this.#process.stderr}`,
      );
    }
    const { processes: old = [], stats: { handovers } } = before;
    await untilGone(old.map(({ pid }) => pid!));
    let report = before;
    await eventually(async () => {
      report = await this.#report();
      return report.stats.handovers === handovers + old.length;
    }, { timeout: 30_000, what: "processes that tell of their handover" });
    this.pauses.push(report.stats.handoverPause);
    return `processes ${report.processes!.map(({ pid }) => pid).join(", ")}`;
  }

  /** Its counters, of half a second ago. */
  async stats(): Promise<GatewayStats> {
    return (await this.#report()).stats;
  }

  /** Has the processes read their secrets anew; resolves when they are told to. */
  async renewSecrets(): Promise<void> {
    const told = () => this.#process.stderr.split(" SIGHUP: ").length;
    const before = told();
    this.#process.kill("SIGHUP");
    await eventually(() => told() > before, { timeout: 30_000 });
  }

  /** Waits for up to 30 s until its counters are as they should be, and tells whether they are. */
  reaches(wanted: Partial<GatewayStats>): Promise<boolean> {
    return reaches({ stats: () => this.stats() }, wanted);
  }

  /** How many connections it has open, at the ports that its processes share and at their own. */
  openConnections(): number | undefined {
    return openConnectionsAt([
      ...[this.outer.port, this.inner.port],
      ...this.#ownPorts,
    ]);
  }

  /** Has it leave, and kills it if it does not. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Killed, it would leave its children behind for as long as they have something to do.
    this.#process.kill("SIGTERM");
    await this.#process.finished().catch(() => {});
    await this.#process[Symbol.asyncDispose]();
  }

  async #report(): Promise<GatewayReport> {
    try {
      let report: GatewayReport;
      // All have told of themselves.
      await eventually(async () => {
        report = await (await fetch(`${this.#status}/stats.json`)).json();
        return report.processes!.every(({ pid, inner }) => pid && inner);
      }, { timeout: 30_000 });
      this.#ownPorts = report!.processes!.map(({ inner }) =>
        Number(inner!.split(":").at(-1))
      );
      return report!;
    } catch (cause) {
      throw new Error(
        `The gateway tells no counters; its log: ${this.#process.stderr}`,
        { cause },
      );
    }
  }
}
