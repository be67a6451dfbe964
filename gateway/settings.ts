// What the program can be told, on the command line and in a file: one table for both.

import {
  ABOUT_FLAGS,
  CMD,
  type CommandLine,
  type Flag,
  IO_KINDS,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  MAX_TIMER_SECONDS,
  parseIpRanges,
  parseOrigins,
  parsePath,
  parseStatusAddress,
  PORT,
  UsageError,
} from "@maple/box/internal";
import {
  type ConfigFile,
  type FileContent,
  parseConfigFile,
  type Setting,
} from "./config_file.ts";
import {
  certificatesOf,
  DEFAULTS,
  type GatewayOptions,
  GONE_REQUESTS,
  ORDERS,
  RANGES,
  RENAMED,
  resolveOptions,
} from "./options.ts";

/** What is not for the gateway but for the program around it. */
export interface ProgramSettings {
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
  /** Further names by which these may be asked for, with commas between. */
  readonly metricsHosts: string;
}

/** What the program can be told. */
export interface Settings extends ProgramSettings {
  /** The options of the gateway that were given. */
  readonly gateway: GatewayOptions;
  /** What its owner should know of how the file was understood, each in one line. */
  readonly remarks: readonly string[];
}

const PROGRAM_DEFAULTS: ProgramSettings = {
  logLevel: "INFO",
  logFormat: "text",
  logFile: undefined,
  logFileMaxBytes: 10 * 1024 * 1024,
  logFileMaxCount: 5,
  statFile: undefined,
  metrics: undefined,
  metricsHosts: "",
};

// Each time that a file is put aside all of them are renamed.
const LOG_FILES_MAX = 1000;

type Name = keyof typeof DEFAULTS | keyof ProgramSettings;

// A limit, unless `noLimit` is undefined: -1 stands for the largest number, and where it is seconds
// for 0, which means never.
function number(
  name: keyof typeof RANGES,
  help: string,
  more: { ini?: string; value?: string; noLimit?: number | undefined } = {},
): Setting {
  const range = RANGES[name];
  const { ini, value = "N" } = more;
  const unlimited = "noLimit" in more
    ? more.noLimit
    : value === "S"
    ? 0
    : range.max;
  const before = Object.keys(RENAMED).find((key) => RENAMED[key] === name);
  const flag: Flag = {
    name: kebab(name),
    type: range.whole ? "integer" : "number",
    help: withDefault(name, help),
    min: range.min,
    max: range.max,
    value,
    ...(unlimited === undefined ? {} : { unlimited }),
    ...(before === undefined ? {} : { formerly: kebab(before) }),
  };
  return { name, flag, ...(ini ? { ini } : {}) };
}

// A port that is not listened at unless it is given.
function optionalPort(name: Name, help: string): Setting {
  const { min, max } = PORT;
  const flag: Flag = {
    name: kebab(name),
    type: "integer",
    help,
    min,
    max,
    value: "PORT",
  };
  return { name, flag };
}

function text(
  name: Name,
  help: string,
  more: {
    ini?: string;
    choices?: readonly string[];
    value?: string;
    check?: Setting["check"];
  } = {},
): Setting {
  const { ini, check, ...rest } = more;
  const flag: Flag = {
    name: kebab(name),
    type: "string",
    help: withDefault(name, help),
    ...rest,
  };
  return { name, flag, ...(ini ? { ini } : {}), ...(check ? { check } : {}) };
}

function withDefault(name: Name, help: string): string {
  const value = { ...DEFAULTS, ...PROGRAM_DEFAULTS }[name];
  if (value === undefined) return help;
  return `${help} (${value === "" ? "none" : value})`;
}

const SETTINGS: readonly Setting[] = [
  text("outerHost", "where clients connect", {
    ini: "outer.host",
    value: "HOST",
  }),
  number("outerPort", "port for clients, 0 = any free one", {
    ini: "outer.port",
    value: "PORT",
    noLimit: undefined,
  }),
  text("io", "deno, or epoll: the system's sockets, Linux, --allow-ffi", {
    choices: IO_KINDS,
    value: "IO",
  }),
  optionalPort("wsPort", "port for WebSocket clients, 0 = any free one (off)"),
  text("wsPath", "the only path of WebSockets, * = any", {
    value: "PATH",
    check: (source, path) => void parsePath(source, path, usage),
  }),
  text("wsOrigins", "origins of pages that may open WebSockets, * = any", {
    value: "URL,URL",
    check: (source, origins) => void parseOrigins(source, origins, usage),
  }),
  number("wsPing", "seconds between pings of a WebSocket, 0 = none", {
    value: "S",
  }),
  {
    name: "heartbeatCmd",
    flag: {
      name: "heartbeat-cmd",
      type: "integer",
      help: "cmd of the clients' boxes that are answered here (off)",
      min: CMD.min,
      max: CMD.max,
      value: "CMD",
    },
  },
  optionalPort("tlsPort", "port for clients over TLS, 0 = any free one (off)"),
  optionalPort("wssPort", "port for WebSockets over TLS, 0 = any (off)"),
  text("tlsCert", "certificates in PEM; several: by the name asked for", {
    value: "FILE,FILE",
  }),
  text("tlsKey", "their private keys, in the same order", {
    value: "FILE,FILE",
  }),
  text("proxyProtocol", "proxies, which name the client in a PROXY header", {
    value: "CIDR,CIDR",
    check: (source, ranges) => void parseIpRanges(source, ranges, usage),
  }),
  text("innerHost", "where workers and triggers connect", {
    ini: "inner.host",
    value: "HOST",
  }),
  number("innerPort", "port for workers and triggers, 0 = any free one", {
    ini: "inner.port",
    value: "PORT",
    noLimit: undefined,
  }),
  text(
    "order",
    "client = each client's frames one at a time, none = any",
    {
      choices: ORDERS,
      value: "ORDER",
    },
  ),
  number("backlog", "clients that have connected and are not let in yet", {
    ini: "outer.backlog",
  }),
  number("connsMax", "client connections; then silent ones make room", {
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
  number(
    "firstFrameTimeout",
    "seconds to a client's first frame, 0 = any",
    { value: "S" },
  ),
  number("frameTimeout", "seconds from a frame's beginning to its end", {
    value: "S",
  }),
  number("writeTimeout", "seconds in which a client takes no byte", {
    value: "S",
  }),
  number("memoryBytes", "bytes of all buffers; then the largest is closed", {
    value: "BYTES",
  }),
  number("keepAlive", "seconds until a vanished peer is found, 0 = 2 hours", {
    value: "S",
  }),
  number("frameBytes", "bytes of a client's frame; more close it", {
    ini: "outer.recv_buf_max_size",
    value: "BYTES",
  }),
  number("clientQueueMax", "a client's unfinished frames; then it is not read"),
  number("queueMax", "waiting tasks; each client may have its share"),
  number("queueBytes", "bytes of waiting tasks; as queue-max", {
    value: "BYTES",
  }),
  number("newsMax", "news of clients that wait; then nobody is let in"),
  text(
    "goneRequests",
    "yield, run or drop: requests of gone clients (yield)",
    {
      choices: GONE_REQUESTS,
      value: "WHAT",
    },
  ),
  number("outboxBytes", "unread bytes for one client; more close it", {
    value: "BYTES",
  }),
  number("linger", "seconds that a closed client may take to read the rest", {
    value: "S",
  }),
  number("innerFrameBytes", "bytes of a worker's frame; more close it", {
    ini: "inner.recv_buf_max_size",
    value: "BYTES",
  }),
  number("innerConnsMax", "worker and trigger connections; more are closed", {
    ini: "inner.conns_maxsize",
  }),
  number("innerReserve", "of these, how many only workers can have", {
    noLimit: undefined,
  }),
  number("creditsMax", "tasks that one worker connection may ask for"),
  number("chainMax", "a client's frames in a row while others wait, 1 = one"),
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
    noLimit: MAX_TIMER_SECONDS,
  }),
  number("bindTimeout", "seconds to wait for a port that is still in use", {
    value: "S",
    noLimit: MAX_TIMER_SECONDS,
  }),
  number("nodeId", "the number of this gateway in every task", {
    noLimit: undefined,
  }),
  text("logLevel", "DEBUG, INFO, WARN or ERROR", {
    ini: "log.log_level",
    choices: LOG_LEVELS,
    value: "LEVEL",
  }),
  text("logFormat", "text, or json: one object a line", {
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
      help: withDefault(
        "logFileMaxBytes",
        "size at which the log file is put aside",
      ),
      min: 1,
      unlimited: Number.MAX_SAFE_INTEGER,
      value: "BYTES",
    },
  },
  {
    name: "logFileMaxCount",
    ini: "log.file_max_num",
    flag: {
      name: "log-file-max-count",
      type: "integer",
      help: withDefault("logFileMaxCount", "log files that are kept aside"),
      min: 1,
      max: LOG_FILES_MAX,
      unlimited: LOG_FILES_MAX,
    },
  },
  text("statFile", "write a report here once a second, for maple-stat", {
    ini: "stat.file_name",
    value: "FILE",
  }),
  text("metrics", "serve metrics and the dashboard here (off)", {
    value: "[HOST:]PORT",
    check: checkMetrics,
  }),
  text("metricsHosts", "further host names by which these may be asked for", {
    value: "NAME,NAME",
  }),
];

/** The flags of the program, for parsing and for its usage text. */
export const FLAGS: readonly Flag[] = [
  ...SETTINGS.map((setting) => setting.flag),
  {
    name: "config",
    short: "c",
    type: "string",
    value: "FILE",
    help: "read settings from JSON or ini; flags beat it",
  },
  ...ABOUT_FLAGS,
];

const NOTHING: FileContent = { values: new Map(), remarks: [] };

/**
 * The settings from a command line and the file that it names.
 *
 * @throws {UsageError} when the file cannot be understood or a value does not fit.
 */
export function readSettings(
  commandLine: CommandLine,
  file?: ConfigFile,
): Settings {
  const { values, remarks } = file ? parseConfigFile(file, SETTINGS) : NOTHING;
  const given = new Map(values);
  for (const setting of SETTINGS) {
    const { name } = setting.flag;
    const value = commandLine.flags.get(name);
    if (value === undefined) continue;
    setting.check?.(`--${name}`, String(value));
    given.set(setting.name, value);
  }
  const isProgram = (name: string) => name in PROGRAM_DEFAULTS;
  const entries = [...given];
  const program = entries.filter(([name]) => isProgram(name));
  const gateway: GatewayOptions = Object.fromEntries(
    entries.filter(([name]) => !isProgram(name)),
  );
  checkTogether(gateway, file);
  return {
    ...PROGRAM_DEFAULTS,
    ...Object.fromEntries(program),
    gateway,
    remarks,
  };
}

/**
 * Makes sure that the files can be used that the settings name.
 *
 * @throws {UsageError} with one line, when one cannot.
 */
export function checkFiles({ gateway }: Settings): void {
  try {
    certificatesOf(resolveOptions(gateway));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

// What each is allowed alone may not fit together.
function checkTogether(options: GatewayOptions, file?: ConfigFile): void {
  try {
    resolveOptions(options);
  } catch (error) {
    const where = file ? ` (config file "${file.path}")` : "";
    throw new UsageError(`${(error as Error).message}${where}`);
  }
}

/** What one setting was and is now, as text. */
export interface Change {
  /** Its name, as in JSON. */
  readonly name: string;
  /** Before. */
  readonly from: string;
  /** Now. */
  readonly to: string;
}

/** The settings that differ. */
export function changesOf(before: Settings, now: Settings): Change[] {
  const [from, to] = [before, now].map(({ gateway, remarks: _, ...program }) =>
    ({ ...DEFAULTS, ...gateway, ...program }) as Record<string, unknown>
  );
  return SETTINGS.map(({ name }) => name)
    .filter((name) => from![name] !== to![name])
    .map((name) => ({ name, from: `${from![name]}`, to: `${to![name]}` }));
}

function usage(message: string): UsageError {
  return new UsageError(message);
}

function checkMetrics(source: string, address: string): void {
  try {
    parseStatusAddress(address);
  } catch (error) {
    throw new UsageError(`${source}: ${(error as Error).message}`);
  }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
