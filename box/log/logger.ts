// The log of every role: one line an event, through @std/log, to stderr or a rotating file.

import { BaseHandler } from "@std/log/base-handler";
import { Logger as StdLogger } from "@std/log/logger";
import { messageOf } from "./describe_error.ts";
import { LogFile } from "./log_file.ts";
import { type LogFields, type LogFormat, logLine } from "./log_line.ts";
import { LogSink, writeOutLogs } from "./log_sink.ts";
import { LogStorm } from "./log_storm.ts";
import { stderrSink } from "./standard_streams.ts";

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

/** Where the lines of a logger go. */
interface LogOutput {
  readonly sink: LogSink;
  readonly file: LogFile | undefined;
  /** The line that says how many were dropped. */
  readonly tellDropped: (count: number) => string;
}

class SinkHandler extends BaseHandler {
  readonly #output: LogOutput;

  constructor(
    output: LogOutput,
    options: ConstructorParameters<typeof BaseHandler>[1],
  ) {
    // The level is the logger's: it may change.
    super("DEBUG", options);
    this.#output = output;
  }

  override log(line: string): void {
    this.#output.sink.push(line, this.#output.tellDropped);
  }
}

/**
 * A logger whose level can be changed while it runs, and which counts warnings and errors that come
 * in storms. No line is waited for: they are written one batch after the other, and while more than
 * 256 KiB wait, further ones are dropped and counted.
 */
export class RoleLogger implements Logger, AsyncDisposable {
  readonly #std: StdLogger;
  readonly #output: LogOutput;
  readonly #storm: LogStorm;
  #level: LogLevel;

  /**
   * Makes a logger; programs call {@linkcode createLogger}.
   *
   * @throws {Error} when the file cannot be opened.
   */
  constructor(options: LoggerOptions) {
    const { role, level = "INFO", format = "text" } = options;
    this.#level = level;
    this.#output = openOutput(options);
    const formatter = ({ msg, args, levelName, datetime }: StdRecord) =>
      logLine({
        ...(args[0] as LogFields | undefined),
        ...{ time: datetime, level: levelName, role, message: msg },
      }, format);
    const handler = new SinkHandler(this.#output, { formatter });
    this.#std = new StdLogger(`maple.${role}`, level, { handlers: [handler] });
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
    this.#storm.log("WARN", message, fields, this.warn);
  }

  /** Logs what went wrong. */
  error(message: string, fields?: LogFields): void {
    this.#storm.log("ERROR", message, fields, this.error);
  }

  /** Logs one line, whichever the level is. */
  tell(message: string, as: "INFO" | "WARN" = "INFO"): void {
    this.#std.level = NUMBERS.INFO;
    if (as === "WARN") this.#std.warn(message);
    else this.#std.info(message);
    this.#std.level = NUMBERS[this.#level];
  }

  /** Writes a line of another process as it is. */
  pass(line: string): void {
    this.#output.sink.push(line, this.#output.tellDropped);
  }

  /** Changes the level, and tells it where there is a reason to tell. */
  setLevel(level: LogLevel, why?: string): void {
    this.#level = level;
    this.#std.level = NUMBERS[level];
    if (why !== undefined) this.tell(`log level ${level} (${why})`);
  }

  /** Logs what was counted of a storm, and ends the timer that it has. */
  flush(): void {
    this.#storm.flush();
  }

  /** Opens the file again, under its name. */
  reopen(): void {
    this.#output.file?.reopen();
    this.#output.sink.wake();
  }

  /** Resolves when all is written that was logged. */
  writtenOut(): Promise<void> {
    return this.#output.sink.writtenOut();
  }

  /** Flushes, and closes the file when all is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.flush();
    await this.writtenOut();
    this.#output.file?.close();
  }
}

function openOutput(options: LoggerOptions): LogOutput {
  const { role, format = "text" } = options;
  const tellDropped = (count: number) =>
    logLine({
      ...{ time: new Date(), level: "WARN", role },
      message:
        `${count} log lines were dropped here: more came than were written`,
    }, format);
  if (options.file === undefined) {
    return { sink: stderrSink, file: undefined, tellDropped };
  }
  const file = new LogFile({
    path: options.file,
    maxBytes: options.fileMaxBytes ?? 10 * 1024 * 1024,
    maxCount: options.fileMaxCount ?? 5,
  });
  return { sink: new LogSink(file), file, tellDropped };
}

/**
 * Makes a logger. What cannot be written to the file later on goes to stderr.
 *
 * @throws {Error} with one line that names the file, when it cannot be opened.
 */
export function createLogger(options: LoggerOptions): RoleLogger {
  try {
    return new RoleLogger(options);
  } catch (cause) {
    throw new Error(
      `Cannot log to ${options.file}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/**
 * Logs what a logger that {@linkcode createLogger} has made has counted of a storm, and resolves
 * when all is written that was logged or printed so far, or after a second.
 */
export async function flushLog(logger: Logger): Promise<void> {
  if (logger instanceof RoleLogger) logger.flush();
  await writeOutLogs();
}

/**
 * Opens the log file again under its name, for those who rename it; no effect on a logger to stderr
 * or one that {@linkcode createLogger} has not made.
 */
export function reopenLog(logger: Logger): void {
  if (logger instanceof RoleLogger) logger.reopen();
}
