// The options of a gateway: what each limit means, its default and its range.

import { Box, type BoxClass, TaskOffset } from "@maple/box";
import {
  ANY,
  type Certificate,
  checkChoice,
  checkNumber,
  checkNumbers,
  checkTlsSupport,
  CMD,
  COUNT,
  DEFAULT_BACKLOG,
  DEFAULT_BIND_TIMEOUT,
  DEFAULT_KEEP_ALIVE,
  DEFAULT_PING,
  type HandshakeOptions,
  Heartbeats,
  IO_KINDS,
  type IoKind,
  type IpRange,
  KEEP_ALIVE,
  listOf,
  type Logger,
  machineMemory,
  MAX_INT32,
  parseIpRanges,
  parseOrigins,
  parsePath,
  PING,
  PORT,
  type Range,
  readCertificates,
  refuseRenamed,
  SECONDS,
} from "@maple/box/internal";
import { GatewayError } from "./errors.ts";
import type { GoneRequests, TaskOrder } from "./queue/task_queue.ts";

/** What a gateway can be told; every option has a default. */
export interface GatewayOptions {
  /** The class of the boxes that clients speak. @default {Box} */
  boxClass?: BoxClass<object>;
  /** Where clients connect. @default {"0.0.0.0"} */
  outerHost?: string;
  /** Port for clients; 0 is any free one. @default {29000} */
  outerPort?: number;
  /** Port for WebSocket clients, at `outerHost`; 0 is any free one. @default none */
  wsPort?: number | undefined;
  /** The only path at which a WebSocket is opened; `"*"` is any. @default {"*"} */
  wsPath?: string;
  /**
   * The origins of the web pages that may open a WebSocket, as in `https://example.org`, in an
   * array or with commas between them; `"*"` is any. A client that tells none is no browser, and
   * may come. @default {"*"}
   */
  wsOrigins?: string | readonly string[];
  /**
   * Seconds between two pings of a WebSocket; one is closed that gives no sign of life over two of
   * them. 0 = no pings. @default {25}
   */
  wsPing?: number;
  /**
   * The command of a box that clients send as a sign of life, and to get one: it is answered here,
   * with `ret` 0 and no body, and no worker sees it. @default none
   */
  heartbeatCmd?: number | undefined;
  /** Port for clients over TLS, at `outerHost`, from Deno 2.8 on; 0 is any. @default none */
  tlsPort?: number | undefined;
  /** Port for WebSocket clients over TLS, likewise. @default none */
  wssPort?: number | undefined;
  /**
   * Files with the certificate, and those that vouch for it, in PEM, in an array or with commas
   * between them: with several each client is shown the one for the name that it asks for, or the
   * first. @default none
   */
  tlsCert?: string | readonly string[];
  /** Files with their private keys in PEM, in the same order. @default none */
  tlsKey?: string | readonly string[];
  /**
   * Addresses and ranges (`10.0.0.0/8`) of proxies, in an array or with commas between them: each
   * connection from them must begin with a header of the PROXY protocol, version 1 or 2, and is
   * that of the client that it names. @default none
   */
  proxyProtocol?: string | readonly string[];
  /** Where workers and triggers connect. Whoever reaches it is trusted. @default {"127.0.0.1"} */
  innerHost?: string;
  /** Port for workers and triggers; 0 is any free one. @default {28000} */
  innerPort?: number;
  /** In which order the frames of one client are handed out. @default {"client"} */
  order?: TaskOrder;
  /**
   * Where the sockets come from: `deno` = Deno's own; `epoll` = the system's by FFI, faster and
   * smaller, on Linux only, with `--allow-ffi`. @default {"deno"}
   */
  io?: IoKind;
  /**
   * Clients that have connected and are not yet let in; further ones try again after a second. On
   * Linux no more than `net.core.somaxconn`; Deno 2.4 does not take it. @default {4096}
   */
  backlog?: number;
  /**
   * Client connections; one more gets the place of one that is on its way out, or has waited
   * longest without ever sending a whole frame, being logged in or written to; where there is none
   * it is closed at once. @default {10000}
   */
  connsMax?: number;
  /** Seconds without a frame after which a client is closed; 0 = never. @default {0} */
  connTimeout?: number;
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
   * Bytes of memory that unfinished frames and what is to be sent may take, of all connections
   * together; then whoever holds most is closed. @default {a quarter of the memory}
   */
  memoryBytes?: number;
  /**
   * Seconds after which a client, worker or trigger that has vanished without a word is found, also
   * where nothing is sent to it; 0 = the system's own time, two hours on Linux. Other systems than
   * Linux, and a program without `--allow-ffi`, have that in any case. @default {120}
   */
  keepAlive?: number;
  /** Bytes of a client's frame; a longer one closes the connection. @default {1048576} */
  frameBytes?: number;
  /**
   * A client's frames that wait or are with a worker; at this many the client is not read from
   * until half of them are done. @default {128}
   */
  clientQueueMax?: number;
  /**
   * Tasks that wait. Each client that has something waiting may have its share of them, and one in
   * any case; at that it is not read from until half of its share is left. A trigger is not read
   * from while so many wait, until a quarter of them is gone. When so many clients have one waiting
   * a further one gets `RET.BUSY`. @default {100000}
   */
  queueMax?: number;
  /** Bytes that the waiting tasks may take; as `queueMax`. @default {268435456} */
  queueBytes?: number;
  /**
   * Times that workers are still to be told that a client came or is gone; at this many no client
   * is let in until a quarter of them is done. @default {100000}
   */
  newsMax?: number;
  /**
   * What is done with the requests of a client that is gone while they wait. Nobody gets the
   * answer, but what the handler does may be wanted all the same. `yield`: they are run, unless
   * others need their room; `run`: they are run in any case; `drop`: they are dropped.
   * @default {"yield"}
   */
  goneRequests?: GoneRequests;
  /**
   * Bytes that may wait to be sent to one client; a client that lets more pile up is closed.
   * @default {4194304}
   */
  outboxBytes?: number;
  /**
   * Seconds within which a client whose connection is closed must have read what was sent to it
   * before; then it is cut. @default {30}
   */
  linger?: number;
  /**
   * Bytes of a worker's or trigger's frame, and four times as many may wait to be sent to it; more
   * closes the connection. @default {16777216}
   */
  innerFrameBytes?: number;
  /** Connections of workers and triggers; one more is closed at once. @default {1000} */
  innerConnsMax?: number;
  /**
   * How many of these only workers can have, at most half of them: what triggers use up must not
   * keep workers out. @default {100}
   */
  innerReserve?: number;
  /**
   * Tasks that one worker connection may have asked for at a time; further asks are ignored.
   * @default {1024}
   */
  creditsMax?: number;
  /**
   * Frames of one client that go to a worker in a row while others wait for one, to be run in their
   * order; four times as many where all of those have sent more than one, and where nobody waits
   * it may hold up to 64. Only for order "client", short tasks and
   * workers of ours. 1 = one at a time, as with a `maxDeliveries` of 1. @default {4}
   */
  chainMax?: number;
  /**
   * How often a task is handed out at most, when workers are lost with it. 1 = at most once.
   * @default {2}
   */
  maxDeliveries?: number;
  /**
   * The same for a worker of the original system, which does not tell apart that it was stopped
   * and that it was killed: a client's request that it leaves unanswered is handed out again, what
   * nobody waits for counts as done. @default {the value of maxDeliveries}
   */
  originalMaxDeliveries?: number;
  /**
   * Seconds that a request waits for a worker; then the client gets `RET.BUSY`. 0 = without end.
   * @default {60}
   */
  parkTime?: number;
  /**
   * Seconds without a sign of life after which a worker of ours counts as lost and its tasks go to
   * others; 0 = never. @default {15}
   */
  workerTimeout?: number;
  /**
   * Seconds without a frame after which a worker of the original system that holds a task counts
   * as lost; 0 = never, since it gives no sign of life while it works. @default {0}
   */
  originalWorkerTimeout?: number;
  /** Seconds that `close` waits for what is queued. @default {10} */
  drainTimeout?: number;
  /**
   * Seconds that `listen` waits for an address that another program still has, such as a gateway
   * that is just leaving; 0 = not at all. @default {10}
   */
  bindTimeout?: number;
  /** The number of this gateway in every task's `nodeId`. @default {0} */
  nodeId?: number;
  /** Where to log; by default warnings and errors go to stderr. */
  logger?: Logger;
  /** Closes the gateway, in order, when it is aborted. */
  signal?: AbortSignal;
}

/** The options that bound something, with their defaults filled in. */
export type GatewayLimits = Readonly<
  Required<
    Omit<
      GatewayOptions,
      | "outerPort"
      | "innerPort"
      | "nodeId"
      | "boxClass"
      | "outerHost"
      | "wsPort"
      | "wsPath"
      | "wsOrigins"
      | "heartbeatCmd"
      | "tlsPort"
      | "wssPort"
      | "tlsCert"
      | "tlsKey"
      | "proxyProtocol"
      | "innerHost"
      | "order"
      | "io"
      | "goneRequests"
      | "logger"
      | "signal"
    >
  >
>;

/** The limits that can be changed while a gateway runs: those that are looked at each time. */
export type ChangeableLimits = Pick<
  GatewayOptions,
  "connsMax" | "clientQueueMax" | "innerConnsMax" | "innerReserve"
>;

/** Their names. */
export const CHANGEABLE: readonly (keyof ChangeableLimits)[] = [
  "connsMax",
  "clientQueueMax",
  "innerConnsMax",
  "innerReserve",
];

// Numbers that bound nothing.
const NO_LIMITS: readonly NumberOption[] = ["outerPort", "innerPort", "nodeId"];

/** Those of the options that bound something. */
export function limitsOf(options: ResolvedOptions): GatewayLimits {
  const names = (Object.keys(RANGES) as NumberOption[])
    .filter((name) => !NO_LIMITS.includes(name));
  return Object.fromEntries(
    names.map((name) => [name, options[name]]),
  ) as unknown as GatewayLimits;
}

type OptionalPort = "wsPort" | "tlsPort" | "wssPort";

/** Nobody can connect to one of these that is undefined. */
const OPTIONAL_PORTS: readonly OptionalPort[] = [
  "wsPort",
  "tlsPort",
  "wssPort",
];

/** The options with their defaults filled in. */
export interface ResolvedOptions extends
  Required<
    Omit<
      GatewayOptions,
      OptionalPort | "heartbeatCmd" | "logger" | "signal"
    >
  >,
  Record<OptionalPort, number | undefined> {
  /** Without one all boxes are for workers. */
  heartbeatCmd: number | undefined;
}

/** The names that options had before, and those of now. */
export const RENAMED: Readonly<Record<string, string>> = {
  box: "boxClass",
  frameMax: "frameBytes",
  outboxMax: "outboxBytes",
  innerFrameMax: "innerFrameBytes",
  memoryMax: "memoryBytes",
};

/** The defaults of all options that have one. */
export const DEFAULTS: ResolvedOptions = {
  boxClass: Box as unknown as BoxClass<object>,
  outerHost: "0.0.0.0",
  outerPort: 29000,
  wsPort: undefined,
  wsPath: ANY,
  wsOrigins: ANY,
  wsPing: DEFAULT_PING,
  heartbeatCmd: undefined,
  tlsPort: undefined,
  wssPort: undefined,
  tlsCert: "",
  tlsKey: "",
  proxyProtocol: "",
  innerHost: "127.0.0.1",
  innerPort: 28000,
  order: "client",
  io: "deno",
  backlog: DEFAULT_BACKLOG,
  connsMax: 10_000,
  connTimeout: 0,
  firstFrameTimeout: 0,
  frameTimeout: 30,
  writeTimeout: 30,
  get memoryBytes(): number {
    return Math.floor(machineMemory() / 4);
  },
  keepAlive: DEFAULT_KEEP_ALIVE,
  frameBytes: 1024 * 1024,
  clientQueueMax: 128,
  queueMax: 100_000,
  queueBytes: 256 * 1024 * 1024,
  newsMax: 100_000,
  goneRequests: "yield",
  outboxBytes: 4 * 1024 * 1024,
  linger: 30,
  innerFrameBytes: 16 * 1024 * 1024,
  innerConnsMax: 1000,
  innerReserve: 100,
  creditsMax: 1024,
  chainMax: 4,
  maxDeliveries: 2,
  originalMaxDeliveries: 2,
  parkTime: 60,
  workerTimeout: 15,
  originalWorkerTimeout: 0,
  drainTimeout: 10,
  bindTimeout: DEFAULT_BIND_TIMEOUT,
  nodeId: 0,
};

type NumberOption = {
  [K in keyof ResolvedOptions]: ResolvedOptions[K] extends number ? K : never;
}[keyof ResolvedOptions];

/** The range of each number. */
export const RANGES: Readonly<Record<NumberOption, Range>> = {
  outerPort: PORT,
  wsPing: PING,
  innerPort: PORT,
  backlog: COUNT,
  connsMax: COUNT,
  connTimeout: SECONDS,
  firstFrameTimeout: SECONDS,
  frameTimeout: SECONDS,
  writeTimeout: SECONDS,
  memoryBytes: { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true },
  keepAlive: KEEP_ALIVE,
  frameBytes: { min: 1, max: MAX_INT32 - TaskOffset.body, whole: true },
  clientQueueMax: COUNT,
  queueMax: COUNT,
  queueBytes: { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true },
  newsMax: COUNT,
  outboxBytes: COUNT,
  linger: SECONDS,
  innerFrameBytes: { min: 1 + TaskOffset.body, max: MAX_INT32, whole: true },
  innerConnsMax: COUNT,
  innerReserve: { min: 0, max: MAX_INT32, whole: true },
  creditsMax: COUNT,
  chainMax: COUNT,
  maxDeliveries: COUNT,
  originalMaxDeliveries: COUNT,
  parkTime: SECONDS,
  workerTimeout: SECONDS,
  originalWorkerTimeout: SECONDS,
  drainTimeout: SECONDS,
  bindTimeout: SECONDS,
  nodeId: { min: -(2 ** 31), max: MAX_INT32, whole: true },
};

/** The words that `goneRequests` takes. */
export const GONE_REQUESTS: readonly GoneRequests[] = [
  "yield",
  "run",
  "drop",
];

/** The words that `order` takes. */
export const ORDERS: readonly TaskOrder[] = ["client", "none"];

/**
 * Fills in the defaults and checks every value.
 *
 * @throws {GatewayError} naming the option, its range and the value received.
 */
export function resolveOptions(options: GatewayOptions): ResolvedOptions {
  refuseRenamed(options, RENAMED, fail);
  const { logger: _, signal: __, ...rest } = options;
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const resolved: ResolvedOptions = {
    ...DEFAULTS,
    ...Object.fromEntries(given),
  };
  checkNumbers(resolved, RANGES, fail);
  checkChoice("order", resolved.order, ORDERS, fail);
  checkChoice("io", resolved.io, IO_KINDS, fail);
  checkChoice("goneRequests", resolved.goneRequests, GONE_REQUESTS, fail);
  for (const name of OPTIONAL_PORTS) {
    const port = resolved[name];
    if (port !== undefined) checkNumber(`Option ${name}`, port, PORT, fail);
  }
  webSocketsOf(resolved);
  if (resolved.heartbeatCmd !== undefined) {
    checkNumber("Option heartbeatCmd", resolved.heartbeatCmd, CMD, fail);
  }
  heartbeatsOf(resolved);
  proxiesOf(resolved);
  if (options.originalMaxDeliveries === undefined) {
    resolved.originalMaxDeliveries = resolved.maxDeliveries;
  }
  checkPorts(resolved);
  if (resolved.innerFrameBytes < resolved.frameBytes + TaskOffset.body) {
    if (options.innerFrameBytes !== undefined) {
      throw new GatewayError(
        `Option innerFrameBytes must be at least frameBytes + ${TaskOffset.body} = ${
          resolved.frameBytes + TaskOffset.body
        }, got ${resolved.innerFrameBytes}`,
      );
    }
    resolved.innerFrameBytes = resolved.frameBytes + TaskOffset.body;
  }
  return resolved;
}

/**
 * Which WebSockets are opened.
 *
 * @throws {GatewayError} when the path or an origin is none.
 */
export function webSocketsOf(
  { wsPath, wsOrigins }: ResolvedOptions,
): HandshakeOptions {
  return {
    path: parsePath("Option wsPath", wsPath, fail),
    origins: parseOrigins("Option wsOrigins", wsOrigins, fail),
  };
}

/**
 * Which boxes are answered as heartbeats.
 *
 * @throws {GatewayError} when the class of the boxes cannot have such a command.
 */
export function heartbeatsOf(
  { boxClass, heartbeatCmd }: ResolvedOptions,
): Heartbeats | undefined {
  return heartbeatCmd === undefined
    ? undefined
    : new Heartbeats(boxClass, heartbeatCmd, fail);
}

/**
 * Where proxies are, which tell whom they speak for.
 *
 * @throws {GatewayError} when one is no range.
 */
export function proxiesOf({ proxyProtocol }: ResolvedOptions): IpRange[] {
  return parseIpRanges("Option proxyProtocol", proxyProtocol, fail);
}

/**
 * The certificates, read anew; none where no port is for TLS.
 *
 * @throws {GatewayError} with one line, when one cannot be used, or this Deno cannot.
 */
export function certificatesOf(
  { tlsPort, wssPort, tlsCert, tlsKey }: ResolvedOptions,
): Certificate[] {
  const [certs, keys] = [listOf(tlsCert), listOf(tlsKey)];
  if (tlsPort === undefined && wssPort === undefined) {
    if (certs.length === 0 && keys.length === 0) return [];
    throw fail("Options tlsCert and tlsKey need a tlsPort or wssPort");
  }
  try {
    checkTlsSupport();
    return readCertificates(certs, keys);
  } catch (cause) {
    throw new GatewayError((cause as Error).message, { cause });
  }
}

// Told as what it is; to listen twice would say that another program has the port.
function checkPorts(options: ResolvedOptions): void {
  const { outerHost, outerPort, innerHost, innerPort } = options;
  const ports = [
    { name: "outerPort", host: outerHost, port: outerPort },
    ...OPTIONAL_PORTS.map((name) => ({
      name,
      host: outerHost,
      port: options[name] ?? 0,
    })),
    { name: "innerPort", host: innerHost, port: innerPort },
  ];
  for (const [i, one] of ports.entries()) {
    for (const other of ports.slice(i + 1)) {
      if (one.port !== other.port || one.port === 0) continue;
      if (!overlap(one.host, other.host)) continue;
      throw fail(
        `Options ${one.name} and ${other.name} must differ, got ${one.port} for both`,
      );
    }
  }
}

function overlap(host: string, other: string): boolean {
  return host === other ||
    [host, other].some((one) => ["0.0.0.0", "::"].includes(one));
}

function fail(message: string): GatewayError {
  return new GatewayError(message);
}
