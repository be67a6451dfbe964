// startProcess: a program as a child process that has said that it is ready.

import { eventually } from "./eventually.ts";
import { within } from "./within.ts";

/** Settings of {@linkcode startProcess}. */
export interface ProcessOptions {
  /** Its arguments. */
  args?: readonly string[];
  /** Variables to set in addition to this process's own. */
  env?: Readonly<Record<string, string>>;
  /** Where it runs. */
  cwd?: string;
  /** The line of its stdout that says that it is ready; without one, it is ready at once. */
  ready?: RegExp;
  /** Milliseconds it may take until then. @default {30000} */
  timeout?: number;
}

/** A program that runs; at the end of the test it is killed, by its own id, and waited for. */
export class RunningProcess implements AsyncDisposable {
  /** All lines of its stdout so far. */
  readonly stdout: string[] = [];
  /** The match of the line that said that it is ready. */
  ready: RegExpExecArray | undefined;
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #name: string;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<unknown>;
  #stderr = "";
  #ended = false;
  #stdoutEnded = false;
  #taken = 0;

  /** Starts it. */
  constructor(command: string | URL, options: ProcessOptions = {}) {
    const { args = [], env = {}, cwd } = options;
    this.#name = [command, ...args].join(" ");
    this.#child = new Deno.Command(command, {
      args: [...args],
      env: { NO_COLOR: "1", ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = Promise.all([this.#readStdout(), this.#readStderr()]);
    this.status = this.#child.status.then((status) => {
      this.#ended = true;
      return status;
    });
  }

  /** Its id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Its stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /**
   * The next line of its stdout that matches; those before it are passed over.
   *
   * @throws {Error} with its stderr when none comes in time, or it ends before.
   */
  async line(pattern: RegExp, timeout = 30_000): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    const found = () => {
      while (!match && this.#taken < this.stdout.length) {
        match = pattern.exec(this.stdout[this.#taken++]!);
      }
      return match !== null;
    };
    await eventually(() => found() || this.#stdoutEnded, {
      timeout,
      what: `${this.#name}: a line that matches ${pattern}`,
    }).catch((error) => {
      throw new Error(`${error.message}; its stderr:\n${this.#stderr}`);
    });
    if (!match) {
      await this.finished();
      throw new Error(
        `${this.#name}: ended without a line that matches ${pattern}; its stderr:\n${this.#stderr}`,
      );
    }
    return match;
  }

  /** Writes a line to its stdin. */
  async write(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(line + "\n"));
  }

  /** Sends it a signal; no effect when it has ended. */
  kill(signal: Deno.Signal): void {
    if (this.#ended) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It ended just now.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Waits for its end, and until all it wrote is read. */
  async finished(timeout = 30_000): Promise<Deno.CommandStatus> {
    const status = await within(
      this.status,
      `the end of ${this.#name}`,
      timeout,
    );
    await this.#reading;
    return status;
  }

  /** Kills it if it still runs, and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.#input.close().catch(() => {});
    await this.status;
    await this.#reading;
  }

  async #readStdout(): Promise<void> {
    let rest = "";
    const text = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const piece of text) {
      const lines = (rest + piece).split("\n");
      rest = lines.pop()!;
      this.stdout.push(...lines);
    }
    if (rest !== "") this.stdout.push(rest);
    this.#stdoutEnded = true;
  }

  async #readStderr(): Promise<void> {
    const text = this.#child.stderr.pipeThrough(new TextDecoderStream());
    for await (const piece of text) this.#stderr += piece;
  }
}

/**
 * Starts a program and waits until it is ready.
 *
 * @throws {Error} with its stderr when it ends before, or takes too long.
 */
export async function startProcess(
  command: string | URL,
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const process = new RunningProcess(command, options);
  if (!options.ready) return process;
  try {
    process.ready = await process.line(options.ready, options.timeout);
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
  return process;
}

/** How a program ended that ran to its end. */
export interface Finished {
  /** Its exit code. */
  code: number;
  /** The lines of its stdout. */
  stdout: string[];
  /** Its stderr. */
  stderr: string;
}

/** Runs a program to its end. */
export async function runProcess(
  command: string | URL,
  options: Omit<ProcessOptions, "ready"> = {},
): Promise<Finished> {
  await using process = new RunningProcess(command, options);
  const { code } = await process.finished(options.timeout);
  return { code, stdout: process.stdout, stderr: process.stderr };
}
