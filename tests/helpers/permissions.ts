// PERMISSIONS: what each program needs of Deno: the READMEs tell these flags, and tests start the
// programs with them.

/** The programs. */
export type Program =
  | "gateway"
  | "stat"
  | "trigger"
  | "worker"
  | "haven"
  | "ghaven"
  | "load";

/** The flags of `deno run`, by program. */
export const PERMISSIONS: Readonly<Record<Program, readonly string[]>> = {
  gateway: [
    "--allow-net",
    "--allow-read",
    "--allow-write",
    "--allow-env=MAPLE_*",
    "--allow-sys",
  ],
  stat: ["--allow-read", "--allow-env=NO_COLOR,MAPLE_STAT_*"],
  trigger: [
    "--allow-net",
    "--allow-read",
    "--allow-env=MAPLE_*",
    "--allow-sys=hostname",
  ],
  worker: [
    "--allow-net",
    "--allow-read",
    "--allow-env",
    "--allow-run",
    "--allow-sys",
  ],
  haven: ["--allow-net", "--allow-read", "--allow-env", "--allow-sys"],
  ghaven: [
    ...["--allow-net", "--allow-read", "--allow-env", "--allow-sys"],
    ...["--allow-run", "--unstable-net"],
  ],
  load: ["--allow-net", "--allow-read", "--allow-env=MAPLE_LOAD_*"],
};

/** The arguments that make Deno run a program with these alone; its module comes next. */
export function runArgs(program: Program): string[] {
  return ["run", "--quiet", "--no-prompt", ...PERMISSIONS[program]];
}
