// The fuzz as a program.
//
//   deno task fuzz --minutes 10 --seed 7 --io epoll
//   deno task fuzz --only box --seed 7 --from 48 --count 24
//   deno task fuzz --replay FILE

import {
  describeFlags,
  type Flag,
  HELP_FLAG,
  IO_KINDS,
  type IoKind,
  readFlags,
  runCommand,
  UsageError,
} from "@maple/box/internal";
import { formatInputs, type NamedInput, parseInputs } from "./input.ts";
import { type Finding, type FuzzOptions, replay, runFuzz } from "./run_fuzz.ts";
import { shrink } from "./shrink.ts";
import { startStage } from "./stages.ts";
import { makeInput, TARGETS } from "./targets.ts";

const FLAGS: readonly Flag[] = [
  {
    name: "minutes",
    type: "number",
    value: "M",
    min: 0.05,
    help: "for so long, all targets together (1)",
  },
  {
    name: "seed",
    type: "integer",
    value: "S",
    min: 0,
    help: "determines the inputs (a random one)",
  },
  {
    name: "io",
    type: "string",
    value: "IO",
    choices: IO_KINDS,
    help: "where the servers' sockets come from (deno)",
  },
  {
    name: "only",
    type: "string",
    value: "NAME,...",
    help: "only these targets",
  },
  {
    name: "from",
    type: "integer",
    value: "I",
    min: 0,
    help: "the number of the first input of each target (0)",
  },
  {
    name: "count",
    type: "integer",
    value: "N",
    min: 1,
    help: "so many inputs of each target, however long that takes",
  },
  {
    name: "replay",
    type: "string",
    value: "FILE",
    help: "the inputs in this file, which a finding was written to",
  },
  {
    name: "shrink",
    type: "number",
    value: "S",
    min: 0,
    help: "seconds to look for fewer inputs, frames and bytes that do it (60)",
  },
  HELP_FLAG,
];

const USAGE = `Usage: deno task fuzz [flags]

Sends spoiled frames to a gateway with a worker, to a haven server and to what reads files, while
honest clients beside them check every answer. What is not borne is a finding: a crash, a hang, an
honest request without its answer, a leak, a log over its limit. Each is written to a file.

${describeFlags(FLAGS)}

Targets:
${TARGETS.map(({ name, what }) => `  ${name.padEnd(16)}${what}`).join("\n")}

Exit code: 0; 1 when something was found.
`;

async function run(args: readonly string[]): Promise<number> {
  const commandLine = readFlags(args, FLAGS, { usage: USAGE });
  if (!commandLine) return 0;
  const { flags } = commandLine;
  const number = (name: string) => flags.get(name) as number | undefined;
  const io = (flags.get("io") ?? "deno") as IoKind;
  const file = flags.get("replay");
  if (file !== undefined) {
    const inputs = await readInputs(String(file));
    const faults = await replay(inputs, { io, start: startStage });
    for (const fault of faults) console.log(fault);
    console.log(faults.length === 0 ? "borne" : "NOT BORNE");
    return faults.length === 0 ? 0 : 1;
  }
  const count = number("count");
  const options: FuzzOptions = {
    seed: number("seed") ?? Math.floor(Math.random() * 2 ** 31),
    io,
    seconds: count === undefined ? (number("minutes") ?? 1) * 60 : 1e9,
    only: only(flags.get("only") as string | undefined),
    from: number("from"),
    count,
    start: startStage,
    tell: (line) => console.error(line),
  };
  console.error(`seed ${options.seed}, io ${io}`);
  const started = performance.now();
  const { findings, inputs, messages, honestDone } = await runFuzz(options);
  for (const finding of findings) {
    await report(finding, options, number("shrink") ?? 60);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  for (const [name, count] of Object.entries(inputs)) {
    console.log(`${name.padEnd(16)}${count} inputs`);
  }
  console.log(
    `seed ${options.seed}, io ${io}: ${findings.length} findings in ${seconds} s, ${messages} messages of clients, ${honestDone} honest requests and news among them`,
  );
  return findings.length === 0 ? 0 : 1;
}

function only(names: string | undefined): string[] | undefined {
  const list = names?.split(",");
  const unknown = list?.find((name) =>
    !TARGETS.some((target) => target.name === name)
  );
  if (unknown === undefined) return list;
  throw new UsageError(`There is no target "${unknown}"; see --help`);
}

async function readInputs(file: string): Promise<NamedInput[]> {
  try {
    return parseInputs(await Deno.readTextFile(file));
  } catch (error) {
    throw new UsageError(
      `"${file}" is no file of inputs: ${(error as Error).message}`,
    );
  }
}

async function report(
  { faults, inputs }: Finding,
  options: FuzzOptions,
  shrinkSeconds: number,
): Promise<void> {
  const { seed, io } = options;
  console.log(`\nFINDING:\n  ${faults.join("\n  ")}`);
  const named: NamedInput[] = inputs.map(({ target, index }) => ({
    target: target.name,
    input: makeInput(target, seed, index),
  }));
  if (named.length === 0) return;
  for (const name of new Set(named.map(({ target }) => target))) {
    const its = inputs.filter(({ target }) => target.name === name);
    console.log(
      `  deno task fuzz --io ${io} --only ${name} --seed ${seed} --from ${
        its[0]!.index
      } --count ${its.length}`,
    );
  }
  await write("all that was sent since all was well", named);
  const end = performance.now() + shrinkSeconds * 1000;
  if (shrinkSeconds === 0) return;
  const shrunk = await shrink(
    named,
    async (inputs) => (await replay(inputs, options)).length > 0,
    () => performance.now() < end,
  );
  if (shrunk) await write(`${shrunk.length} inputs that do it`, shrunk);
  else console.log("  a server that is started for these inputs bears them");
}

async function write(
  what: string,
  inputs: readonly NamedInput[],
): Promise<void> {
  const file = await Deno.makeTempFile({
    prefix: "maple_fuzz_",
    suffix: ".json",
  });
  await Deno.writeTextFile(file, formatInputs(inputs));
  console.log(`  ${what}: --replay ${file}`);
}

if (import.meta.main) {
  Deno.exit(await runCommand("maple fuzz", () => run(Deno.args)));
}
