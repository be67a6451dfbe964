// Runs deno with the arguments given, also where JSR cannot be reached: there
// the packages of tools/jsr_registry.ts take its place. It imports nothing that
// would need a registry.
//
//   deno run -A tools/deno.ts test -A tests/box/

import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Registry, ROOT, startRegistry } from "./jsr_registry.ts";

/** How long JSR may take for all packages, once it has answered. */
const ALL_PACKAGES_TIMEOUT_MS = 30_000;

/** One entry point of each package that comes from JSR. */
const ENTRY_POINTS = [
  "@std/assert",
  "@std/bytes/concat",
  "@std/cli/parse-args",
  "@std/log/levels",
  "@std/testing/time",
];

/** What a child process needs in its environment so that it finds JSR. */
export interface JsrEnvironment extends AsyncDisposable {
  /** The variables to set; empty where JSR answers. */
  readonly env: Readonly<Record<string, string>>;
}

/** Options of {@linkcode answersJsr}. */
export interface AnswersJsrOptions {
  /** Environment variables for the child that asks. @default {{}} */
  env?: Readonly<Record<string, string>>;
  /** How long to wait for the first answer, in ms. @default {2_000} */
  timeoutMs?: number;
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It has ended already.
    if (!(error instanceof TypeError)) throw error;
  }
}

/**
 * Tells whether the packages can be had, from JSR or from the user's cache, by
 * importing them in a child: only Deno knows where its registry is.
 */
export async function answersJsr(
  options: AnswersJsrOptions = {},
): Promise<boolean> {
  const { env = {}, timeoutMs = 2_000 } = options;
  const code = `
    setTimeout(() => Deno.exit(1), ${ALL_PACKAGES_TIMEOUT_MS});
    await Promise.all(${JSON.stringify(ENTRY_POINTS)}.map(async (name) => {
      await import(name);
      console.log(name);
    }));
    Deno.exit(0);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", code],
    cwd: ROOT,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => kill(child, "SIGKILL"), timeoutMs);
  for await (const _ of child.stdout) clearTimeout(timer);
  const { success } = await child.status;
  clearTimeout(timer);
  return success;
}

function cacheDir(): string {
  const { os } = Deno.build;
  const env = (name: string) => Deno.env.get(name) || undefined;
  return env("XDG_CACHE_HOME") ??
    (os === "windows" ? env("LOCALAPPDATA") : undefined) ??
    join(homedir(), os === "darwin" ? "Library/Caches" : ".cache");
}

/**
 * Deno keys what it remembers of a module, that its types are right for instance,
 * by its address. So each working copy has a port of its own, if it is free.
 */
async function startOnUsualPort(): Promise<Registry> {
  const port = 21_000 + createHash("sha256").update(ROOT).digest()[0]! * 16;
  try {
    return await startRegistry({ port });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return await startRegistry();
  }
}

/**
 * Finds out whether JSR answers and, if it does not, starts a registry in its
 * place and says so in one line on stderr. Does nothing if `JSR_URL` is set.
 *
 * The registry lives until this is disposed of. What it serves stays out of the
 * user's cache: `DENO_DIR` is a folder of its own. A version's files never change
 * for Deno, so the address holds a hash of the content and a changed one is new.
 */
export async function jsrEnvironment(): Promise<JsrEnvironment> {
  const nothing = { env: {}, [Symbol.asyncDispose]: () => Promise.resolve() };
  if (Deno.env.get("JSR_URL") || await answersJsr()) return nothing;
  const registry = await startOnUsualPort();
  console.error(
    "tools/deno.ts: JSR does not answer; using the stand-ins of tools/std for @std packages",
  );
  const noProxy = Deno.env.get("NO_PROXY") ?? Deno.env.get("no_proxy");
  return {
    env: {
      JSR_URL: `${registry.url}${registry.contentHash.slice(0, 16)}/`,
      DENO_DIR: join(cacheDir(), "maple", "deno"),
      DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "system",
      NO_PROXY: noProxy ? `${noProxy},127.0.0.1` : "127.0.0.1",
    },
    [Symbol.asyncDispose]: () => registry.close(),
  };
}

// Tests that leak must fail on every version of Deno: from 2.9 on the sanitizers are off unless
// asked for, and versions before refuse the setting for it in deno.json.
const SANITIZERS = {
  DENO_TEST_SANITIZE_OPS: "1",
  DENO_TEST_SANITIZE_RESOURCES: "1",
};

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"];

/**
 * Runs deno with these arguments, on this process's stdin, stdout and stderr,
 * and passes signals on to it.
 *
 * @param args the arguments
 * @param env environment variables to set
 * @param cwd the folder that it runs in, this process's by default
 * @returns its exit code, 128 + number if a signal ended it
 */
export async function runDeno(
  args: string[],
  env: Readonly<Record<string, string>> = {},
  cwd: string = Deno.cwd(),
): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    env,
    cwd,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const stops = SIGNALS.map((signal) => {
    const pass = () => {
      // A terminal sends INT to the child as well.
      if (signal === "SIGINT" && Deno.stdin.isTerminal()) return;
      kill(child, signal);
    };
    Deno.addSignalListener(signal, pass);
    return () => Deno.removeSignalListener(signal, pass);
  });
  try {
    return (await child.status).code;
  } finally {
    for (const stop of stops) stop();
  }
}

/** The program; resolves to deno's exit code. */
export async function main(args: string[]): Promise<number> {
  try {
    await using jsr = await jsrEnvironment();
    const env = args[0] === "test" ? { ...SANITIZERS, ...jsr.env } : jsr.env;
    return await runDeno(args, env);
  } catch (error) {
    console.error(`tools/deno.ts: ${(error as Error).message}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
