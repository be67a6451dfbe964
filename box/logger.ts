// The log of every role: one line an event, through @std/log, to stderr or a rotating file.

import { BaseHandler } from "@std/log/base-handler";
import { Logger as StdLogger } from "@std/log/logger";
import { RotatingFileHandler } from "@std/log/rotating-file-handler";

/** What maple's classes log to. A logger of `@std/log` is one; so is an object with these four functions. */
export interface Logger {
  /** What helps to find a fault. */
  debug(message: string): void;
  /** What an operator wants to see once. */
  info(message: string): void;
  /** What should not be, but is dealt with. */
  warn(message: string): void;
  /** What went wrong. */
  error(message: string): void;
}

/** How much is logged. */
export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** The levels, the most talkative first. */
export const LOG_LEVELS: readonly LogLevel[] = [
  "DEBUG",
  "INFO",
  "WARN",
  "ERROR",
];

/** Settings of {@linkcode createLogger}. */
export interface LoggerOptions {
  /** What stands in each line: `gateway`, `worker`, ... */
  role: string;
  /** The least level that is logged. @default {"INFO"} */
  level?: LogLevel;
  /** A file instead of stderr. */
  file?: string | undefined;
  /** Bytes after which the file is put aside as `FILE.1` and so on. @default {10485760} */
  fileMaxBytes?: number;
  /** How many files are kept aside. @default {5} */
  fileMaxCount?: number;
}

interface Line {
  readonly msg: string;
  readonly levelName: string;
  readonly datetime: Date;
}

const encoder = new TextEncoder();

// A line that cannot be logged (a full disk, a closed pipe) must not stop the program that it tells of.
class StderrHandler extends BaseHandler {
  override log(text: string): void {
    const bytes = encoder.encode(text + "\n");
    try {
      for (let at = 0; at < bytes.length;) {
        at += Deno.stderr.writeSync(bytes.subarray(at));
      }
    } catch {
      // Nobody is there to read it.
    }
  }
}

class PromptFileHandler extends RotatingFileHandler {
  readonly #stderr = new StderrHandler("DEBUG");

  override log(text: string): void {
    try {
      super.log(text);
      // An operator who looks at the file wants to see what has just happened.
      this.flush();
    } catch (error) {
      this.#stderr.log(`${text} (not in the log file: ${messageOf(error)})`);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A logger that drops everything. */
export const SILENT: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/**
 * Makes a logger. What cannot be written to the file later on goes to stderr.
 *
 * @throws {Error} with one line that names the file, when it cannot be opened.
 */
export function createLogger(options: LoggerOptions): Logger {
  const {
    role,
    level = "INFO",
    file,
    fileMaxBytes = 10 * 1024 * 1024,
    fileMaxCount = 5,
  } = options;
  const formatter = (line: Line) =>
    `${zonedTime(line.datetime)} ${
      line.levelName.padEnd(5)
    } ${role}[${Deno.pid}] ${line.msg}`;
  const handler = file === undefined
    ? new StderrHandler(level, { formatter })
    : new PromptFileHandler(level, {
      filename: file,
      maxBytes: fileMaxBytes,
      maxBackupCount: fileMaxCount,
      mode: "a",
      formatter,
    });
  try {
    handler.setup();
  } catch (cause) {
    throw new Error(`Cannot log to ${file}: ${messageOf(cause)}`, { cause });
  }
  return new StdLogger(`maple.${role}`, level, { handlers: [handler] });
}

/** `2026-01-31T23:59:59.123+02:00` */
function zonedTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString();
  const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, "0");
  const minutes = String(Math.abs(offset) % 60).padStart(2, "0");
  return `${local.slice(0, -1)}${offset < 0 ? "-" : "+"}${hours}:${minutes}`;
}
