// A stand-in for the parts of @std/log that this project uses, for networks
// that do not reach JSR (see tools/deno.ts). Never published. What the members
// do is documented in the real package.

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
