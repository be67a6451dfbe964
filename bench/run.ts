/**
 * The benchmarks: everything in one table, each figure beside the yardsticks of the same run.
 *
 *     deno task bench
 *
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  describeFlags,
  type Flag,
  HELP_FLAG,
  readFlags,
  runCommand,
  UsageError,
} from "@maple/box/internal";
import { endOnSignal } from "./run/children.ts";
import { against } from "./run/against.ts";
import { cluster } from "./run/cluster.ts";
import { connecting } from "./run/connecting.ts";
import type { BenchContext, Benchmark } from "./run/context.ts";
import { crowd } from "./run/crowd.ts";
import { fairness } from "./run/fairness.ts";
import { garbage } from "./run/garbage.ts";
import { compileNative, Generator } from "./run/generator.ts";
import { latency } from "./run/latency.ts";
import { groups } from "./run/groups.ts";
import { memory } from "./run/memory.ts";
import { mixed } from "./run/mixed.ts";
import { peers } from "./run/peers.ts";
import { processes } from "./run/processes.ts";
import { processorTimes, stolenShare } from "./run/processors.ts";
import { formatTable, type Row } from "./run/rows.ts";
import { scale } from "./run/scale.ts";
import { throughput } from "./run/throughput.ts";
import { tls } from "./run/tls.ts";
import { turns } from "./run/turns.ts";
import { websocket } from "./run/websocket.ts";
import { users } from "./run/users.ts";
import { workers } from "./run/workers.ts";

/** The benchmarks by name. */
export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  throughput,
  mixed,
  workers,
  users,
  groups,
  cluster,
  connecting,
  scale,
  memory,
  garbage,
  fairness,
  crowd,
  latency,
  turns,
  against,
  websocket,
  tls,
  processes,
  peers,
};

// They take long, and are run only where they are named.
const ON_REQUEST = [
  "cluster",
  "garbage",
  "fairness",
  "crowd",
  "latency",
  "turns",
  "against",
  "websocket",
  "tls",
  "processes",
  "peers",
];

const RESULTS = fileURLToPath(new URL("results.json", import.meta.url));

const FLAGS: readonly Flag[] = [
  {
    name: "only",
    type: "string",
    value: "NAMES",
    help: `only these, of ${Object.keys(BENCHMARKS).join(",")} (all but ${
      ON_REQUEST.join(",")
    })`,
  },
  { name: "quick", type: "boolean", help: "one short round of everything" },
  {
    name: "rounds",
    type: "integer",
    help: "how often each is measured (5)",
    min: 1,
    max: 100,
  },
  {
    name: "seconds",
    type: "number",
    value: "S",
    help: "seconds of each measurement (0.25)",
    min: 0.05,
    max: 3600,
  },
  {
    name: "against",
    type: "string",
    value: "FOLDER",
    help:
      "only compare with the gateway of another working copy; with --only garbage that",
  },
  {
    name: "peers",
    type: "string",
    value: "FOLDER",
    help:
      "where other systems lie that --only peers compares with (~/.cache/maple-bench)",
  },
  {
    name: "out",
    type: "string",
    value: "FILE",
    help: "where the JSON goes (bench/results.json)",
  },
  HELP_FLAG,
];

/** How the program is called. */
export const USAGE = `Usage: deno task bench [flags]

Measures this machine with yardsticks and the gateway and haven beside them; takes 4 to 5 minutes.

${describeFlags(FLAGS)}
`;

/**
 * Runs the benchmarks.
 *
 * @param args The command line, for instance `Deno.args`.
 * @returns The exit code.
 */
export function main(args: readonly string[]): Promise<number> {
  return runCommand("bench", () => run(args));
}

async function run(args: readonly string[]): Promise<number> {
  const commandLine = readFlags(args, FLAGS, { usage: USAGE });
  if (!commandLine) return 0;
  const { flags } = commandLine;
  if (Deno.build.os !== "linux") {
    throw new Error("The benchmarks read /proc and run on Linux only");
  }
  const copy = flags.get("against") as string | undefined;
  const only = flags.get("only") as string | undefined;
  const names = chosen(only ?? (copy === undefined ? undefined : "against"));
  const quick = flags.get("quick") === true;
  const folder = await Deno.makeTempDir({ prefix: "maple_bench_" });
  endOnSignal(folder);
  try {
    const native = await compileNative(folder);
    const context: BenchContext = {
      native,
      generator: new Generator(native),
      folder,
      rounds: Number(flags.get("rounds") ?? (quick ? 1 : 5)),
      seconds: Number(flags.get("seconds") ?? (quick ? 0.1 : 0.25)),
      openFiles: await openFiles(),
      copy,
      peers: resolve(String(flags.get("peers") ?? peersFolder())),
      tell,
    };
    if (!native) {
      tell(
        "there is no C compiler: without the C echo, and with the load tool on Deno, which limits what is measured",
      );
    }
    const load = Deno.loadavg()[0]!;
    const before = await processorTimes();
    const rows: Row[] = [];
    for (const name of names) rows.push(...await BENCHMARKS[name]!(context));
    const stolen = stolenShare(before, await processorTimes());
    console.log(formatTable(rows));
    tell(
      `${
        (100 * stolen).toFixed(0)
      } % of the processors' time was taken by other machines on the same hardware`,
    );
    const out = String(flags.get("out") ?? RESULTS);
    await Deno.writeTextFile(
      out,
      JSON.stringify(
        {
          machine: {
            cpus: navigator.hardwareConcurrency,
            deno: Deno.version.deno,
            loadBefore: load,
            stolen,
            nativeLoad: native !== undefined,
          },
          rounds: context.rounds,
          seconds: context.seconds,
          rows,
        },
        null,
        2,
      ) + "\n",
    );
    tell(`written to ${out}`);
    return 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function chosen(only: string | undefined): string[] {
  const all = Object.keys(BENCHMARKS);
  if (only === undefined) {
    return all.filter((name) => !ON_REQUEST.includes(name));
  }
  const names = only.split(",");
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--only takes ${all.join(", ")}, got "${unknown}"`);
  }
  return names;
}

async function openFiles(): Promise<number> {
  const limits = await Deno.readTextFile("/proc/self/limits");
  return Number(/Max open files\s+(\d+)/.exec(limits)?.[1] ?? 1024);
}

function peersFolder(): string {
  return join(Deno.env.get("HOME") ?? ".", ".cache/maple-bench");
}

function tell(line: string): void {
  console.error(`bench: ${line}`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
