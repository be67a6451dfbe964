// A gateway of several processes as a program, and clients of it.

import { Box, type BoxFields, TcpClient } from "@maple/box";
import type { GatewayReport } from "../../gateway/metrics/report.ts";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ALL_ARGS,
  GATEWAY_MAIN,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import {
  type Finished,
  type RunningProcess,
  runProcess,
} from "../helpers/process.ts";
import type { Address } from "../helpers/raw_peer.ts";

/** Only Linux divides the connections of a port. */
export const ignore = Deno.build.os !== "linux";
const METRICS = ["--metrics", "0"];

/** What is told of the processes. */
export type Processes = NonNullable<GatewayReport["processes"]>;

/** A gateway of several processes. */
export class ProcessesFixture implements AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly status: string;

  private constructor(gateway: GatewayProcess, status: string) {
    this.gateway = gateway;
    this.status = status;
  }

  static async start(...flags: string[]): Promise<ProcessesFixture> {
    const gateway = await startGatewayProcess(
      [...METRICS, ...["--drain-timeout", "0", "--processes", "2"], ...flags],
      GATEWAY_ALL_ARGS,
    );
    const { process } = gateway;
    let status: string | undefined;
    await eventually(() => {
      status = /dashboard at (http\S+)\//.exec(process.stderr)?.[1];
      return status !== undefined || flags.includes("--log-file");
    });
    return new ProcessesFixture(gateway, status ?? "");
  }

  get process(): RunningProcess {
    return this.gateway.process;
  }

  async report(): Promise<GatewayReport> {
    return await (await fetch(`${this.status}/stats.json`)).json();
  }

  /** Waits until the report is as wanted. */
  async until(
    condition: (report: GatewayReport) => boolean,
  ): Promise<GatewayReport> {
    let report: GatewayReport | undefined;
    await eventually(async () => condition(report = await this.report()), {
      what: `${condition}`,
    }).catch((error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(report)}`);
    });
    return report!;
  }

  /** The processes, when both serve. */
  async processes(): Promise<Processes> {
    const { processes } = await this.until(({ processes }) =>
      processes!.length === 2 &&
      processes!.every(({ ready, pid }) => ready && pid !== null)
    );
    return processes!;
  }

  /** Clients, at least one at each process. */
  async clients(others = 0): Promise<Clients> {
    const clients = new Clients(this.gateway.outer);
    await clients.more(24);
    await this.until(({ stats, processes }) =>
      stats.clients === 24 + others &&
      processes!.every(({ clients }) => clients > 0)
    );
    return clients;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { process } = this;
    // Killed, it would leave its children behind for as long as they have something to do.
    process.kill("SIGTERM");
    await process.finished();
    await this.gateway[Symbol.asyncDispose]();
  }
}

/** The second command of a handover: the program with the same flags, and others behind them. */
export function renewProcesses(flags: readonly string[]): Promise<Finished> {
  return runProcess(Deno.execPath(), { args: renewalArgs(flags) });
}

/** The arguments of Deno for it. */
export function renewalArgs(flags: readonly string[]): string[] {
  return [
    ...["run", "--quiet", "--no-prompt", "-A", GATEWAY_MAIN],
    ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
    ...["--inner-host", "127.0.0.1", "--inner-port", "0"],
    ...["--metrics", "0", "--drain-timeout", "0", "--processes", "2"],
    ...flags,
  ];
}

/** Clients of one address. */
export class Clients implements Disposable {
  readonly all: TcpClient<BoxFields>[] = [];
  /** The serial number of the first one's requests, which the worker may take for its uid. */
  firstSn = 0;
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  async more(count: number): Promise<void> {
    const { hostname, port } = this.#address;
    for (let i = 0; i < count; i++) {
      const client = new TcpClient(Box, hostname, port, { timeout: 20 });
      await client.connect();
      this.all.push(client);
    }
  }

  /** Whether each gets its answer, or is cut. */
  async answers(): Promise<boolean[]> {
    return await Promise.all(this.all.map(async (client, i) => {
      const sn = this.firstSn + i;
      try {
        await client.write({ cmd: 1, sn });
        return (await client.read())?.sn === sn;
      } catch {
        return false;
      }
    }));
  }

  get uids(): number[] {
    return this.all.map((_, i) => this.firstSn + i);
  }

  [Symbol.dispose](): void {
    for (const client of this.all) client.close();
  }
}

// One that has ended and that nobody has waited for counts as gone.
async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return !/^\d+ \(.*\) Z/.test(stat);
  } catch {
    return false;
  }
}

/** Waits until none of these processes runs any more. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  await eventually(
    async () => !(await Promise.all(pids.map(isAlive))).includes(true),
    { what: `the end of ${pids}` },
  );
}

/** Attaches a worker that knows of no list to each process. */
export async function attachToAll(
  fixture: ProcessesFixture,
): Promise<AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  for (const { inner } of await fixture.processes()) {
    const [hostname, port] = inner!.split(":");
    const address = { hostname: hostname!, port: Number(port) };
    stack.use(await EchoWorker.attach(address));
  }
  return stack;
}
