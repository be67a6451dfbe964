// What the program can be told, on the command line and in a file: one table for both.

import {
  ABOUT_FLAGS,
  CMD,
  type Flag,
  IO_KINDS,
  LOG_FORMATS,
  LOG_LEVELS,
  MAX_TIMER_SECONDS,
  parseIpRanges,
  parseOrigins,
  parsePath,
  parseStatusAddress,
  RATE_ACTIONS,
  UsageError,
} from "@maple/box/internal";
import type { Setting } from "./config_file.ts";
import { GONE_REQUESTS, ORDERS } from "./option_table.ts";
import {
  checkAdvertised,
  checkClusterName,
} from "./cluster/cluster_options.ts";
import { parseNatsServers } from "./cluster/nats_servers.ts";
import {
  addressNumber,
  number,
  optionalPort,
  text,
  withDefault,
  yesNo,
} from "./setting_kinds.ts";

// No machine that this is for has more processors.
const PROCESSES_MAX = 99;
// Each time that a file is put aside all of them are renamed.
const LOG_FILES_MAX = 1000;

/** All settings, in the order in which the usage text lists them. */
export const SETTINGS: readonly Setting[] = [
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
  yesNo("reusePort", "share all ports with other gateways of this machine"),
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
  {
    name: "moveCmd",
    flag: {
      name: "move-cmd",
      type: "integer",
      help: "cmd of the boxes that ask clients to move (off)",
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
  text("deny", "addresses of clients that may not connect", {
    value: "CIDR,CIDR",
    check: (source, ranges) => void parseIpRanges(source, ranges, usage),
  }),
  text("denyFile", "a file with more of them, one a line", { value: "FILE" }),
  text("innerHost", "where workers and triggers connect", {
    ini: "inner.host",
    value: "HOST",
  }),
  number("innerPort", "port for workers and triggers, 0 = any free one", {
    ini: "inner.port",
    value: "PORT",
    noLimit: undefined,
  }),
  optionalPort("innerOwnPort", "a further one, not shared, 0 = any free (off)"),
  text("innerAdvertise", "where they reach it, as it tells the cluster", {
    value: "HOST:PORT",
    check: (source, address) => checkAdvertised(source, address, usage),
  }),
  text("innerSecretFile", "their secrets, role:secret a line, mode 600", {
    value: "FILE",
  }),
  text("innerOpen", "from where they may come without a secret", {
    value: "CIDR,CIDR",
    check: (source, ranges) => void parseIpRanges(source, ranges, usage),
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
  addressNumber(
    "connsPerAddress",
    "clients of one address, 0 = any (public ones: half)",
  ),
  addressNumber(
    "connectRate",
    "new clients a second of one address, 0 = any (public ones: 1000)",
  ),
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
  number("clientRate", "frames a second of a client, 0 = any", { noLimit: 0 }),
  number("clientBytesRate", "bytes of frames a second of a client, 0 = any", {
    value: "BYTES",
    noLimit: 0,
  }),
  text("rateAction", "slow or close: what is done with one that sends more", {
    choices: RATE_ACTIONS,
    value: "WHAT",
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
  number("groupsPerClient", "groups that a client may be in"),
  number("groupsMax", "groups that there may be"),
  number("fanOutBytes", "bytes on their way to many; then senders wait", {
    value: "BYTES",
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
  number(
    "chainMax",
    "a client's frames in a row where others send few, 1 = one",
  ),
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
  number("lameDuck", "seconds over which TERM has clients move, 0 = closes", {
    value: "S",
    noLimit: MAX_TIMER_SECONDS,
  }),
  number(
    "lameDuckNotice",
    "seconds before that, for load balancers to see it",
    {
      value: "S",
      noLimit: MAX_TIMER_SECONDS,
    },
  ),
  number("moveTimeout", "seconds that a client may take to move", {
    value: "S",
    noLimit: MAX_TIMER_SECONDS,
  }),
  number("bindTimeout", "seconds to wait for a port that is still in use", {
    value: "S",
    noLimit: MAX_TIMER_SECONDS,
  }),
  text("handover", "take the place of the gateway here; be asked here", {
    value: "PATH",
  }),
  number("handoverTimeout", "seconds that all may stand still meanwhile", {
    value: "S",
    noLimit: MAX_TIMER_SECONDS,
  }),
  number("handoverStay", "seconds that it stays then for clients over TLS", {
    value: "S",
    noLimit: 0,
  }),
  number("nodeId", "the number of this gateway in every task", {
    noLimit: undefined,
  }),
  text("cluster", "servers of NATS over which several gateways are one", {
    value: "URL,URL",
    check: (source, servers) => void parseNatsServers(source, servers, usage),
  }),
  text("clusterName", "what the cluster is called", {
    value: "NAME",
    check: (source, name) => checkClusterName(source, name, usage),
  }),
  text("clusterCreds", "what these servers are shown: a user's JWT and key", {
    value: "FILE",
  }),
  text("clusterTlsCa", "who vouches for them, in PEM", { value: "FILE" }),
  text("clusterTlsCert", "the certificate that they are shown, in PEM", {
    value: "FILE",
  }),
  text("clusterTlsKey", "its private key", { value: "FILE" }),
  number("clusterBytes", "bytes on their way between gateways; then not sent", {
    value: "BYTES",
  }),
  {
    name: "processes",
    flag: {
      name: "processes",
      type: "integer",
      help: withDefault("processes", "serve from N processes, 0 = all cores"),
      min: 0,
      max: PROCESSES_MAX,
    },
  },
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
  text("statFile", "write a report here once a second, for maple stat", {
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
  text("metricsTokenFile", "whoever asks needs a token of it, mode 600", {
    value: "FILE",
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
    help: "read settings from JSON or ini; flags and variables beat it",
  },
  {
    name: "check",
    type: "boolean",
    help: "tell what --handover would take and change, and end",
    action: true,
  },
  {
    name: "check-config",
    type: "boolean",
    help: "read all settings and files, tell what is set, and end",
    action: true,
  },
  ...ABOUT_FLAGS,
];

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
