// The command that starts this program again.

import { BoxError } from "../errors.ts";

/** A program and its arguments. */
export interface SelfCommand {
  /** The executable: Deno, or the compiled program. */
  readonly program: string;
  /** All that followed it. */
  readonly args: readonly string[];
}

const NO_PROGRAM = ["test", "bench", "eval", "repl", "jupyter"];
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
  const program = Deno.execPath();
  if (Deno.build.standalone) return { program, args: Deno.args };
  const args = trueArguments() ?? rebuiltArguments();
  const subcommand = args.find((arg) => !arg.startsWith("-"));
  if (subcommand !== undefined && NO_PROGRAM.includes(subcommand)) {
    throw new BoxError(
      "state",
      `Cannot start child processes from "deno ${subcommand}": use workers: 0 there`,
    );
  }
  const missing = flags.filter((flag) => !args.includes(flag));
  return { program, args: withFlags(args, missing) };
}

// Flags stand behind the subcommand, or first where there is none (`deno main.ts`).
function withFlags(args: string[], flags: readonly string[]): string[] {
  const at = args[0] === "run" ? 1 : 0;
  return [...args.slice(0, at), ...flags, ...args.slice(at)];
}

// Deno does not tell which flags it was started with; Linux does.
function trueArguments(): string[] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const line = Deno.readTextFileSync("/proc/self/cmdline");
    return line.split("\0").slice(1, -1)
      // A debugger's port is taken by this process.
      .filter((arg) => !arg.startsWith("--inspect"));
  } catch {
    return undefined;
  }
}

function rebuiltArguments(): string[] {
  const granted = PERMISSIONS.filter((name) =>
    Deno.permissions.querySync({ name } as Deno.PermissionDescriptor).state ===
      "granted"
  );
  const flags = granted.length === PERMISSIONS.length
    ? ["-A"]
    : granted.map((name) => `--allow-${name}`);
  return ["run", ...flags, Deno.mainModule, ...Deno.args];
}
