// How a haven server is run: addresses, limits, times and processes.

import {
  ANY,
  checkChoice,
  checkNumber,
  checkNumbers,
  CMD,
  COUNT,
  DEFAULT_BIND_TIMEOUT,
  DEFAULT_KEEP_ALIVE,
  DEFAULT_PING,
  fitOpenFiles,
  IO_KINDS,
  type IoKind,
  type IpRange,
  KEEP_ALIVE,
  LOG_FORMATS,
  type LogFormat,
  type Logger,
  machineMemory,
  ON_UNHANDLED,
  type OnUnhandled,
  openFilesMax,
  parseIpRanges,
  parseOrigins,
  parsePath,
  PING,
  PORT,
  refuseRenamed,
  SECONDS,
  STOP_SIGNALS,
  type StopSignal,
} from "@maple/box/internal";
import type { Siblings } from "@maple/box/internal";
import { HavenError } from "./errors.ts";

/** What `listen` takes; every option has a default. */
export interface HavenListenOptions {
  /** Name or IP address to listen at. @default {"127.0.0.1"} */
  host?: string;
  /** Port for TCP clients; 0 = any free one. @default {7777} */
  port?: number;
  /** Port for WebSocket clients; 0 = any free one. @default none */
  websocketPort?: number;
  /**
   * Where the sockets come from: `deno` = Deno's own; `epoll` = the system's by FFI, faster and
   * smaller, on Linux only, with `--allow-ffi`; not in the threads of a `THaven`.
   * @default {"deno"}
   */
  io?: IoKind;
  /** The only path at which a WebSocket is opened; `"*"` is any. @default {"*"} */
  websocketPath?: string;
  /**
   * The origins of the web pages that may open a WebSocket, as in `https://example.org`, in an
   * array or with commas between them; `"*"` is any. A client that tells none is no browser, and
   * may come. @default {"*"}
   */
  websocketOrigins?: string | readonly string[];
  /**
   * Seconds between two pings of a WebSocket; one is closed that gives no sign of life over two of
   * them. 0 = no pings. @default {25}
   */
  websocketPing?: number;
  /**
   * The command of a box that clients send as a sign of life, and to get one: it is answered with
   * `ret` 0 and no body, without hooks and handlers. @default none
   */
  heartbeatCmd?: number;
  /**
   * Addresses and ranges (`10.0.0.0/8`) of proxies, in an array or with commas between them: each
   * connection from them must begin with a header of the PROXY protocol, version 1 or 2, and is
   * that of the client that it names. @default none
   */
  proxyProtocol?: string | readonly string[];
  /**
   * Seconds without a frame after which a client is closed, unless a request of it is being
   * handled; 0 = never. @default {0}
   */
  timeout?: number;
  /**
   * Seconds within which a client must have sent its first whole frame, unless it is logged in;
   * 0 = never. @default {0}
   */
  firstFrameTimeout?: number;
  /** Seconds within which a frame that has begun must be whole; 0 = never. @default {30} */
  frameTimeout?: number;
  /**
   * Seconds after which a client is closed that has taken none of the bytes that wait for it;
   * 0 = never. @default {30}
   */
  writeTimeout?: number;
  /**
   * Bytes of memory that unfinished frames, waiting requests and what is to be sent may take, of
   * all connections of a process or thread together; then whoever holds most is closed.
   * @default {a quarter of the memory, shared by the processes or threads}
   */
  memoryBytes?: number;
  /**
   * Seconds after which a client that has vanished without a word is found, also where nothing is
   * sent to it; 0 = the system's own time, two hours on Linux. Other systems than Linux, and a
   * program without `--allow-ffi`, have that in any case. @default {120}
   */
  keepAlive?: number;
  /**
   * Client connections; one more gets the place of one that is on its way out, or has waited
   * longest without ever sending a whole frame or being written to; where there is none it is
   * closed at once. @default {10000}
   */
  connsMax?: number;
  /** Bytes of a client's frame; a longer one closes the connection. @default {1048576} */
  frameBytes?: number;
  /**
   * Bytes that may wait to be sent to one client; a client that lets more pile up is closed. Four
   * times as much may wait while it takes it, or is sent in one go. @default {4194304}
   */
  outboxBytes?: number;
  /**
   * Seconds within which a client whose connection is closed must have read what was sent to it
   * before; then it is cut. @default {30}
   */
  linger?: number;
  /**
   * Requests of one client that wait behind the one that is handled; with more the client is not
   * read from until half of them are done. @default {128}
   */
  connQueueMax?: number;
  /** Seconds that `close` waits for the requests that are being handled. @default {10} */
  stopTimeout?: number;
  /**
   * Seconds to wait for an address that another program still has, such as a server that is just
   * leaving; 0 = not at all. @default {10}
   */
  bindTimeout?: number;
  /** Closes the server when it is aborted. */
  signal?: AbortSignal;
}

/** What `run` takes; every option has a default. */
export interface HavenRunOptions extends HavenListenOptions {
  /**
   * Of a `GHaven` the processes, of a `THaven` the threads that share the port; 0 = serve in this
   * process, for tests and debuggers. A `Haven` has none and takes only 0 or 1. @default {1}
   */
  workers?: number;
  /**
   * Seconds that the event loop of a `GHaven`'s process or a `THaven`'s thread may stand still, as
   * in a handler that computes, until it is killed, its clients with it, and replaced; 0 = any.
   * @default {15}
   */
  workTimeout?: number;
  /**
   * A further signal that stops safely, as TERM does: for supervisor files of the original's time
   * that send USR1. @default none
   */
  stopSignal?: "SIGUSR1" | "SIGUSR2" | "SIGINT" | "SIGQUIT";
  /** Log more. @default {false} */
  debug?: boolean;
  /**
   * How the log is written: `json` is one object a line. A `logger` of yours writes as it likes.
   * @default {"text"}
   */
  logFormat?: LogFormat;
  /**
   * What becomes of a process or thread in which a promise is rejected that nobody awaits, or
   * something is thrown outside of any handler: `log` = it is logged as ERROR and counted, and all
   * goes on; `exit` = it is logged and ends. Before the start is over it ends in any case.
   * @default {"log"}
   */
  onUnhandled?: OnUnhandled;
}

/** The ports of a server, and whether others listen on them too. */
export interface Ports {
  /** For TCP clients. */
  readonly port: number;
  /** For WebSocket clients. */
  readonly websocketPort: number | undefined;
}

/** The options of `listen` with their defaults filled in. */
export interface ResolvedListen extends Ports {
  /** See {@linkcode HavenListenOptions}. */
  readonly host: string;
  /** Whether others listen on the ports too. */
  readonly reusePort: boolean;
  /** See {@linkcode HavenListenOptions}. */
  readonly io: IoKind;
  /** How many servers share the open files of this process. */
  readonly threads: number;
  /** These others. */
  readonly siblings: Siblings | undefined;
  /** See {@linkcode HavenListenOptions}; undefined = any. */
  readonly websocketPath: string | undefined;
  /** See {@linkcode HavenListenOptions}; undefined = any. */
  readonly websocketOrigins: readonly string[] | undefined;
  /** Where proxies are. */
  readonly proxyProtocol: readonly IpRange[];
  /** Seconds. */
  readonly websocketPing: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly heartbeatCmd: number | undefined;
  /** Seconds. */
  readonly timeout: number;
  /** Seconds. */
  readonly firstFrameTimeout: number;
  /** Seconds. */
  readonly frameTimeout: number;
  /** Seconds. */
  readonly writeTimeout: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly memoryBytes: number;
  /** Seconds. */
  readonly keepAlive: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly connsMax: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly frameBytes: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly outboxBytes: number;
  /** Seconds. */
  readonly linger: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly connQueueMax: number;
  /** Milliseconds. */
  readonly stopTimeoutMs: number;
  /** Seconds. */
  readonly bindTimeout: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly signal: AbortSignal | undefined;
}

/** The options of `run` with their defaults filled in. */
export interface ResolvedRun extends ResolvedListen {
  /** See {@linkcode HavenRunOptions}. */
  readonly workers: number;
  /** Milliseconds. */
  readonly workTimeoutMs: number;
  /** See {@linkcode HavenRunOptions}. */
  readonly stopSignal: StopSignal | undefined;
  /** See {@linkcode HavenRunOptions}. */
  readonly debug: boolean;
  /** See {@linkcode HavenRunOptions}. */
  readonly logFormat: LogFormat;
  /** See {@linkcode HavenRunOptions}. */
  readonly onUnhandled: OnUnhandled;
}

const RANGES = {
  port: PORT,
  websocketPing: PING,
  timeout: SECONDS,
  firstFrameTimeout: SECONDS,
  frameTimeout: SECONDS,
  writeTimeout: SECONDS,
  memoryBytes: { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true },
  keepAlive: KEEP_ALIVE,
  connsMax: COUNT,
  frameBytes: COUNT,
  outboxBytes: COUNT,
  linger: SECONDS,
  connQueueMax: COUNT,
  stopTimeout: SECONDS,
  bindTimeout: SECONDS,
  workers: { min: 0, max: 1024, whole: true },
  workTimeout: SECONDS,
};

// The names of before, and those of now.
const RENAMED = {
  frameMax: "frameBytes",
  outboxMax: "outboxBytes",
  memoryMax: "memoryBytes",
};

/**
 * Fills in the defaults and checks every value.
 *
 * @throws {HavenError} `option`, naming the option, its range and the value received.
 */
export function resolveRun(options: HavenRunOptions): ResolvedRun {
  refuseRenamed(options, RENAMED, fail);
  const {
    host = "127.0.0.1",
    port = 7777,
    websocketPort,
    io = "deno",
    websocketPath = ANY,
    websocketOrigins = ANY,
    proxyProtocol = [],
    websocketPing = DEFAULT_PING,
    heartbeatCmd,
    timeout = 0,
    firstFrameTimeout = 0,
    frameTimeout = 30,
    writeTimeout = 30,
    keepAlive = DEFAULT_KEEP_ALIVE,
    connsMax = 10_000,
    frameBytes = 1024 * 1024,
    outboxBytes = 4 * 1024 * 1024,
    linger = 30,
    connQueueMax = 128,
    stopTimeout = 10,
    bindTimeout = DEFAULT_BIND_TIMEOUT,
    workers = 1,
    memoryBytes = Math.floor(machineMemory() / 4 / Math.max(workers, 1)),
    workTimeout = 15,
    stopSignal,
    debug = false,
    logFormat = "text",
    onUnhandled = "log",
    signal,
  } = options;
  checkNumbers(
    {
      port,
      websocketPing,
      timeout,
      firstFrameTimeout,
      frameTimeout,
      writeTimeout,
      memoryBytes,
      keepAlive,
      connsMax,
      frameBytes,
      outboxBytes,
      linger,
      connQueueMax,
      stopTimeout,
      bindTimeout,
      workers,
      workTimeout,
    },
    RANGES,
    fail,
  );
  if (websocketPort !== undefined) {
    checkNumber("Option websocketPort", websocketPort, PORT, fail);
  }
  if (heartbeatCmd !== undefined) {
    checkNumber("Option heartbeatCmd", heartbeatCmd, CMD, fail);
  }
  if (stopSignal !== undefined) {
    checkChoice("stopSignal", stopSignal, STOP_SIGNALS, fail);
  }
  checkChoice("io", io, IO_KINDS, fail);
  checkChoice("logFormat", logFormat, LOG_FORMATS, fail);
  checkChoice("onUnhandled", onUnhandled, ON_UNHANDLED, fail);
  if (port !== 0 && port === websocketPort) {
    throw new HavenError(
      "option",
      `Options port and websocketPort must differ, got ${port} for both`,
    );
  }
  return {
    host,
    port,
    websocketPort,
    websocketPath: parsePath("Option websocketPath", websocketPath, fail),
    websocketOrigins: parseOrigins(
      "Option websocketOrigins",
      websocketOrigins,
      fail,
    ),
    proxyProtocol: parseIpRanges("Option proxyProtocol", proxyProtocol, fail),
    websocketPing,
    heartbeatCmd,
    reusePort: false,
    io,
    threads: 1,
    siblings: undefined,
    timeout,
    firstFrameTimeout,
    frameTimeout,
    writeTimeout,
    memoryBytes,
    keepAlive,
    connsMax,
    frameBytes,
    outboxBytes,
    linger,
    connQueueMax,
    stopTimeoutMs: stopTimeout * 1000,
    bindTimeout,
    workers,
    workTimeoutMs: workTimeout * 1000,
    stopSignal,
    debug,
    logFormat,
    onUnhandled,
    signal,
  };
}

/** The options with as many connections as there may be open files; logs it when they are fewer. */
export function fitConns(
  options: ResolvedListen,
  logger: Logger,
): ResolvedListen {
  const filesMax = openFilesMax();
  if (filesMax === undefined) return options;
  const { connsMax } = fitOpenFiles({
    connsMax: options.connsMax * options.threads,
    innerConnsMax: 0,
  }, filesMax);
  const share = Math.ceil(connsMax / options.threads);
  if (share >= options.connsMax) return options;
  logger.warn(
    `the system lets this process open ${filesMax} files: connsMax is ${share} instead of ${options.connsMax}; raise it with ulimit -n or LimitNOFILE`,
  );
  return { ...options, connsMax: share };
}

/** The options of `run` from the arguments of any of its forms. */
export function runOptions(
  first: string | HavenRunOptions,
  second: number | HavenRunOptions | undefined,
  third: HavenRunOptions,
): HavenRunOptions {
  if (typeof first !== "string") return first;
  if (typeof second === "object") return { ...second, host: first };
  return second === undefined
    ? { ...third, host: first }
    : { ...third, host: first, port: second };
}

function fail(message: string): HavenError {
  return new HavenError("option", message);
}
