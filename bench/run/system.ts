// System: a gateway with its workers, each a process, as the benchmarks measure it.

import type { IoKind } from "@maple/box/internal";
import type { GatewayReport } from "../../gateway/metrics/report.ts";
import { pause } from "../attack/means.ts";
import { CONCURRENCY } from "./commands.ts";
import { Program, type ProgramOptions } from "./program.ts";

/** Settings of {@linkcode System}. */
export interface SystemOptions {
  /** The gateway's order. */
  order?: "client" | "none";
  /** Where its sockets come from. @default {"deno"} */
  io?: IoKind;
  /** Processes of the gateway. @default {1} */
  processes?: number;
  /** Worker processes. */
  workers?: number;
  /** Tasks that each of them asks for at a time. @default {64} */
  concurrency?: number;
  /** Whether it takes WebSockets too. */
  websocket?: boolean;
  /** Files with a certificate and its key: then it takes TLS too. */
  tls?: { readonly cert: string; readonly key: string };
  /** The gateway's option of that name. */
  chainMax?: number;
  /** Where the gateway writes its report. */
  statFile?: string;
  /** Whether V8 tells of each time that it collects garbage. */
  tracesGarbage?: boolean;
  /** Another working copy of this project, whose programs are run. */
  copy?: string;
}

/** A gateway with its workers. */
export class System implements AsyncDisposable {
  /** The gateway. */
  readonly gateway: Program;
  /** The workers. */
  readonly workers: readonly Program[];

  private constructor(gateway: Program, workers: readonly Program[]) {
    this.gateway = gateway;
    this.workers = workers;
  }

  /** Starts them and waits until the workers are attached. */
  static async start(options: SystemOptions = {}): Promise<System> {
    const { order = "client", workers = 1, concurrency = CONCURRENCY } =
      options;
    const { websocket = false, tls, io, chainMax, copy } = options;
    const { tracesGarbage = false, processes = 1 } = options;
    const statFile = options.statFile ??
      (processes > 1 ? await Deno.makeTempFile() : undefined);
    const program = { tracesGarbage, ready: /\bready\b/ };
    const start = (
      module: string,
      args: readonly string[],
      more: ProgramOptions = {},
    ) =>
      copy === undefined
        ? Program.deno(module, args, { ...program, ...more })
        : Program.ofCopy(copy, module, args, program);
    // Its children end with it only where it is asked to leave.
    const parent: ProgramOptions = processes > 1 ? { signal: "SIGTERM" } : {};
    const gateway = await start("../gateway/mod.ts", [
      ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
      ...["--inner-port", "0", "--order", order],
      ...(websocket ? ["--ws-port", "0"] : []),
      ...(tls
        ? ["--tls-port", "0", "--tls-cert", tls.cert, "--tls-key", tls.key]
        : []),
      ...["--conns-max", "100000", "--log-level", "ERROR"],
      // Another working copy may be one that does not know it.
      ...(io === undefined ? [] : ["--io", io]),
      ...(statFile === undefined ? [] : ["--stat-file", statFile]),
      ...(chainMax === undefined ? [] : ["--chain-max", String(chainMax)]),
      ...(processes === 1 ? [] : ["--processes", String(processes)]),
      ...(processes === 1 ? [] : ["--drain-timeout", "0"]),
    ], parent);
    const args = [gateway.port("inner="), concurrency].map(String);
    const started = await Promise.all(
      Array.from(
        { length: workers },
        () => start("programs/worker.ts", args),
      ),
    );
    if (processes > 1) await attachedToAll(statFile!, workers);
    return new System(gateway, started);
  }

  /** The port for clients. */
  get port(): number {
    return this.gateway.port("outer=");
  }

  /** The port for WebSockets. */
  get wsPort(): number {
    return this.gateway.port("ws=");
  }

  /** The port for TLS. */
  get tlsPort(): number {
    return this.gateway.port("tls=");
  }

  /** Ends them at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of [...this.workers, this.gateway]) {
      await program[Symbol.asyncDispose]();
    }
  }
}

// How often it is looked whether workers are attached.
const LOOK_MS = 100;

// They find the other processes by the first one, which takes a moment.
async function attachedToAll(statFile: string, workers: number): Promise<void> {
  const isSo = async () => {
    const { processes } = JSON.parse(
      await Deno.readTextFile(statFile),
    ) as GatewayReport;
    return processes!.every((one) => one.workers === workers);
  };
  while (!await isSo()) await pause(LOOK_MS);
}
