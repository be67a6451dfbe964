// Program: a process of a benchmark, with what the system tells of it.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { endChild, startChild } from "./children.ts";

/** How a process of a benchmark is run. */
export interface ProgramOptions {
  /** What ends it. @default {"SIGKILL"} */
  readonly signal?: Deno.Signal;
  /** Variables to set. */
  readonly env?: Readonly<Record<string, string>>;
  /** Which of its lines tells that it is ready. @default the first one */
  readonly ready?: RegExp;
  /** Whether V8 tells of each time that it collects garbage; see {@linkcode Program.said}. */
  readonly tracesGarbage?: boolean;
}

/** A process of a benchmark that has said that it is ready. */
export class Program implements AsyncDisposable {
  /** The line that it said. */
  readonly ready: string;
  readonly #child: Deno.ChildProcess;
  readonly #signal: Deno.Signal;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stdout: ReadableStreamDefaultReader<string>;
  #rest: string;

  private constructor(
    child: Deno.ChildProcess,
    stdout: ReadableStreamDefaultReader<string>,
    { text, line, signal }: {
      text: string;
      line: string;
      signal: Deno.Signal;
    },
  ) {
    this.#child = child;
    this.#signal = signal;
    this.#stdin = child.stdin.getWriter();
    this.#stdout = stdout;
    this.ready = line;
    this.#rest = text.slice(text.indexOf(line) + line.length + 1);
  }

  /**
   * Starts one and waits until it says that it is ready.
   *
   * @throws {Error} when it ends before that.
   */
  static async start(
    command: readonly string[],
    { signal = "SIGKILL", env = {}, ready = /^/ }: ProgramOptions = {},
  ): Promise<Program> {
    const [executable, ...args] = command;
    const child = startChild(executable!, {
      args,
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    const stdout = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let text = "";
    const lines = () => text.split("\n").slice(0, -1);
    while (!lines().some((line) => ready.test(line))) {
      const { value, done } = await stdout.read();
      if (done) {
        throw new Error(`${command.join(" ")} ended before it was ready`);
      }
      text += value;
    }
    const line = lines().find((line) => ready.test(line))!;
    return new Program(child, stdout, { text, line, signal });
  }

  /** Starts one of the modules of this project, named from bench/. */
  static deno(
    module: string,
    args: readonly string[] = [],
    options: ProgramOptions = {},
  ): Promise<Program> {
    const command = denoCommand(module, args, v8Flags(options));
    return Program.start([...lineByLine(options), ...command], options);
  }

  /**
   * Starts a module of another working copy of this project, named from its bench/, by the copy's
   * own tool, which finds what that copy needs.
   */
  static ofCopy(
    copy: string,
    module: string,
    args: readonly string[],
    options: ProgramOptions = {},
  ): Promise<Program> {
    const tool = join(copy, "tools/deno.ts");
    const path = join(copy, "bench", module);
    const run = ["run", "--quiet", "-A"];
    return Program.start(
      [
        ...[...lineByLine(options), Deno.execPath(), ...run, tool],
        ...[...run, ...v8Flags(options), path, ...args],
      ],
      // It passes the signal on, and is not to take this copy's packages for its own.
      { ...options, signal: "SIGTERM", env: { JSR_URL: "" } },
    );
  }

  /** The port in the line that it said, after `name=` or, without a name, the first. */
  port(name = ""): number {
    return Number(new RegExp(`${name}\\S*:(\\d+)`).exec(this.ready)?.[1]);
  }

  /** Its memory in bytes. */
  async rss(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#child.pid}/status`);
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  /** How many descriptors it has open. */
  async descriptors(): Promise<number> {
    let count = 0;
    for await (const _ of Deno.readDir(`/proc/${this.#child.pid}/fd`)) count++;
    return count;
  }

  /** The CPU time that its threads have used, in seconds. */
  cpu(): Promise<number> {
    return cpuOf(this.#child.pid);
  }

  /** Writes a line to its stdin. */
  async write(line: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(`${line}\n`));
  }

  /** What it has said since it was ready, as far as {@linkcode Program.output} has read it. */
  get said(): string {
    return this.#rest;
  }

  /** All that it says until it ends. */
  async output(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#stdout.read();
      if (done) return this.#rest;
      this.#rest += value;
    }
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = endChild(this.#child, this.#signal);
    await this.#stdin.close().catch(() => {});
    await this.#stdout.cancel();
    await ended;
  }
}

/** The CPU time that the threads of a process have used, in seconds. */
export async function cpuOf(pid: number): Promise<number> {
  const tasks = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for await (const { name } of Deno.readDir(tasks)) {
    // Time on a processor, time of waiting for one, and how often.
    const text = await Deno.readTextFile(`${tasks}/${name}/schedstat`);
    nanoseconds += Number(text.split(" ")[0]);
  }
  return nanoseconds / 1e9;
}

/** The command that runs a module of this project, named from bench/. */
export function denoCommand(
  module: string,
  args: readonly string[] = [],
  flags: readonly string[] = [],
): string[] {
  const path = fileURLToPath(new URL(`../${module}`, import.meta.url));
  return [Deno.execPath(), "run", "--quiet", "-A", ...flags, path, ...args];
}

function v8Flags({ tracesGarbage = false }: ProgramOptions): string[] {
  return tracesGarbage ? ["--v8-flags=--trace-gc"] : [];
}

// V8 writes its traces by stdio, which would keep them back.
function lineByLine({ tracesGarbage = false }: ProgramOptions): string[] {
  return tracesGarbage ? ["stdbuf", "-oL"] : [];
}
