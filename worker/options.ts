// How a worker is run: gateways, processes, concurrency and times.

import {
  checkChoice,
  checkNumber,
  checkNumbers,
  DEFAULT_BIND_TIMEOUT,
  type GatewayHost,
  LOG_FORMATS,
  type LogFormat,
  MAX_TIMER_SECONDS,
  ON_UNHANDLED,
  type OnUnhandled,
  parseStatusAddress,
  PEER_PORT,
  PeerSecret,
  programName,
  SECONDS,
  STOP_SIGNALS,
  type StopSignal,
} from "@maple/box/internal";
import { WorkerError } from "./errors.ts";

/** Where a gateway listens for workers. */
export interface GatewayAddress {
  /** Name or IP address. @default {"127.0.0.1"} */
  host?: string;
  /** Its port for workers and triggers. @default {28000} */
  port?: number;
  /**
   * Over TLS, which something in front of that port has to end: authorities to trust beside those
   * that Deno trusts, in PEM; `{}` for none. @default none: over TCP
   */
  tls?: { caCerts?: string[] };
}

/** What `attach` takes. */
export interface AttachOptions extends GatewayAddress {
  /** Several gateways instead of the one of `host` and `port`. */
  gateways?: readonly GatewayAddress[];
  /** Tasks that are worked on at a time, for each gateway. @default {64} */
  concurrency?: number;
  /**
   * What gateways and their operators see this worker as, up to 100 characters. @default the main
   * module's file name without its extension
   */
  name?: string;
  /**
   * What the worker proves itself by to gateways that want it; a gateway that does not ask for it,
   * or cannot prove that it knows it too, is not worked for. Without it and `secretFile`, that of
   * the role `worker` in the environment variable `MAPLE_INNER_SECRET`, as `worker:...`.
   * @default none
   */
  secret?: string;
  /**
   * A file that holds it, as `worker:...` in a line, and which nobody but its owner may read. It is
   * read again for each connection; of several the first one counts. @default none
   */
  secretFile?: string;
  /**
   * Seconds that a task may take before it is logged as slow; 0 = any. See also `run`.
   * @default {15}
   */
  workTimeout?: number;
  /** Seconds that a safe stop waits for the tasks in hand. @default {30} */
  stopTimeout?: number;
  /** Detaches when it is aborted. */
  signal?: AbortSignal;
}

/** What `run` takes. */
export interface RunOptions extends AttachOptions {
  /** Child processes; 0 = work in this process, for tests and debuggers. @default {1} */
  workers?: number;
  /**
   * Seconds that a task may take, whose handler awaits something, until `onWorkTimeout` is done;
   * and seconds that the event loop of a child may stand still, as in a handler that computes,
   * until the child is killed and replaced. 0 = any. @default {15}
   */
  workTimeout?: number;
  /**
   * What happens when a task takes longer than `workTimeout` while the event loop runs. `log`: a
   * line tells of it. `replace`: it is given up as well, its client gets `RET.WORKER_LOST` and its
   * handler's answer goes nowhere; the child finishes its other tasks and leaves, while another is
   * started in its place already. @default {"log"}
   */
  onWorkTimeout?: "log" | "replace";
  /**
   * A further signal that stops safely, as TERM does: for supervisor files of the original's time
   * that send USR1. @default none
   */
  stopSignal?: "SIGUSR1" | "SIGUSR2" | "SIGINT" | "SIGQUIT";
  /** Seconds that the new children of a reload may take to attach. @default {30} */
  reloadTimeout?: number;
  /**
   * Where the master serves `/metrics` for Prometheus, `/healthz` and `/stats.json`, for all its
   * children: `PORT` of 127.0.0.1, or `HOST:PORT`. @default nowhere
   */
  metrics?: string;
  /**
   * Further host names by which these may be asked for, beside addresses, `localhost`, the host in
   * `metrics` and the name of the machine; others are refused, for the sake of browsers.
   * @default {[]}
   */
  metricsHosts?: readonly string[];
  /**
   * A file with tokens, one a line, that only its owner may use: who asks for these must bring one
   * of them, as `Authorization: Bearer TOKEN`. HUP reads it again.
   * @default {what the environment variable MAPLE_METRICS_TOKEN holds; none where it is not set}
   */
  metricsTokenFile?: string;
  /**
   * Seconds to wait for that port while another program still has it, such as a worker that is just
   * leaving; 0 = not at all. @default {10}
   */
  bindTimeout?: number;
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

/** The options with their defaults filled in. */
export interface ResolvedRun {
  /** At least one. */
  readonly gateways: readonly GatewayHost[];
  readonly concurrency: number;
  readonly name: string;
  /** What it proves itself by, if it does. */
  readonly secret: PeerSecret;
  /** Milliseconds. */
  readonly workTimeoutMs: number;
  readonly onWorkTimeout: "log" | "replace";
  /** Milliseconds. */
  readonly stopTimeoutMs: number;
  /** Milliseconds. */
  readonly reloadTimeoutMs: number;
  readonly workers: number;
  readonly metrics: string | undefined;
  /** Seconds. */
  readonly bindTimeout: number;
  readonly stopSignal: StopSignal | undefined;
  readonly metricsHosts: readonly string[];
  readonly metricsTokenFile: string | undefined;
  readonly debug: boolean;
  readonly logFormat: LogFormat;
  readonly onUnhandled: OnUnhandled;
  readonly signal: AbortSignal | undefined;
}

const RANGES = {
  concurrency: { min: 1, max: 65536, whole: true },
  workers: { min: 0, max: 1024, whole: true },
  workTimeout: SECONDS,
  stopTimeout: SECONDS,
  bindTimeout: SECONDS,
  reloadTimeout: { min: 0.1, max: MAX_TIMER_SECONDS, whole: false },
};

/**
 * Fills in the defaults and checks every value.
 *
 * @throws {WorkerError} naming the option, its range and the value received.
 */
export function resolveRun(options: RunOptions): ResolvedRun {
  const {
    host,
    port,
    tls,
    gateways,
    concurrency = 64,
    name = workerName(),
    secret,
    secretFile,
    workers = 1,
    workTimeout = 15,
    onWorkTimeout = "log",
    stopTimeout = 30,
    reloadTimeout = 30,
    metrics,
    bindTimeout = DEFAULT_BIND_TIMEOUT,
    stopSignal,
    metricsHosts = [],
    metricsTokenFile,
    debug = false,
    logFormat = "text",
    onUnhandled = "log",
    signal,
  } = options;
  if (gateways && (host ?? port ?? tls) !== undefined) {
    throw new WorkerError(
      "Options host, port and tls and option gateways exclude each other",
    );
  }
  if (gateways?.length === 0) {
    throw new WorkerError("Option gateways must name at least one gateway");
  }
  checkNumbers(
    {
      concurrency,
      workers,
      workTimeout,
      stopTimeout,
      reloadTimeout,
      bindTimeout,
    },
    RANGES,
    fail,
  );
  if (name === "" || name.length > 100) {
    throw new WorkerError(
      `Option name must have 1 to 100 characters, got ${name.length}`,
    );
  }
  if (metrics !== undefined) checkMetrics(metrics);
  checkChoice("onWorkTimeout", onWorkTimeout, ["log", "replace"], fail);
  if (onWorkTimeout === "replace" && (workers === 0 || workTimeout === 0)) {
    throw new WorkerError(
      `Option onWorkTimeout "replace" needs ${
        workers === 0
          ? "workers: 1 or more: without a master nobody replaces this process"
          : "a workTimeout above 0"
      }`,
    );
  }
  if (stopSignal !== undefined) {
    checkChoice("stopSignal", stopSignal, STOP_SIGNALS, fail);
  }
  checkChoice("logFormat", logFormat, LOG_FORMATS, fail);
  checkChoice("onUnhandled", onUnhandled, ON_UNHANDLED, fail);
  const addresses = (gateways ?? [options]).map((gateway) => {
    const { host = "127.0.0.1", port = 28000, tls } = gateway;
    checkNumber("Option port", port, PEER_PORT, fail);
    return { host, port, ...(tls && { tls }) };
  });
  return {
    gateways: addresses,
    concurrency,
    name,
    secret: new PeerSecret({
      secret,
      secretFile,
      roles: ["worker"],
      role: "worker",
      fail,
    }),
    workTimeoutMs: workTimeout * 1000,
    onWorkTimeout,
    stopTimeoutMs: stopTimeout * 1000,
    reloadTimeoutMs: reloadTimeout * 1000,
    workers,
    metrics,
    bindTimeout,
    stopSignal,
    metricsHosts,
    metricsTokenFile,
    debug,
    logFormat,
    onUnhandled,
    signal,
  };
}

/** What a worker is called unless it is told. */
export function workerName(): string {
  return programName("worker");
}

function checkMetrics(address: string): void {
  try {
    parseStatusAddress(address);
  } catch (cause) {
    throw new WorkerError(`Option metrics: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function fail(message: string): WorkerError {
  return new WorkerError(message);
}

/** The options in the arguments of `run`, in whichever form they are given. */
export function runOptions(
  first: string | readonly GatewayAddress[] | RunOptions | undefined,
  second: number | RunOptions | undefined,
  third: RunOptions | undefined,
): RunOptions {
  if (isList(first)) return { ...second as RunOptions, gateways: first };
  if (typeof first === "object") return first;
  return {
    ...(typeof second === "object" ? second : third),
    ...(first === undefined ? {} : { host: first }),
    ...(typeof second === "number" ? { port: second } : {}),
  };
}

// Array.isArray does not know readonly arrays.
function isList(
  value: string | readonly GatewayAddress[] | RunOptions | undefined,
): value is readonly GatewayAddress[] {
  return Array.isArray(value);
}
