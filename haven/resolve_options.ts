// Fills in the defaults of a haven server's options and checks them.

import {
  ANY,
  BYTES,
  checkChoice,
  checkNumbers,
  CMD,
  COUNT,
  DEFAULT_BIND_TIMEOUT,
  DEFAULT_KEEP_ALIVE,
  DEFAULT_PING,
  GROUPS_PER_CLIENT,
  IO_KINDS,
  type IoKind,
  type IpRange,
  KEEP_ALIVE,
  type LimitOptions,
  LOG_FORMATS,
  type LogFormat,
  machineMemory,
  MAX_TIMER_SECONDS,
  ON_UNHANDLED,
  type OnUnhandled,
  parseIpRanges,
  parseOrigins,
  parsePath,
  PING,
  PORT,
  RATE,
  RATE_ACTIONS,
  refuseRenamed,
  SECONDS,
  type Siblings,
  STOP_SIGNALS,
  type StopSignal,
} from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import type { HandoverPlace } from "./handover/place.ts";
import type { HavenRunOptions } from "./options.ts";

/** The ports of a server, and whether others listen on them too. */
export interface Ports {
  /** For TCP clients. */
  readonly port: number;
  /** For WebSocket clients. */
  readonly websocketPort: number | undefined;
}

/** The options of `listen` with their defaults filled in. */
export interface ResolvedListen extends Ports, LimitOptions {
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
  /** The place that it has, or is to have; undefined where nothing is handed over. */
  readonly handover: HandoverPlace | undefined;
  /** Milliseconds that all may stand still at a handover. */
  readonly handoverTimeoutMs: number;
  /** See {@linkcode HavenListenOptions}; undefined = any. */
  readonly websocketPath: string | undefined;
  /** See {@linkcode HavenListenOptions}; undefined = any. */
  readonly websocketOrigins: readonly string[] | undefined;
  /** Where proxies are. */
  readonly proxyProtocol: readonly IpRange[];
  /** Who may not connect. */
  readonly deny: readonly IpRange[];
  /** Seconds. */
  readonly websocketPing: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly heartbeatCmd: number | undefined;
  /** See {@linkcode HavenListenOptions}. */
  readonly moveCmd: number | undefined;
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
  readonly frameBytes: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly outboxBytes: number;
  /** Seconds. */
  readonly linger: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly connQueueMax: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly groupsPerClient: number;
  /** See {@linkcode HavenListenOptions}. */
  readonly groupsMax: number;
  /** Milliseconds. */
  readonly stopTimeoutMs: number;
  /** Seconds. */
  readonly lameDuck: number;
  /** Seconds. */
  readonly moveTimeout: number;
  /** Milliseconds that leaving takes at most, all that it waits for together. */
  readonly leaveTimeoutMs: number;
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
  /** Milliseconds. */
  readonly reloadTimeoutMs: number;
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
  websocketPort: PORT,
  websocketPing: PING,
  heartbeatCmd: CMD,
  moveCmd: CMD,
  timeout: SECONDS,
  firstFrameTimeout: SECONDS,
  frameTimeout: SECONDS,
  writeTimeout: SECONDS,
  memoryBytes: BYTES,
  keepAlive: KEEP_ALIVE,
  connsMax: COUNT,
  connsPerAddress: { min: 0, max: COUNT.max, whole: true },
  connectRate: RATE,
  clientRate: RATE,
  clientBytesRate: RATE,
  frameBytes: COUNT,
  outboxBytes: COUNT,
  linger: SECONDS,
  connQueueMax: COUNT,
  groupsPerClient: GROUPS_PER_CLIENT,
  groupsMax: COUNT,
  stopTimeout: SECONDS,
  lameDuck: SECONDS,
  moveTimeout: SECONDS,
  bindTimeout: SECONDS,
  workers: { min: 0, max: 1024, whole: true },
  workTimeout: SECONDS,
  reloadTimeout: { min: 0.1, max: MAX_TIMER_SECONDS, whole: false },
  handoverTimeout: { min: 0.1, max: MAX_TIMER_SECONDS, whole: false },
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
    deny = [],
    websocketPing = DEFAULT_PING,
    heartbeatCmd,
    moveCmd,
    timeout = 0,
    firstFrameTimeout = 0,
    frameTimeout = 30,
    writeTimeout = 30,
    keepAlive = DEFAULT_KEEP_ALIVE,
    connsMax = 10_000,
    connsPerAddress,
    connectRate,
    clientRate = 0,
    clientBytesRate = 0,
    rateAction = "slow",
    frameBytes = 1024 * 1024,
    outboxBytes = 4 * 1024 * 1024,
    linger = 30,
    connQueueMax = 128,
    groupsPerClient = 100,
    groupsMax = 1_000_000,
    stopTimeout = 10,
    lameDuck = 0,
    moveTimeout = 10,
    bindTimeout = DEFAULT_BIND_TIMEOUT,
    workers = 1,
    memoryBytes = Math.floor(machineMemory() / 4 / Math.max(workers, 1)),
    workTimeout = 15,
    reloadTimeout = 30,
    handoverTimeout = 5,
    stopSignal,
    debug = false,
    logFormat = "text",
    onUnhandled = "log",
    signal,
  } = options;
  const numbers = {
    port,
    websocketPort,
    websocketPing,
    heartbeatCmd,
    moveCmd,
    timeout,
    firstFrameTimeout,
    frameTimeout,
    writeTimeout,
    memoryBytes,
    keepAlive,
    connsMax,
    connsPerAddress,
    connectRate,
    clientRate,
    clientBytesRate,
    frameBytes,
    outboxBytes,
    linger,
    connQueueMax,
    groupsPerClient,
    groupsMax,
    bindTimeout,
    lameDuck,
    moveTimeout,
    workers,
  };
  checkNumbers(
    { ...numbers, stopTimeout, workTimeout, reloadTimeout, handoverTimeout },
    RANGES,
    fail,
  );
  checkChoice("rateAction", rateAction, RATE_ACTIONS, fail);
  if (stopSignal !== undefined) {
    checkChoice("stopSignal", stopSignal, STOP_SIGNALS, fail);
  }
  checkChoice("io", io, IO_KINDS, fail);
  checkChoice("logFormat", logFormat, LOG_FORMATS, fail);
  checkChoice("onUnhandled", onUnhandled, ON_UNHANDLED, fail);
  if (moveCmd !== undefined && moveCmd === heartbeatCmd) {
    throw fail(
      `Options moveCmd and heartbeatCmd must differ, got ${moveCmd} for both`,
    );
  }
  if (port !== 0 && port === websocketPort) {
    throw new HavenError(
      "option",
      `Options port and websocketPort must differ, got ${port} for both`,
    );
  }
  return {
    ...numbers,
    host,
    websocketPath: parsePath("Option websocketPath", websocketPath, fail),
    websocketOrigins: parseOrigins(
      "Option websocketOrigins",
      websocketOrigins,
      fail,
    ),
    proxyProtocol: parseIpRanges("Option proxyProtocol", proxyProtocol, fail),
    deny: denyOf(deny),
    reusePort: false,
    io,
    threads: 1,
    siblings: undefined,
    handover: undefined,
    handoverTimeoutMs: handoverTimeout * 1000,
    rateAction,
    stopTimeoutMs: stopTimeout * 1000,
    leaveTimeoutMs: 1000 *
      (lameDuck === 0 ? stopTimeout : lameDuck + moveTimeout + stopTimeout),
    workTimeoutMs: workTimeout * 1000,
    reloadTimeoutMs: reloadTimeout * 1000,
    stopSignal,
    debug,
    logFormat,
    onUnhandled,
    signal,
  };
}

/**
 * Who may not connect.
 *
 * @throws {HavenError} `option` when one is no range.
 */
export function denyOf(deny: string | readonly string[]): IpRange[] {
  return parseIpRanges("Option deny", deny, fail);
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
