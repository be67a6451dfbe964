// What the program can be told, on the command line and in a file: one table for both.

import {
  type CommandLine,
  type Flag,
  flagValue,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  parseStatusAddress,
  UsageError,
} from "@maple/box/internal";
import { DEFAULTS, type GatewayOptions, ORDERS, RANGES } from "./options.ts";

/** What the program can be told. */
export interface Settings {
  /** The options of the gateway. */
  readonly gateway: GatewayOptions;
  /** The least level that is logged. */
  readonly logLevel: LogLevel;
  /** How the log is written. */
  readonly logFormat: LogFormat;
  /** Where to log instead of stderr. */
  readonly logFile: string | undefined;
  /** Bytes after which the log file is put aside. */
  readonly logFileMaxBytes: number;
  /** How many log files are kept aside. */
  readonly logFileMaxCount: number;
  /** Where to write a report once a second. */
  readonly statFile: string | undefined;
  /** Where to serve metrics and the dashboard. */
  readonly metrics: string | undefined;
  /** Names in the file that mean nothing to this program. */
  readonly ignored: readonly string[];
}

interface Setting {
  /** The name in JSON, and on the command line in kebab-case. */
  readonly name: string;
  /** The name in the ini file of the original, `section.key`. */
  readonly ini?: string;
  readonly flag: Flag;
}

const MIB = 1024 * 1024;

function number(
  name: keyof typeof RANGES,
  help: string,
  { ini, value = "N" }: { ini?: string; value?: string } = {},
): Setting {
  const { min, max, whole } = RANGES[name];
  const flag: Flag = {
    name: kebab(name),
    type: whole ? "integer" : "number",
    help: `${help} (${DEFAULTS[name]})`,
    min,
    max,
    value,
  };
  return { name, flag, ...(ini ? { ini } : {}) };
}

function text(
  name: string,
  help: string,
  more: { ini?: string; choices?: readonly string[]; value?: string } = {},
): Setting {
  const { ini, ...rest } = more;
  const flag: Flag = { name: kebab(name), type: "string", help, ...rest };
  return { name, flag, ...(ini ? { ini } : {}) };
}

const SETTINGS: readonly Setting[] = [
  text("outerHost", "where clients connect (0.0.0.0)", {
    ini: "outer.host",
    value: "HOST",
  }),
  number("outerPort", "port for clients, 0 = any free one", {
    ini: "outer.port",
    value: "PORT",
  }),
  text("innerHost", "where workers and triggers connect (127.0.0.1)", {
    ini: "inner.host",
    value: "HOST",
  }),
  number("innerPort", "port for workers and triggers, 0 = any free one", {
    ini: "inner.port",
    value: "PORT",
  }),
  text(
    "order",
    "client = each client's frames one at a time, none = any (client)",
    {
      choices: ORDERS,
      value: "ORDER",
    },
  ),
  number("backlog", "clients that have connected and are not let in yet", {
    ini: "outer.backlog",
  }),
  number("connsMax", "client connections; more are closed at once", {
    ini: "outer.conns_maxsize",
  }),
  number(
    "connTimeout",
    "seconds without a frame that close a client, 0 = never",
    {
      ini: "outer.conn_timeout",
      value: "S",
    },
  ),
  number("frameMax", "bytes of a client's frame; more close it", {
    ini: "outer.recv_buf_max_size",
    value: "BYTES",
  }),
  number("clientQueueMax", "a client's unfinished frames; then it is not read"),
  number("queueMax", "waiting tasks; then nobody is read"),
  number("queueBytes", "bytes of waiting tasks; then nobody is read", {
    value: "BYTES",
  }),
  number("outboxMax", "unread bytes for one client; more close it", {
    value: "BYTES",
  }),
  number("innerFrameMax", "bytes of a worker's frame; more close it", {
    ini: "inner.recv_buf_max_size",
    value: "BYTES",
  }),
  number("innerConnsMax", "worker and trigger connections; more are closed", {
    ini: "inner.conns_maxsize",
  }),
  number("creditsMax", "tasks that one worker connection may ask for"),
  number("maxDeliveries", "tries for a task whose workers are lost"),
  number(
    "originalMaxDeliveries",
    "the same for original workers (as max-deliveries)",
  ),
  number("parkTime", "seconds that a request waits for a worker, 0 = any", {
    value: "S",
  }),
  number(
    "workerTimeout",
    "seconds without a sign of life of a worker, 0 = any",
    {
      value: "S",
    },
  ),
  number(
    "originalWorkerTimeout",
    "seconds of silence of an original worker with a task, 0 = any",
    {
      value: "S",
    },
  ),
  number("drainTimeout", "seconds that TERM waits for what is queued", {
    value: "S",
  }),
  number("nodeId", "the number of this gateway in every task"),
  text("logLevel", "DEBUG, INFO, WARN or ERROR (INFO)", {
    ini: "log.log_level",
    choices: LOG_LEVELS,
    value: "LEVEL",
  }),
  text("logFormat", "text, or json: one object a line (text)", {
    choices: LOG_FORMATS,
    value: "FORMAT",
  }),
  text("logFile", "log to this file, not to stderr", { value: "FILE" }),
  {
    name: "logFileMaxBytes",
    ini: "log.file_max_size",
    flag: {
      name: "log-file-max-bytes",
      type: "integer",
      help: `size at which the log file is put aside (${10 * MIB})`,
      min: 1,
      value: "BYTES",
    },
  },
  {
    name: "logFileMaxCount",
    ini: "log.file_max_num",
    flag: {
      name: "log-file-max-count",
      type: "integer",
      help: "log files that are kept aside (5)",
      min: 1,
    },
  },
  text("statFile", "write a report here once a second, for maple-stat", {
    ini: "stat.file_name",
    value: "FILE",
  }),
  text("metrics", "serve metrics and the dashboard here (off)", {
    value: "[HOST:]PORT",
  }),
];

// What is not for the gateway but for the program around it.
const PROGRAM_SETTINGS = [
  "logLevel",
  "logFormat",
  "logFile",
  "logFileMaxBytes",
  "logFileMaxCount",
  "statFile",
  "metrics",
];

/** The flags of the program, for parsing and for its usage text. */
export const FLAGS: readonly Flag[] = [
  ...SETTINGS.map((setting) => setting.flag),
  {
    name: "config",
    type: "string",
    value: "FILE",
    help: "read settings from JSON or ini; flags beat it",
  },
  { name: "help", type: "boolean", help: "print this and exit" },
  { name: "version", type: "boolean", help: "print the version and exit" },
];

type Values = Map<string, string | number | boolean>;

/**
 * The settings from a command line and the text of the file that it names.
 *
 * @param fileText The content of the `--config` file.
 * @throws {UsageError} when the file cannot be understood or a value does not fit.
 */
export function readSettings(
  commandLine: CommandLine,
  fileText?: string,
): Settings {
  const ignored: string[] = [];
  const values: Values = fileText === undefined
    ? new Map()
    : fileText.trimStart().startsWith("{")
    ? fromJson(fileText)
    : fromIni(fileText, ignored);
  for (const { name, flag } of SETTINGS) {
    const value = commandLine.flags.get(flag.name);
    if (value !== undefined) values.set(name, value);
  }
  const gateway = Object.fromEntries(
    [...values].filter(([name]) => !PROGRAM_SETTINGS.includes(name)),
  );
  return {
    gateway,
    logLevel: (values.get("logLevel") ?? "INFO") as LogLevel,
    logFormat: (values.get("logFormat") ?? "text") as LogFormat,
    logFile: values.get("logFile") as string | undefined,
    logFileMaxBytes: (values.get("logFileMaxBytes") ?? 10 * MIB) as number,
    logFileMaxCount: (values.get("logFileMaxCount") ?? 5) as number,
    statFile: values.get("statFile") as string | undefined,
    metrics: checkAddress(values.get("metrics") as string | undefined),
    ignored,
  };
}

function fromJson(fileText: string): Values {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(fileText);
  } catch (error) {
    throw new UsageError(
      `The config file is no JSON: ${(error as Error).message}`,
    );
  }
  const values: Values = new Map();
  for (const [name, value] of Object.entries(parsed)) {
    const setting = SETTINGS.find((setting) => setting.name === name);
    if (!setting) {
      throw new UsageError(
        `The config file has the unknown name "${name}"; known are ${
          SETTINGS.map((setting) => setting.name).join(", ")
        }`,
      );
    }
    values.set(
      name,
      flagValue(setting.flag, `"${name}" in the config file`, String(value)),
    );
  }
  return values;
}

// The ini file of the original system. What it can say and this program has no use for is told, not
// refused.
function fromIni(fileText: string, ignored: string[]): Values {
  const values: Values = new Map();
  const keys = new Map<string, string>();
  let section = "";
  for (const [i, raw] of fileText.split(/\r?\n/).entries()) {
    const line = raw.replace(/\s[;#].*$/, "").trim();
    if (line === "" || line.startsWith(";") || line.startsWith("#")) continue;
    const header = /^\[([^\]]+)\]$/.exec(line);
    if (header) {
      section = header[1]!.trim();
      continue;
    }
    const pair = /^([^=]+?)\s*=\s*(.*)$/.exec(line);
    if (!pair) {
      throw new UsageError(
        `The config file is neither JSON nor ini: line ${
          i + 1
        } is neither [section] nor key = value`,
      );
    }
    keys.set(`${section}.${pair[1]}`, pair[2]!);
  }
  for (const [key, value] of keys) {
    const setting = SETTINGS.find((setting) => setting.ini === key);
    if (setting) {
      values.set(
        setting.name,
        flagValue(
          setting.flag,
          `${key} in the config file`,
          setting.name === "logLevel" ? value.toUpperCase() : value,
        ),
      );
    } else if (key !== "log.log_dir" && key !== "log.file_prefix") {
      ignored.push(key);
    }
  }
  const directory = keys.get("log.log_dir");
  const prefix = keys.get("log.file_prefix");
  if (directory !== undefined || prefix !== undefined) {
    values.set(
      "logFile",
      `${(directory ?? ".").replace(/\/$/, "")}/${prefix ?? "gateway"}.log`,
    );
  }
  return values;
}

function checkAddress(address: string | undefined): string | undefined {
  try {
    if (address !== undefined) parseStatusAddress(address);
  } catch (error) {
    throw new UsageError(`Setting metrics: ${(error as Error).message}`);
  }
  return address;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
