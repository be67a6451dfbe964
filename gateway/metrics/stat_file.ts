// StatFile: a file that holds the newest report of a gateway, for those who look at it from
// outside.

import type { Logger } from "@maple/box/internal";
import { GatewayError } from "../errors.ts";
import type { GatewayReport } from "./report.ts";

const WRITE_EVERY_MS = 1000;

/** Settings of {@linkcode StatFile}. */
export interface StatFileOptions {
  /** Makes the report that is written. */
  readonly report: () => GatewayReport;
  /** Where to log that the file cannot be written any more. */
  readonly logger: Logger;
}

/**
 * Writes a report to a file once a second, by way of another file in the same folder, so that a
 * reader never sees half of one. The timer keeps no process alive.
 */
export class StatFile implements AsyncDisposable {
  readonly #path: string;
  readonly #options: StatFileOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #writing: Promise<void> | undefined;
  #failing = false;
  #closing: Promise<void> | undefined;

  private constructor(path: string, options: StatFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), WRITE_EVERY_MS);
    Deno.unrefTimer(this.#timer);
  }

  /**
   * Writes the first report and begins to write one a second.
   *
   * @throws {GatewayError} with one line that names the file, when it cannot be written.
   */
  static async start(
    path: string,
    options: StatFileOptions,
  ): Promise<StatFile> {
    try {
      await refuseWhatIsNoFile(path);
      await replaceFile(path, JSON.stringify(options.report()));
    } catch (cause) {
      throw new GatewayError(
        `Cannot write the stat file ${path}: ${(cause as Error).message}`,
        { cause },
      );
    }
    return new StatFile(path, options);
  }

  /** Stops without a last report: another process writes the file now. */
  abandon(): Promise<void> {
    clearInterval(this.#timer);
    return this.#closing ??= this.#writing ?? Promise.resolve();
  }

  /** Writes the last report and stops. May be called twice. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** The same as {@linkcode StatFile.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.#write();
  }

  #tick(): void {
    // A disk that takes longer than a second gets no second write.
    if (this.#writing) return;
    this.#writing = this.#write().finally(() => this.#writing = undefined);
  }

  async #write(): Promise<void> {
    const { report, logger } = this.#options;
    try {
      await replaceFile(this.#path, JSON.stringify(report()));
      if (this.#failing) logger.info(`the stat file is written again`);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        logger.error(
          `cannot write the stat file ${this.#path}, goes on trying: ${
            (error as Error).message
          }`,
        );
      }
      this.#failing = true;
    }
  }
}

// A device or a folder must not be replaced by a file.
async function refuseWhatIsNoFile(path: string): Promise<void> {
  try {
    const { isFile } = await Deno.stat(path);
    if (!isFile) throw new Error("there is something else than a file");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${Deno.pid}.tmp`;
  try {
    await Deno.writeTextFile(temporary, text);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}
