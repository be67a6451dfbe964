// The log of every role: one line an event, through @std/log, to stderr or a rotating file.

import type { BaseHandler } from "@std/log/base-handler";
import { Logger as StdLogger } from "@std/log/logger";
import { messageOf } from "./describe_error.ts";
import { PromptFileHandler, StderrHandler } from "./log_handlers.ts";
import { type LogFields, type LogFormat, logLine } from "./log_line.ts";
import { LogStorm } from "./log_storm.ts";

/**
 * What maple's classes log to. A logger of `@std/log` is one; so is an object with these four
 * functions, which may leave `fields` alone: what is in them is said in the message where a reader
 * needs it.
 */
export interface Logger {
  /** What helps to find a fault. */
  debug(message: string, fields?: LogFields): void;
  /** What an operator wants to see once. */
  info(message: string, fields?: LogFields): void;
  /** What should not be, but is dealt with. */
  warn(message: string, fields?: LogFields): void;
  /** What went wrong. */
  error(message: string, fields?: LogFields): void;
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
  /** How the lines are written. @default {"text"} */
  format?: LogFormat;
  /** A file instead of stderr. */
  file?: string | undefined;
  /** Bytes after which the file is put aside as `FILE.1` and so on. @default {10485760} */
  fileMaxBytes?: number;
  /** How many files are kept aside. @default {5} */
  fileMaxCount?: number;
}

// The numbers that @std/log gives the levels.
const NUMBERS = { DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40 } as const;

interface StdRecord {
  readonly msg: string;
  readonly args: readonly unknown[];
  readonly levelName: string;
  readonly datetime: Date;
}

/** A logger that drops everything. */
export const SILENT: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/**
 * A logger whose level can be changed while it runs, and which counts warnings and errors that come
 * in storms.
 */
export class RoleLogger implements Logger, Disposable {
  readonly #std: StdLogger;
  readonly #handler: BaseHandler;
  readonly #storm: LogStorm;
  #level: LogLevel;

  /**
   * Makes a logger; programs call {@linkcode createLogger}.
   *
   * @param handler Where the lines go; it belongs to the logger from now on.
   */
  constructor(name: string, level: LogLevel, handler: BaseHandler) {
    this.#level = level;
    this.#handler = handler;
    this.#std = new StdLogger(name, level, { handlers: [handler] });
    this.#storm = new LogStorm((level, message, fields) =>
      level === "WARN"
        ? this.#std.warn(message, fields)
        : this.#std.error(message, fields)
    );
  }

  /** The least level that is logged. */
  get level(): LogLevel {
    return this.#level;
  }

  /** Logs what helps to find a fault. */
  debug(message: string, fields?: LogFields): void {
    this.#std.debug(message, fields);
  }

  /** Logs what an operator wants to see once. */
  info(message: string, fields?: LogFields): void {
    this.#std.info(message, fields);
  }

  /** Logs what should not be, but is dealt with. */
  warn(message: string, fields?: LogFields): void {
    if (this.#std.level > NUMBERS.WARN) return;
    this.#storm.log("WARN", message, fields);
  }

  /** Logs what went wrong. */
  error(message: string, fields?: LogFields): void {
    this.#storm.log("ERROR", message, fields);
  }

  /** Changes the level, and tells it in one line, whichever the level is. */
  setLevel(level: LogLevel, why: string): void {
    this.#level = level;
    this.#std.level = NUMBERS.INFO;
    this.#std.info(`log level ${level} (${why})`);
    this.#std.level = NUMBERS[level];
  }

  /** Writes what was counted of a storm, and ends the timer that it has. */
  flush(): void {
    this.#storm.flush();
  }

  /** Flushes, and closes the file. */
  [Symbol.dispose](): void {
    this.flush();
    this.#handler.destroy();
  }
}

/**
 * Makes a logger. What cannot be written to the file later on goes to stderr.
 *
 * @throws {Error} with one line that names the file, when it cannot be opened.
 */
export function createLogger(options: LoggerOptions): RoleLogger {
  const {
    role,
    level = "INFO",
    format = "text",
    file,
    fileMaxBytes = 10 * 1024 * 1024,
    fileMaxCount = 5,
  } = options;
  const formatter = ({ msg, args, levelName, datetime }: StdRecord) =>
    logLine({
      ...(args[0] as LogFields | undefined),
      ...{ time: datetime, level: levelName, role, message: msg },
    }, format);
  // The level is the logger's: it may change.
  const handler = file === undefined
    ? new StderrHandler("DEBUG", { formatter })
    : new PromptFileHandler("DEBUG", {
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
  return new RoleLogger(`maple.${role}`, level, handler);
}

/**
 * Writes what a logger has counted of a storm; no effect on a logger that {@linkcode createLogger}
 * has not made.
 */
export function flushLog(logger: Logger): void {
  if (logger instanceof RoleLogger) logger.flush();
}
