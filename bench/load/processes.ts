// One load from several processes: each takes a share of the connections, all start together, their
// results become one.

import { type LoadResult, mergeResults } from "./load_result.ts";
import type { LoadProgress } from "./load_run.ts";
import type { LoadOptions } from "./options.ts";

/** What a process prints when its connections are open. */
export const READY = "ready";

/** Settings of {@linkcode runProcesses}. */
export interface ProcessesOptions {
  /** The executable and its first arguments, to which flags are added. */
  program: readonly string[];
  /** Called when all connections are open; the load begins when it resolves. */
  onReady?: () => Promise<void>;
  /** Called about once a second. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** How it goes, as one line. */
export function progressLine({ answered, failed }: LoadProgress): string {
  return `${answered} answered, ${failed} failed`;
}

/**
 * Runs the load in `options.processes` processes.
 *
 * @throws {Error} when one of them fails; the others are ended.
 */
export async function runProcesses(
  options: LoadOptions,
  { program, onReady, onProgress }: ProcessesOptions,
): Promise<LoadResult> {
  const [command, ...first] = program;
  const progress: LoadProgress[] = [];
  const children = shares(options).map((share, i) =>
    new LoadProcess(command!, [...first, ...flagsOf(share)], (line) => {
      progress[i] = line;
      onProgress?.({
        answered: total(progress, (line) => line.answered),
        failed: total(progress, (line) => line.failed),
      });
    })
  );
  try {
    await Promise.all(children.map((child) => child.ready));
    await onReady?.();
    return mergeResults(
      await Promise.all(children.map((child) => child.run())),
    );
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

function total(
  lines: readonly LoadProgress[],
  of: (line: LoadProgress) => number,
): number {
  return lines.reduce((sum, line) => sum + (line ? of(line) : 0), 0);
}

/** The options of each process. */
export function shares(options: LoadOptions): LoadOptions[] {
  const { connections, processes, login, rate } = options;
  let before = 0;
  return Array.from({ length: processes }, (_, i) => {
    const own = Math.floor(connections * (i + 1) / processes) - before;
    const share = {
      ...options,
      connections: own,
      processes: 1,
      login: login === undefined ? undefined : login + before,
      rate: rate === undefined ? undefined : rate * own / connections,
    };
    before += own;
    return share;
  });
}

function flagsOf(options: LoadOptions): string[] {
  const values: Record<string, string | number | undefined> = {
    "url": options.target.url,
    "connections": options.connections,
    "requests": options.requests,
    "duration": options.duration,
    "warm-up": options.warmUp || undefined,
    "cmd": options.cmd,
    "body": options.bodyBytes,
    "depth": options.depth,
    "rate": options.rate,
    "timeout": options.timeout,
    "login": options.login,
    "login-cmd": options.loginCmd,
    "ca-file": options.caFile,
  };
  return [
    ...Object.entries(values).filter(([, value]) => value !== undefined)
      .map(([name, value]) => `--${name}=${value}`),
    // What the environment says of these is for the first process.
    ...["--processes=1", "--ceiling=false"],
    ...["--json", "--raw", "--wait", "--progress"],
  ];
}

class LoadProcess {
  readonly ready: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: ReadableStreamDefaultReader<string>;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stderr: Promise<void>;
  #lastWords = "";

  constructor(
    command: string,
    args: readonly string[],
    onProgress: (progress: LoadProgress) => void,
  ) {
    this.#child = new Deno.Command(command, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#stdout = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    this.#stderr = this.#readStderr(onProgress);
    this.ready = this.#read((text) => text.includes("\n")).then((text) => {
      if (text.trim() !== READY) throw this.#failure();
    });
  }

  async run(): Promise<LoadResult> {
    await this.#stdin.write(new TextEncoder().encode("start\n"));
    const text = await this.#read(() => false);
    if (text === "") throw this.#failure();
    return (JSON.parse(text) as { raw: LoadResult }).raw;
  }

  async end(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#stdin.close().catch(() => {});
    await this.#stdout.cancel();
    await this.#child.status;
    await this.#stderr;
  }

  async #read(enough: (text: string) => boolean): Promise<string> {
    let text = "";
    while (!enough(text)) {
      const { value, done } = await this.#stdout.read();
      if (done) break;
      text += value;
    }
    // What is told of a failure comes by the other stream.
    if (text === "") await this.#stderr;
    return text;
  }

  async #readStderr(
    onProgress: (progress: LoadProgress) => void,
  ): Promise<void> {
    const lines = this.#child.stderr.pipeThrough(new TextDecoderStream());
    for await (const text of lines) {
      const [, answered, failed] = /(\d+) answered, (\d+) failed/.exec(text) ??
        [];
      if (answered === undefined) this.#lastWords += text;
      else onProgress({ answered: +answered, failed: Number(failed) });
    }
  }

  #failure(): Error {
    return new Error(
      `A process of the load has failed: ${
        this.#lastWords.trim() || "it said nothing"
      }`,
    );
  }
}
