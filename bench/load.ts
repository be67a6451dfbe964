/**
 * The load tool: puts a gateway or a haven server under load and tells how it answers.
 *
 *     deno task load -u 127.0.0.1:29000 -c 50 -d 10
 *
 * @module
 */

import { type Command, runCommand, usageOf } from "@maple/box/internal";
import config from "../deno.json" with { type: "json" };
import { startEchoServer } from "./load/echo_server.ts";
import { type LoadResult, summarize } from "./load/load_result.ts";
import { type LoadProgress, LoadRun } from "./load/load_run.ts";
import {
  FLAGS,
  type LoadOptions,
  parseTarget,
  readJob,
} from "./load/options.ts";
import { progressLine, READY, runProcesses } from "./load/processes.ts";
import { formatReport } from "./load/report.ts";

/** The load tool as a program. */
export const COMMAND: Command = {
  name: "load",
  summary:
    "Connects, sends boxes, counts the answers and tells how long they took.",
  takes: "-u SERVER [flags]",
  flags: FLAGS,
  notes:
    `Each connection sends its next request when it has an answer; with --rate requests are due on a
schedule, and a server that stalls is charged for all that were due meanwhile.
Exit code: 0; 1 when no request was successful; 2 after a mistake in the flags.`,
};

const PROGRESS_MS = 1000;
const CEILING_S = 3;
const CEILING_WARM_UP_S = 1;

/**
 * Runs the load tool.
 *
 * @param args The command line, for instance `Deno.args`.
 * @returns The exit code.
 */
export function main(args: readonly string[]): Promise<number> {
  return runCommand("maple load", () => run(args));
}

async function run(args: readonly string[]): Promise<number> {
  const job = readJob(args);
  if (job.kind === "help") {
    console.log(usageOf(COMMAND, config.version));
    return 0;
  }
  if (job.kind === "version") {
    console.log(config.version);
    return 0;
  }
  if (job.kind === "serve") {
    console.log(`ready 127.0.0.1:${startEchoServer()}`);
    return await new Promise<never>(() => {});
  }
  const { options } = job;
  const result = await measure(options);
  const ceiling = options.ceiling ? await measureCeiling(options) : undefined;
  print(options, result, ceiling);
  return result.successful > 0 || options.requests === 0 ? 0 : 1;
}

async function measure(options: LoadOptions): Promise<LoadResult> {
  const onReady = options.wait ? waitForStart : undefined;
  const onProgress = printerOfProgress(options);
  if (options.processes > 1) {
    return await runProcesses(options, {
      program: selfCommand(),
      ...(onReady ? { onReady } : {}),
      onProgress,
    });
  }
  await using run = new LoadRun(options);
  await run.connect();
  await onReady?.();
  const timer = onProgress &&
    setInterval(() => onProgress(run.progress), PROGRESS_MS);
  try {
    return await run.run();
  } finally {
    clearInterval(timer);
  }
}

async function waitForStart(): Promise<void> {
  console.log(READY);
  await Deno.stdin.read(new Uint8Array(64));
}

function printerOfProgress(
  { progress }: LoadOptions,
): ((progress: LoadProgress) => void) | undefined {
  const isTerminal = Deno.stderr.isTerminal();
  if (!(progress ?? isTerminal)) return undefined;
  const encoder = new TextEncoder();
  return (progress) => {
    const line = progressLine(progress);
    // On a terminal the line is written over.
    Deno.stderr.writeSync(
      encoder.encode(isTerminal ? `\r\x1b[K${line}\r` : `${line}\n`),
    );
  };
}

/**
 * The same load on a plain echo server in a process of its own: more than that the tool cannot do.
 */
async function measureCeiling(options: LoadOptions): Promise<LoadResult> {
  const [command, ...args] = selfCommand();
  const server = new Deno.Command(command!, {
    args: [...args, "--serve"],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const { value } = await reader.read();
    const address = /^ready (\S+)/.exec(value ?? "")?.[1];
    if (address === undefined) throw new Error("The echo server did not start");
    return await measure({
      ...options,
      target: parseTarget(address),
      requests: undefined,
      duration: CEILING_S,
      warmUp: CEILING_WARM_UP_S,
      rate: undefined,
      login: undefined,
      wait: false,
    });
  } finally {
    server.kill("SIGKILL");
    await reader.cancel();
    await server.status;
  }
}

function selfCommand(): string[] {
  return Deno.build.standalone
    ? [Deno.execPath(), COMMAND.name]
    : [Deno.execPath(), "run", "--quiet", "-A", import.meta.url];
}

function print(
  options: LoadOptions,
  result: LoadResult,
  ceiling: LoadResult | undefined,
): void {
  if (options.json) {
    console.log(JSON.stringify({
      ...summarize(result),
      ...(ceiling ? { ceiling: summarize(ceiling) } : {}),
      ...(options.raw ? { raw: result } : {}),
    }));
    return;
  }
  console.log(formatReport(result));
  if (!ceiling) return;
  const { transactionRate } = summarize(ceiling);
  const share = 100 * summarize(result).transactionRate / transactionRate;
  console.log(
    `Ceiling: the same load on a plain echo server\n` +
      `  Transaction rate: ${transactionRate.toFixed(2)} per s; this run: ${
        share.toFixed(0)
      } % of it`,
  );
}

if (import.meta.main) Deno.exit(await main(Deno.args));
