// A stand-in for the parts of @std/log that this project uses, for networks
// that do not reach JSR (see tools/deno.ts). Never published. What the members
// do is documented in the real package. A file has no mode but "a".

import { existsSync } from "node:fs";

export const LogLevels = {
  ...{ NOTSET: 0, DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40, CRITICAL: 50 },
} as const;
export type LevelName = keyof typeof LogLevels;

export interface LogRecord {
  readonly msg: string;
  readonly args: unknown[];
  readonly datetime: Date;
  readonly level: number;
  readonly levelName: string;
  readonly loggerName: string;
}

export interface BaseHandlerOptions {
  formatter?: (logRecord: LogRecord) => string;
}
export abstract class BaseHandler {
  level: number;
  formatter: (logRecord: LogRecord) => string;
  constructor(levelName: LevelName, options?: BaseHandlerOptions) {
    this.level = LogLevels[levelName];
    this.formatter = options?.formatter ?? ((r) => `${r.levelName} ${r.msg}`);
  }
  handle(logRecord: LogRecord): void {
    if (this.level <= logRecord.level) this.log(this.format(logRecord));
  }
  format(logRecord: LogRecord): string {
    return this.formatter(logRecord);
  }
  abstract log(msg: string): void;
  setup(): void {}
  destroy(): void {}
}

interface RotatingFileHandlerOptions extends BaseHandlerOptions {
  filename: string;
  mode?: "a";
  bufferSize?: number;
  maxBytes: number;
  maxBackupCount: number;
}
export class RotatingFileHandler extends BaseHandler {
  readonly #options: RotatingFileHandlerOptions;
  readonly #destroy = () => this.destroy();
  #file: Deno.FsFile | undefined;
  #bytes = 0;
  #pending = "";
  constructor(levelName: LevelName, options: RotatingFileHandlerOptions) {
    super(levelName, options);
    this.#options = options;
  }
  override setup(): void {
    const { filename, maxBytes, maxBackupCount } = this.#options;
    for (const [name, n] of Object.entries({ maxBytes, maxBackupCount })) {
      if (n < 1) throw new Error(`"${name}" must be >= 1: received ${n}`);
    }
    this.#file = Deno.openSync(filename, { create: true, append: true });
    this.#bytes = this.#file.statSync().size;
    addEventListener("unload", this.#destroy);
  }
  log(msg: string): void {
    const { maxBytes, bufferSize = 4096 } = this.#options;
    const bytes = new TextEncoder().encode(msg).length + 1;
    if (this.#bytes + bytes > maxBytes) this.rotateLogFiles();
    this.#bytes += bytes;
    this.#pending += msg + "\n";
    if (this.#pending.length > bufferSize) this.flush();
  }
  rotateLogFiles(): void {
    this.destroy();
    const { filename, maxBackupCount } = this.#options;
    for (let i = maxBackupCount; i > 0; i--) {
      const from = filename + (i > 1 ? `.${i - 1}` : "");
      if (existsSync(from)) Deno.renameSync(from, `${filename}.${i}`);
    }
    this.setup();
  }
  flush(): void {
    const bytes = new TextEncoder().encode(this.#pending);
    for (let at = 0; at < bytes.length && this.#file;) {
      at += this.#file.writeSync(bytes.subarray(at));
    }
    this.#pending = "";
  }
  override destroy(): void {
    this.flush();
    this.#file?.close();
    this.#file = undefined;
    removeEventListener("unload", this.#destroy);
  }
}

type LogMethod = <T>(msg: T | (() => T), ...args: unknown[]) => T | undefined;
export class Logger {
  level: number;
  readonly loggerName: string;
  handlers: BaseHandler[];
  readonly debug: LogMethod = this.#at("DEBUG");
  readonly info: LogMethod = this.#at("INFO");
  readonly warn: LogMethod = this.#at("WARN");
  readonly error: LogMethod = this.#at("ERROR");
  constructor(
    name: string,
    levelName: LevelName,
    options: { handlers?: BaseHandler[] } = {},
  ) {
    this.level = LogLevels[levelName];
    this.loggerName = name;
    this.handlers = options.handlers ?? [];
  }
  #at(levelName: LevelName): LogMethod {
    return (msg, ...args) => {
      const level = LogLevels[levelName];
      const isFunction = msg instanceof Function;
      if (this.level > level) return isFunction ? undefined : msg;
      const [data, datetime] = [isFunction ? msg() : msg, new Date()];
      const text = String(data instanceof Error ? data.stack : data);
      const record = { msg: text, args, datetime, level, levelName };
      for (const handler of this.handlers) {
        handler.handle({ ...record, loggerName: this.loggerName });
      }
      return data;
    };
  }
}
