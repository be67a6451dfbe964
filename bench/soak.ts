/**
 * The long run: memory and event-loop delay of gateway and worker under a steady mixed load, and
 * how far they drift.
 *
 * deno task soak --minutes 20
 *
 * @module
 */

import {
  describeFlags,
  type Flag,
  HELP_FLAG,
  type IoKind,
  readFlags,
  runCommand,
} from "@maple/box/internal";
import type { Sample } from "./programs/sampler.ts";
import { endOnSignal } from "./run/children.ts";
import { Cmd, CONCURRENCY } from "./run/commands.ts";
import { compileNative, Generator } from "./run/generator.ts";
import { IO_FLAG } from "./run/io_flag.ts";
import { Program } from "./run/program.ts";
import { median } from "./run/statistics.ts";

const FLAGS: readonly Flag[] = [
  {
    name: "minutes",
    type: "number",
    value: "M",
    min: 0.1,
    max: 10_000,
    help: "how long it runs (20)",
  },
  {
    name: "depth",
    type: "integer",
    value: "N",
    min: 1,
    max: 1000,
    help: "20 clients more, each with N requests under way without a pause",
  },
  IO_FLAG,
  HELP_FLAG,
];

/** How the program is called. */
export const USAGE = `Usage: deno task soak [flags]

Clients that send requests on a schedule, clients that come and go, users who are only sent messages, for as long as you like. Prints how memory
and event-loop delay develop, and their drift: the median of the last quarter against that of the first, the first fifth of the run left out.

${describeFlags(FLAGS)}

Exit code: 0; 1 when something has drifted by more than 10 % (a delay of less than 5 ms may).
`;

const PARTS = 20;
const WARM_UP = 0.2;
const MOST_DRIFT = 0.1;
const SMALL_DELAY_S = 0.005;

type Load = readonly [name: string, flags: Record<string, number | true>];

/** The load: name, and flags of the load tool. */
const LOADS: readonly Load[] = [
  ["requests", { connections: 200, depth: 4, cmd: Cmd.ECHO, rate: 2000 }],
  ["large requests", { connections: 20, cmd: Cmd.ECHO, body: 8192, rate: 100 }],
  ["listeners", {
    connections: 500,
    requests: 0,
    login: 1,
    "login-cmd": Cmd.LOGIN,
  }],
  ["messages to all", { connections: 1, cmd: Cmd.TO_ALL, rate: 2, depth: 4 }],
];

/** How a series of figures has developed. */
export interface Drift {
  /** The median of the first quarter after the warm-up. */
  readonly first: number;
  /** The median of the last quarter. */
  readonly last: number;
  /** How much larger the last is, as a share of the first. */
  readonly drift: number;
}

/**
 * How a series has developed after its warm-up.
 *
 * @throws {RangeError} when it holds fewer than 5 figures.
 */
export function driftOf(values: readonly number[]): Drift {
  if (values.length < 5) {
    throw new RangeError(
      `Cannot tell a drift: it takes 5 figures, got ${values.length}`,
    );
  }
  const steady = values.slice(Math.floor(values.length * WARM_UP));
  const quarter = Math.max(1, Math.floor(steady.length / 4));
  const first = median(steady.slice(0, quarter));
  const last = median(steady.slice(-quarter));
  return { first, last, drift: first === 0 ? 0 : last / first - 1 };
}

/**
 * Runs the long run.
 *
 * @param args The command line, for instance `Deno.args`.
 * @returns The exit code.
 */
export function main(args: readonly string[]): Promise<number> {
  return runCommand("soak", () => run(args));
}

async function run(args: readonly string[]): Promise<number> {
  const commandLine = readFlags(args, FLAGS, { usage: USAGE });
  if (!commandLine) return 0;
  const { flags } = commandLine;
  const seconds = Number(flags.get("minutes") ?? 20) * 60;
  const depth = flags.get("depth") as number | undefined;
  const options: SoakOptions = {
    seconds,
    io: (flags.get("io") ?? "deno") as IoKind,
    loads: depth === undefined ? LOADS : [...LOADS, deep(depth)],
  };
  const folder = await Deno.makeTempDir({ prefix: "maple_soak_" });
  endOnSignal(folder);
  try {
    const generator = new Generator(await compileNative(folder));
    return report(seconds, await soak(generator, options));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Clients that always have so many requests under way: what chains are for. */
function deep(depth: number): Load {
  return ["requests without a pause", {
    connections: 20,
    depth,
    cmd: Cmd.ECHO,
  }];
}

interface SoakOptions {
  readonly seconds: number;
  readonly io: IoKind;
  readonly loads: readonly Load[];
}

/** The samples of each process, by its name. */
type Samples = Readonly<Record<string, readonly Sample[]>>;

async function soak(
  generator: Generator,
  { seconds, io, loads: wanted }: SoakOptions,
): Promise<Samples> {
  const every = String(Math.max(1, seconds / 200));
  await using gateway = await Program.deno("programs/gateway.ts", [every, io]);
  await using worker = await Program.deno("programs/worker.ts", [
    String(gateway.port("inner=")),
    String(CONCURRENCY),
    every,
  ]);
  const said = [gateway.output(), worker.output()] as const;
  const port = gateway.port("outer=");
  await using ready = new AsyncDisposableStack();
  const loads = [];
  for (const [name, flags] of wanted) {
    const load = await generator.ready(port, { ...flags, duration: seconds });
    loads.push({ name, load: ready.use(load) });
  }
  await Promise.all(loads.map(async ({ name, load }) => {
    const result = await load.run();
    console.log(
      `${name}: ${result.successful} answered, ${result.failed} failed, ${result.pushes} messages, p99 ${
        result.p99.toFixed(1)
      } ms`,
    );
  }));
  await gateway[Symbol.asyncDispose]();
  await worker[Symbol.asyncDispose]();
  const [ofGateway, ofWorker] = await Promise.all(said);
  return { gateway: samples(ofGateway), worker: samples(ofWorker) };
}

function samples(text: string): Sample[] {
  // The last line may be cut.
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

function report(seconds: number, all: Samples): number {
  let flat = true;
  for (const [name, samples] of Object.entries(all)) {
    console.log(`\n${name}\n   minute   MiB RSS  MiB heap   loop delay`);
    const part = Math.ceil(samples.length / PARTS);
    for (let at = 0; at < samples.length; at += part) {
      const some = samples.slice(at, at + part);
      const minute = seconds / 60 * (at + some.length) / samples.length;
      const rss = median(some.map((sample) => sample.rss)) / 2 ** 20;
      const heap = median(some.map((sample) => sample.heap)) / 2 ** 20;
      const delay = 1000 * median(some.map((sample) => sample.loopDelay));
      console.log(
        minute.toFixed(1).padStart(9) + rss.toFixed(1).padStart(10) +
          heap.toFixed(1).padStart(10) +
          `${delay.toFixed(2)} ms`.padStart(13),
      );
    }
    const chained = samples.at(-1)?.chained;
    if (chained !== undefined) console.log(`${chained} tasks chained`);
    const rss = driftOf(samples.map((sample) => sample.rss));
    const delay = driftOf(samples.map((sample) => sample.loopDelay));
    console.log(
      `drift: RSS ${percent(rss.drift)}, loop delay ${percent(delay.drift)}`,
    );
    if (rss.drift > MOST_DRIFT) flat = false;
    if (delay.drift > MOST_DRIFT && delay.last > SMALL_DELAY_S) flat = false;
  }
  return flat ? 0 : 1;
}

function percent(share: number): string {
  return `${share >= 0 ? "+" : ""}${(100 * share).toFixed(1)} %`;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
