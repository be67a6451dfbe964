// Compiles the programs to single executables that need no Deno.

import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { jsrEnvironment } from "./deno.ts";
import { ROOT } from "./jsr_registry.ts";

/** The executables and the module each is made of. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  "maple": "mod.ts",
  "maple-echo-worker": "examples/echo_worker.ts",
};

/** Modules that a program loads only when it needs them, by names that Deno does not find. */
const LOADED_LATER: Readonly<Record<string, readonly string[]>> = {
  "mod.ts": ["gateway/cluster/nats_client.ts"],
};

/** How the program is called. */
export const USAGE = `Usage: deno task compile [--out DIR] [NAME]...

Compiles ${Object.keys(PROGRAMS).join(" and ")}, or only those named.

  --out DIR  where to put them (default dist/ of this project)
  -h, --help show this text

Environment:
  COMPILE_DENO  the deno to compile with, instead of the one that runs this
  DENORT_BIN    the runtime to build on, instead of the one deno downloads`;

/** What to compile with. */
export interface CompileOptions {
  /** The deno to run. @default {Deno.execPath()} */
  deno?: string;
  /** Environment variables for it. @default {{}} */
  env?: Readonly<Record<string, string>>;
}

/** A program that could not be compiled; the message says why. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

/**
 * Compiles one module to one executable that has all permissions. Its types are
 * not checked: that is what `deno task check` does. What was there before stays
 * until it is done.
 *
 * @param entry the module, relative to the project or absolute
 * @param output the executable; its folder is created
 * @throws {CompileError} with one line if the runtime cannot be had, otherwise
 * with what deno said
 */
export async function compile(
  entry: string,
  output: string,
  options: CompileOptions = {},
): Promise<void> {
  const { deno = Deno.execPath(), env = {} } = options;
  const folder = dirname(output);
  await Deno.mkdir(folder, { recursive: true });
  // Deno removes what is there before it knows whether it has something better.
  const made = await Deno.makeTempDir({ dir: folder, prefix: ".compile-" });
  try {
    await compileTo(entry, join(made, basename(output)), { deno, env });
    // Deno may have added an ending.
    for await (const { name } of Deno.readDir(made)) {
      await Deno.rename(join(made, name), join(folder, name));
    }
  } finally {
    await Deno.remove(made, { recursive: true });
  }
}

async function compileTo(
  entry: string,
  output: string,
  { deno, env }: Required<CompileOptions>,
): Promise<void> {
  const later = LOADED_LATER[entry] ?? [];
  const { success, stderr } = await new Deno.Command(deno, {
    // Processes of a gateway or a haven server share ports, which Deno allows only with this flag.
    args: [
      ...["compile", "--no-check", "-A", "--unstable-net", "-o", output],
      ...later.flatMap((file) => ["--include", file]),
      entry,
    ],
    env: { ...env, NO_COLOR: "1" },
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  const message = new TextDecoder().decode(stderr);
  const [missing] = /Could not find denort at .*/.exec(message) ?? [];
  if (missing) throw new CompileError(`${missing}: check DENORT_BIN`);
  if (message.includes("Setting up base binary")) {
    const version = deno === Deno.execPath() ? ` ${Deno.version.deno}` : "";
    throw new CompileError(
      `Cannot download the runtime of Deno${version}: set DENORT_BIN to a copy of it`,
    );
  }
  const [said] = message.split("\n\nStack backtrace:");
  throw new CompileError(`Cannot compile ${entry}:\n${said}`);
}

interface Plan {
  help: boolean;
  out: string;
  names: string[];
}

function readPlan(args: string[]): Plan {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      out: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const all = Object.keys(PROGRAMS);
  const unknown = positionals.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`No program "${unknown}": use ${all.join(", ")}`);
  }
  return {
    help: values.help,
    out: values.out === undefined ? join(ROOT, "dist") : resolve(values.out),
    names: positionals.length > 0 ? positionals : all,
  };
}

/** The program; resolves to its exit code. */
export async function main(args: string[]): Promise<number> {
  let plan: Plan;
  try {
    plan = readPlan(args);
  } catch (error) {
    console.error(`compile: ${(error as Error).message}`);
    return 2;
  }
  if (plan.help) {
    console.log(USAGE);
    return 0;
  }
  try {
    await using jsr = await jsrEnvironment();
    const deno = Deno.env.get("COMPILE_DENO") || Deno.execPath();
    for (const name of plan.names) {
      const output = join(plan.out, name);
      await compile(PROGRAMS[name]!, output, { deno, env: jsr.env });
      console.log(`compiled ${output}`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(`compile: ${error.message}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
