// stdout and stderr as targets of lines that nobody waits for.

import { LogSink, type LogTarget } from "./log_sink.ts";

type Stream = typeof Deno.stdout | typeof Deno.stderr;

// So much the system writes into a pipe as a whole, whoever else writes there.
const PIPE_BUF = 4096;
const AGAIN_MS = 50;

class StreamTarget implements LogTarget {
  readonly room: number = PIPE_BUF;
  readonly #stream: Stream;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  async write(lines: Uint8Array): Promise<void> {
    for (let at = 0; at < lines.length;) {
      try {
        at += await this.#stream.write(lines.subarray(at));
      } catch (error) {
        // Nobody is there to read it.
        if (!(error instanceof Deno.errors.WouldBlock)) return;
        // Another process has made the pipe one that does not wait.
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  writeNow(lines: Uint8Array): void {
    try {
      for (let at = 0; at < lines.length;) {
        at += this.#stream.writeSync(lines.subarray(at));
      }
    } catch {
      // Nobody is there to read it.
    }
  }
}

/** Lines to stderr. */
export const stderrSink: LogSink = new LogSink(new StreamTarget(Deno.stderr));

const stdoutSink = new LogSink(new StreamTarget(Deno.stdout));

/** Prints a line on stdout; unlike `console.log` it never waits for a reader. */
export function printLine(line: string): void {
  stdoutSink.push(line);
}
