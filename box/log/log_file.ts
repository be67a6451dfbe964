// LogFile: a file that log lines go to. It is put aside when it is full, and opened again when it
// is gone. What it does not take goes to stderr.

import { messageOf } from "./describe_error.ts";
import type { LogTarget } from "./log_sink.ts";
import { stderrSink } from "./standard_streams.ts";

/** Settings of a {@linkcode LogFile}. */
export interface LogFileOptions {
  /** Where it is. */
  readonly path: string;
  /** Bytes after which it is put aside as `PATH.1` and so on. */
  readonly maxBytes: number;
  /** How many files are kept aside. */
  readonly maxCount: number;
}

const WRITE_BYTES = 64 * 1024;
// How often it is looked whether the file is still the one that its path names.
const LOOK_MS = 1000;
const NEWLINE = 0x0a;
const OPEN = { create: true, append: true } as const;

/** A file that log lines go to. */
export class LogFile implements LogTarget {
  readonly #options: LogFileOptions;
  #file: Deno.FsFile | undefined;
  #info: Deno.FileInfo;
  #bytes: number;
  #lookedAt = performance.now();
  #reopens = false;
  #closed = false;
  #fault: unknown;
  // Lines that the system has not been given yet.
  #kept: Uint8Array | undefined;

  /**
   * Opens the file.
   *
   * @throws {Error} of Deno, when that is impossible.
   */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#file = Deno.openSync(options.path, OPEN);
    this.#info = this.#file.statSync();
    this.#bytes = this.#info.size;
  }

  /** Bytes that go out in one write. */
  get room(): number {
    const { maxBytes } = this.#options;
    return Math.min(WRITE_BYTES, Math.max(maxBytes - this.#bytes, 0));
  }

  /** Writes lines. */
  async write(lines: Uint8Array): Promise<void> {
    if (this.#closed) {
      this.writeNow(lines);
      return;
    }
    let at = 0;
    try {
      this.#kept = lines;
      const file = await this.#ready(lines.length);
      this.#kept = undefined;
      while (at < lines.length) {
        at += await file.write(lines.subarray(at));
      }
      this.#bytes += at;
    } catch (error) {
      this.#kept = undefined;
      this.#dropFile(error);
      const whole = lines.subarray(0, at).lastIndexOf(NEWLINE) + 1;
      this.#spill(lines.subarray(whole), error);
    }
  }

  /** Writes lines at once. */
  writeNow(lines: Uint8Array): void {
    if (this.#kept) {
      const kept = this.#kept;
      this.#kept = undefined;
      this.writeNow(kept);
    }
    try {
      Deno.writeFileSync(this.#options.path, lines, OPEN);
    } catch (error) {
      this.#spill(lines, error);
    }
  }

  /** Has the path opened again with the next write. */
  reopen(): void {
    this.#reopens = true;
  }

  /** Closes the file; somebody may have a last word, which opens it once more. */
  close(): void {
    this.#closed = true;
    this.#dropFile(undefined);
  }

  async #ready(length: number): Promise<Deno.FsFile> {
    const now = performance.now();
    if (this.#reopens || now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      if (this.#reopens || !this.#file || await this.#isGone()) {
        this.#reopens = false;
        await this.#open();
      }
    }
    if (this.#bytes > 0 && this.#bytes + length > this.#options.maxBytes) {
      await this.#putAside();
    }
    if (!this.#file) throw this.#fault;
    return this.#file;
  }

  // Whether it was removed or renamed, alone or with its folder.
  async #isGone(): Promise<boolean> {
    try {
      const { dev, ino } = await Deno.stat(this.#options.path);
      return dev !== this.#info.dev || ino !== this.#info.ino;
    } catch (error) {
      return error instanceof Deno.errors.NotFound;
    }
  }

  async #open(): Promise<void> {
    try {
      const file = await this.#openOrMakeFolder();
      this.#dropFile(undefined);
      this.#file = file;
      this.#info = await file.stat();
      this.#bytes = this.#info.size;
    } catch (error) {
      // The old one is as good as ever, if it still has its name.
      if (!this.#file || await this.#isGone()) this.#dropFile(error);
    }
  }

  async #openOrMakeFolder(): Promise<Deno.FsFile> {
    const { path } = this.#options;
    try {
      return await Deno.open(path, OPEN);
    } catch (error) {
      const folder = path.replace(/[^/\\]*$/, "");
      if (!(error instanceof Deno.errors.NotFound) || folder === "") {
        throw error;
      }
      await Deno.mkdir(folder, { recursive: true });
      return await Deno.open(path, OPEN);
    }
  }

  async #putAside(): Promise<void> {
    this.#bytes = 0;
    // A device or a pipe has no size, and its name is not ours to change.
    if (!this.#info.isFile) return;
    const { path, maxCount } = this.#options;
    try {
      for (let i = maxCount; i > 0; i--) {
        const from = i === 1 ? path : `${path}.${i - 1}`;
        await Deno.rename(from, `${path}.${i}`).catch(ignoreMissing);
      }
    } catch (error) {
      stderrSink.push(
        `the log file ${path} is full and cannot be put aside, goes on in it: ${
          messageOf(error)
        }`,
      );
      return;
    }
    await this.#open();
  }

  #dropFile(fault: unknown): void {
    this.#fault = fault;
    this.#file?.close();
    this.#file = undefined;
  }

  #spill(lines: Uint8Array, error: unknown): void {
    for (const line of new TextDecoder().decode(lines).split("\n")) {
      if (line === "") continue;
      stderrSink.push(`${line} (not in the log file: ${messageOf(error)})`);
    }
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
