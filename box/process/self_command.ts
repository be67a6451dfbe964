// The command that starts this program again.

import { BoxError } from "../errors.ts";
import { pathAsCalled, workingFolder } from "./working_folder.ts";

/** A program and its arguments. */
export interface SelfCommand {
  /** The executable: Deno, or the compiled program. */
  readonly program: string;
  /** All that followed it. */
  readonly args: readonly string[];
  /**
   * Where it is started; a symbolic link is followed anew at each start. `undefined` = where this
   * process works.
   */
  readonly cwd: string | undefined;
}

const NO_PROGRAM = ["test", "bench", "eval", "repl", "jupyter"];
// Flags that are of this process alone: a debugger's port is taken, and whoever watches the files
// starts everything again.
const OURS = /^--(?:inspect|watch|no-clear-screen)/;
const PERMISSIONS: readonly Deno.PermissionName[] = [
  "env",
  "ffi",
  "net",
  "read",
  "run",
  "sys",
  "write",
];

/**
 * The command that starts this program again with the same flags.
 *
 * @param flags Further flags of Deno; a compiled program has those that it was compiled with.
 * @throws {BoxError} `state` when this process is no program of its own: a test, the REPL.
 */
export function selfCommand(flags: readonly string[] = []): SelfCommand {
  const cwd = workingFolder();
  if (Deno.build.standalone) {
    const found = Deno.execPath();
    const program = pathAsCalled(trueCommand()?.program, found, cwd) ?? found;
    return { program, args: Deno.args, cwd };
  }
  const args = trueCommand()?.args ?? rebuiltArguments();
  const subcommand = args.find((arg) => !arg.startsWith("-"));
  if (subcommand !== undefined && NO_PROGRAM.includes(subcommand)) {
    throw new BoxError(
      "state",
      `Cannot start child processes from "deno ${subcommand}": use workers: 0 there`,
    );
  }
  const missing = flags.filter((flag) => !args.includes(flag));
  return { program: Deno.execPath(), args: withFlags(args, missing), cwd };
}

// Flags stand behind the subcommand, or first where there is none (`deno main.ts`).
function withFlags(args: string[], flags: readonly string[]): string[] {
  const at = args[0] === "run" ? 1 : 0;
  return [...args.slice(0, at), ...flags, ...args.slice(at)];
}

// Deno does not tell which flags it was started with; Linux does.
function trueCommand(): { program: string; args: string[] } | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const line = Deno.readTextFileSync("/proc/self/cmdline");
    const [program, ...args] = line.split("\0").slice(0, -1);
    return {
      program: program!,
      args: args.filter((arg) => !OURS.test(arg)),
    };
  } catch {
    return undefined;
  }
}

// Whether it may see only those that begin so, a name that nobody lists tells.
function ourVariables(): string[] {
  const [all, ours] = [{}, { variable: "MAPLE_ANY" }].map((which) =>
    Deno.permissions.querySync({ name: "env", ...which }).state
  );
  return all !== "granted" && ours === "granted" ? ["--allow-env=MAPLE_*"] : [];
}

// Whether it may start this executable, and not all others.
function ourExecutable(): string[] {
  const command = Deno.execPath();
  const [all, ours] = [{}, { command }].map((which) =>
    Deno.permissions.querySync({ name: "run", ...which }).state
  );
  return all !== "granted" && ours === "granted"
    ? [`--allow-run=${command}`]
    : [];
}

function rebuiltArguments(): string[] {
  const granted = PERMISSIONS.filter((name) =>
    Deno.permissions.querySync({ name } as Deno.PermissionDescriptor).state ===
      "granted"
  );
  const flags = granted.length === PERMISSIONS.length ? ["-A"] : [
    ...granted.map((name) => `--allow-${name}`),
    ...ourVariables(),
    ...ourExecutable(),
  ];
  return ["run", ...flags, Deno.mainModule, ...Deno.args];
}
