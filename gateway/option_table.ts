// The default of each option of a gateway, and the range or the words that it takes.

import { Box, type BoxClass, TaskOffset } from "@maple/box";
import {
  ANY,
  BYTES,
  COUNT,
  DEFAULT_BACKLOG,
  DEFAULT_BIND_TIMEOUT,
  DEFAULT_KEEP_ALIVE,
  DEFAULT_PING,
  GROUPS_PER_CLIENT,
  KEEP_ALIVE,
  machineMemory,
  MAX_INT32,
  MAX_TIMER_SECONDS,
  PING,
  PORT,
  type Range,
  RATE,
  SECONDS,
} from "@maple/box/internal";
import type { Bus } from "./cluster/bus.ts";
import type { GatewayOptions } from "./options.ts";
import type { GoneRequests, TaskOrder } from "./queue/task_queue.ts";

type OptionalPort = "wsPort" | "tlsPort" | "wssPort" | "innerOwnPort";

/** Nobody can connect to one of these that is undefined. */
export const OPTIONAL_PORTS: readonly OptionalPort[] = [
  "wsPort",
  "tlsPort",
  "wssPort",
  "innerOwnPort",
];

type AddressNumber = "connsPerAddress" | "connectRate";

/** The ranges of what holds for public addresses only unless it is set. */
export const ADDRESS_RANGES: Readonly<Record<AddressNumber, Range>> = {
  connsPerAddress: { min: 0, max: MAX_INT32, whole: true },
  connectRate: RATE,
};

/** The options with their defaults filled in. */
export interface ResolvedOptions extends
  Required<
    Omit<
      GatewayOptions,
      | OptionalPort
      | AddressNumber
      | "heartbeatCmd"
      | "bus"
      | "moveCmd"
      | "logger"
      | "signal"
    >
  >,
  Record<OptionalPort | AddressNumber, number | undefined> {
  /** Without one all boxes are for workers. */
  heartbeatCmd: number | undefined;
  /** Without one it is the only gateway. */
  bus: Bus | undefined;
  /** Without one no client is asked to move. */
  moveCmd: number | undefined;
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
  moveCmd: undefined,
  tlsPort: undefined,
  wssPort: undefined,
  tlsCert: "",
  tlsKey: "",
  proxyProtocol: "",
  deny: "",
  denyFile: "",
  innerHost: "127.0.0.1",
  innerPort: 28000,
  innerOwnPort: undefined,
  innerSecrets: "",
  innerSecretFile: "",
  innerOpen: "",
  order: "client",
  io: "deno",
  reusePort: false,
  backlog: DEFAULT_BACKLOG,
  connsMax: 10_000,
  connsPerAddress: undefined,
  connectRate: undefined,
  connTimeout: 0,
  firstFrameTimeout: 0,
  frameTimeout: 30,
  writeTimeout: 30,
  get memoryBytes(): number {
    return Math.floor(machineMemory() / 4);
  },
  keepAlive: DEFAULT_KEEP_ALIVE,
  frameBytes: 1024 * 1024,
  clientRate: 0,
  clientBytesRate: 0,
  rateAction: "slow",
  clientQueueMax: 128,
  queueMax: 100_000,
  queueBytes: 256 * 1024 * 1024,
  newsMax: 100_000,
  goneRequests: "yield",
  outboxBytes: 4 * 1024 * 1024,
  linger: 30,
  groupsPerClient: 100,
  groupsMax: 1_000_000,
  fanOutBytes: 16 * 1024 * 1024,
  innerFrameBytes: 16 * 1024 * 1024,
  innerConnsMax: 1000,
  innerReserve: 100,
  creditsMax: 1024,
  chainMax: 2,
  maxDeliveries: 2,
  originalMaxDeliveries: 2,
  parkTime: 60,
  workerTimeout: 15,
  originalWorkerTimeout: 0,
  drainTimeout: 10,
  lameDuck: 0,
  lameDuckNotice: 10,
  moveTimeout: 10,
  bindTimeout: DEFAULT_BIND_TIMEOUT,
  handover: "",
  handoverTimeout: 5,
  handoverStay: 86_400,
  nodeId: 0,
  cluster: "",
  clusterName: "maple",
  clusterCreds: "",
  clusterTlsCa: "",
  clusterTlsCert: "",
  clusterTlsKey: "",
  innerAdvertise: "",
  clusterBytes: 64 * 1024 * 1024,
  bus: undefined,
};

/** The options that are numbers. */
export type NumberOption = {
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
  memoryBytes: BYTES,
  keepAlive: KEEP_ALIVE,
  frameBytes: { min: 1, max: MAX_INT32 - TaskOffset.body, whole: true },
  clientRate: RATE,
  clientBytesRate: RATE,
  clientQueueMax: COUNT,
  queueMax: COUNT,
  queueBytes: BYTES,
  newsMax: COUNT,
  outboxBytes: COUNT,
  linger: SECONDS,
  groupsPerClient: GROUPS_PER_CLIENT,
  groupsMax: COUNT,
  fanOutBytes: BYTES,
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
  lameDuck: SECONDS,
  lameDuckNotice: SECONDS,
  moveTimeout: SECONDS,
  bindTimeout: SECONDS,
  handoverTimeout: { min: 0.1, max: MAX_TIMER_SECONDS, whole: false },
  handoverStay: SECONDS,
  // -1 stands for those that nobody knows, in receipts.
  nodeId: { min: 0, max: MAX_INT32, whole: true },
  clusterBytes: BYTES,
};

/** The words that `goneRequests` takes. */
export const GONE_REQUESTS: readonly GoneRequests[] = [
  "yield",
  "run",
  "drop",
];

/** The words that `order` takes. */
export const ORDERS: readonly TaskOrder[] = ["client", "none"];
