// What `run` of every app does: work in this process, be a child, or be the master of children.

import { BoxError } from "../errors.ts";
import { setLogLevel } from "../log/log_signals.ts";
import { writeOutLogs } from "../log/log_sink.ts";
import {
  flushLog,
  type Logger,
  type LogLevel,
  reopenLog,
} from "../log/logger.ts";
import { printLine } from "../log/standard_streams.ts";
import { setProcessName } from "./process_name.ts";
import { CHILD_ENV, ChildProcess } from "./child_process.ts";
import { ControlClient } from "./control.ts";
import { endSoon, Leaving, stopLimitMs } from "./leaving.ts";
import { takeEarlyWatch, watchMaster } from "./master_watch.ts";
import { Master, type MasterOptions } from "./master.ts";
import {
  type ProcessMetrics,
  serveProcessStatus,
  type StatusSource,
} from "./process_status.ts";
import { whenFree } from "../net/when_free.ts";
import { onAbort } from "../on_abort.ts";
import { followSignals, type StopSignal } from "./signals.ts";
import { selfCommand } from "./self_command.ts";
import { mayTakeEnv, takeEnv } from "./env.ts";
import { tellServiceManager } from "./service_manager.ts";
import { StatusAccess, type StatusAccessOptions } from "./status_access.ts";
import type { Siblings } from "./siblings.ts";
import { type OnUnhandled, watchUnhandled } from "./unhandled.ts";

/** What is run. */
export interface Runnable {
  /** What the processes are called: `worker`, `haven`. */
  readonly role: string;
  /**
   * Starts the work in this process; resolves when it is under way.
   *
   * @param place What this process is among its master's children; `undefined` = it has no master.
   */
  start(place?: ChildPlace): Promise<void>;
  /** Leaves in order. */
  close(): Promise<void>;
  /** Resolves when it was closed, by whomever. */
  readonly closed: Promise<void>;
  /** The line that says, on stdout, that all is ready. */
  readyLine(): string;
  /** Makes the logger for the role that this process has. */
  makeLogger(role: string): Logger;
  /** Called when the level of that logger was changed; whoever has more threads passes it on. */
  onLogLevel?(level: LogLevel): void;
  /** Called in a master before it starts children; what it gives is put into their environment. */
  beforeChildren?(logger: Logger): Promise<Readonly<Record<string, string>>>;
  /** What this process has counted, as it is in JSON. */
  stats?(): unknown;
  /** What all processes have counted, for Prometheus. */
  metrics?: ProcessMetrics;
}

/** What a process is among its master's children. */
export interface ChildPlace {
  /** Which of them it is, from 1. */
  readonly index: number;
  /** What children before it have left for those that come after them. */
  readonly note: string | undefined;
  /** Leaves something for the children that come after this one. */
  leaveNote(note: string): void;
  /** Tells that it has handed all that it held to the child that was started in its place. */
  gaveAll(): void;
  /** Tells why it does not do its work yet, for the master to say when a reload fails. */
  waitsFor(why: string): void;
  /** The other children. */
  readonly siblings: Siblings;
  /** Leaves in order, while the master starts another in its place already. */
  leaveForAnother(why: string): void;
}

/** How it is run. */
export interface RunAppOptions extends MasterOptions {
  /**
   * Whether HUP to the master starts new children in place of the old ones; else it opens the log
   * again.
   */
  readonly reloads: boolean;
  /**
   * Whether the program ends as a child does that was lost, instead of starting another.
   * @default {false}
   */
  readonly endsWithChild?: boolean;
  /** What HUP says beside that the log is opened again, where nothing is reloaded. */
  readonly hupRemark?: string | undefined;
  /** Seconds that `metrics` waits for a port that is still in use. */
  readonly bindTimeout: number;
  /** A further signal that does what TERM does. */
  readonly stopSignal: StopSignal | undefined;
  /** Whether INT does the same as TERM, instead of stopping children at once. */
  readonly leavesOnInt?: boolean;
  /** Flags of Deno that the children need and this process may not have. */
  readonly childFlags?: readonly string[];
  /** Where `/metrics` and the like are served, for apps with `stats` and `metrics`. */
  readonly metrics?: string | undefined;
  /** What becomes of a process in which an error is handled by nobody. @default {"log"} */
  readonly onUnhandled?: OnUnhandled;
  /** Further host names by which these may be asked for. */
  readonly metricsHosts?: readonly string[] | undefined;
  /** Where the tokens are of those who may ask for them; HUP reads them again. */
  readonly metricsAccess?: StatusAccessOptions | undefined;
  /** Stops it when it is aborted. */
  readonly signal: AbortSignal | undefined;
}

const STATS_MS = 1000;
// A child that is told to stop is killed by its master; this much later it ends by itself.
const SPARE_MS = 1000;

/** Runs until it is stopped. */
export async function runApp(
  options: RunAppOptions,
  app: Runnable,
): Promise<void> {
  const index = takeEnv(CHILD_ENV.INDEX);
  const control = takeEnv(CHILD_ENV.CONTROL);
  const note = takeEnv(CHILD_ENV.NOTE);
  if (index !== undefined && control !== undefined) {
    hasProcesses = true;
    await runChild(app, { index, control, note, options });
  } else if (options.workers === 0) {
    await runHere(options, app);
  } else {
    checkProcesses();
    hasProcesses = true;
    try {
      await runMaster(options, app);
    } finally {
      hasProcesses = false;
    }
  }
}

// Whether an app of this program runs as a master or its child.
let hasProcesses = false;

// A child that may not see that it is one would start children in turn; and one of two apps would
// run as the child of the other.
function checkProcesses(): void {
  if (hasProcesses) {
    throw new BoxError(
      "state",
      "Cannot start processes: another app of this program does, and a child could not tell whose it is; with workers: 0 for each they serve in this process",
    );
  }
  if (mayTakeEnv(CHILD_ENV.INDEX) && mayTakeEnv(CHILD_ENV.CONTROL)) return;
  throw new Error(
    "Cannot start processes without --allow-env, by which they know what they are; with workers: 0 there is none",
  );
}

async function runHere(options: RunAppOptions, app: Runnable): Promise<void> {
  const logger = app.makeLogger(app.role);
  const access = accessOf(options, app);
  let ready = false;
  await using _status = await serveStatusOf(options, app, {
    logger,
    access,
    healthy: () => ready && !leaving.begun,
    processes: () => [{
      index: 0,
      ready,
      silent: false,
      restarts: 0,
      stats: app.stats?.(),
    }],
  });
  using unhandled = watchUnhandled(logger, options.onUnhandled);
  const leaving = new Leaving(app, options.stopTimeoutMs, logger);
  let signalled = false;
  const stopOrExit = (code: number) => {
    signalled = true;
    return leaving.begun ? Deno.exit(code) : leaving.begin();
  };
  using _signals = followSignals({
    SIGTERM: () => stopOrExit(143),
    SIGINT: () => stopOrExit(130),
    SIGQUIT: () => Deno.exit(131),
    ...(options.reloads ? {} : {
      SIGHUP: () => {
        openLogAgain(logger, options);
        renew(access, logger);
      },
    }),
  }, { ...options, logger, onLevel: (level) => app.onLogLevel?.(level) });
  using _abort = onAbort(options.signal, () => leaving.begin());
  if (!leaving.begun && await startOrLeave(app, leaving)) {
    ready = true;
    tellReady(app, logger);
  }
  unhandled.started();
  await leaving.over;
  await flushLog(logger);
  if (signalled) await leaving.endProcess();
}

async function runChild(
  app: Runnable,
  { index, control, note, options }: {
    index: string;
    control: string;
    note: string | undefined;
    options: RunAppOptions;
  },
): Promise<void> {
  setProcessName(`maple-${app.role}-${index}`);
  const logger = app.makeLogger(`${app.role}-${index}`);
  using unhandled = watchUnhandled(logger, options.onUnhandled);
  const leaving = new Leaving(app, options.stopTimeoutMs, logger);
  const leave = () => leaving.begin(SPARE_MS);
  const onLevel = (level: LogLevel) => app.onLogLevel?.(level);
  using _signals = followSignals({
    SIGTERM: leave,
    SIGHUP: options.handsOver
      // A terminal that is closed tells all processes.
      ? () => reopenLog(logger)
      : options.reloads
      ? leave
      : () => openLogAgain(logger, options),
    SIGINT: options.leavesOnInt ? leave : () => Deno.exit(130),
    SIGQUIT: () => Deno.exit(131),
  }, { ...options, logger, onLevel });
  const [port, token] = control.split(":");
  using _watch = takeEarlyWatch() ??
    watchMaster(Number(port), stopLimitMs(options.stopTimeoutMs));
  const connecting = ControlClient.connect(Number(port), {
    token: token!,
    index: Number(index),
  }, {
    onMasterGone: () => {
      logger.warn("the master is gone: leaving");
      leaving.begin();
    },
    onMessage: ({ logLevel }) => {
      if (logLevel === undefined) return;
      setLogLevel(logger, logLevel);
      onLevel(logLevel);
    },
  });
  // Nobody is there whom an error would tell anything.
  const line = await connecting.catch(async () => {
    logger.warn("the master is gone: ending");
    await flushLog(logger);
    Deno.exit(1);
  });
  const report = () => {
    if (options.metrics !== undefined) line.sendStats(app.stats?.());
  };
  const reporting = setInterval(report, STATS_MS);
  const place: ChildPlace = {
    index: Number(index),
    siblings: line,
    note,
    leaveNote: (note) => line.send({ note }),
    gaveAll: () => line.send({ given: true }),
    waitsFor: (waiting) => line.send({ waiting }),
    leaveForAnother(why) {
      line.send({ replace: why });
      leave();
    },
  };
  const started = !leaving.begun && await startOrLeave(app, leaving, place)
    .catch((error) => endRefused(error, logger));
  if (started) {
    report();
    line.send({ ready: true });
  }
  unhandled.started();
  await leaving.over;
  clearInterval(reporting);
  line.close();
  await leaving.endProcess();
}

// An address or a place that a child cannot have: a line says why, and a stack nothing more.
async function endRefused(error: unknown, logger: Logger): Promise<never> {
  const isRefused = error instanceof Error && "code" in error &&
    error.code === "listen";
  if (!isRefused) throw error;
  logger.error(error.message);
  await writeOutLogs();
  Deno.exit(1);
}

async function runMaster(options: RunAppOptions, app: Runnable): Promise<void> {
  const command = selfCommand(options.childFlags);
  setProcessName("maple-master");
  const logger = app.makeLogger("master");
  const access = accessOf(options, app);
  let master: Master | undefined;
  let exitCode: number | undefined;
  const stopNow = (code: number) => {
    if (!master) Deno.exit(code);
    exitCode = code;
    master.stopNow();
  };
  let signalled = false;
  const stop = () => {
    if (!master) Deno.exit(0);
    signalled = true;
    master.stop();
  };
  // From the beginning on: while a port is waited for there are no children yet, but a HUP must not
  // end what starts.
  using _signals = followSignals({
    SIGTERM: stop,
    SIGHUP: () => {
      if (options.handsOver) reopenLog(logger);
      if (options.reloads) void master?.reload();
      else openLogAgain(logger, options);
      renew(access, logger);
    },
    SIGINT: options.leavesOnInt ? stop : () => stopNow(130),
    SIGQUIT: () => stopNow(131),
  }, { ...options, logger, onLevel: (level) => master?.setLogLevel(level) });
  await using _status = await serveStatusOf(options, app, {
    logger,
    access,
    healthy: () => master?.healthy ?? false,
    processes: () => master?.processes() ?? [],
  });
  // The module runs here too, and what is wrong with it must not end all children.
  using unhandled = watchUnhandled(logger);
  unhandled.started();
  const env = {
    ...await app.beforeChildren?.(logger),
    [CHILD_ENV.STOP_LIMIT]: String(stopLimitMs(options.stopTimeoutMs)),
  };
  const { role } = app;
  const started = master = new Master(options, {
    startChild: (start) => new ChildProcess(command, { ...start, role, env }),
    logger,
    ...options.endsWithChild && {
      onLoss: ({ name }, { how, code = 1 }) => {
        const line = `${name} ended: ${how}; so does this program`;
        if (code === 0) logger.info(line);
        else logger.error(line);
        exitCode = code;
        started.stop();
      },
    },
  });
  using _abort = onAbort(options.signal, () => started.stop());
  started.ready().then(() => tellReady(app, logger));
  await started.ended();
  if (exitCode !== undefined) {
    await writeOutLogs();
    Deno.exit(exitCode);
  }
  if (signalled) endSoon(logger);
}

function tellReady(app: Runnable, logger: Logger): void {
  printLine(app.readyLine());
  tellServiceManager("READY=1", logger);
}

function accessOf(
  { metrics: address, metricsAccess }: RunAppOptions,
  { metrics }: Runnable,
): StatusAccess | undefined {
  return address === undefined || !metrics || !metricsAccess
    ? undefined
    : new StatusAccess(metricsAccess);
}

function renew(access: StatusAccess | undefined, logger: Logger): void {
  try {
    access?.renew();
  } catch (error) {
    logger.error(
      `SIGHUP: the tokens of the metrics stay as they are: ${
        (error as Error).message
      }`,
    );
  }
}

async function serveStatusOf(
  { metrics: address, metricsHosts: hosts, bindTimeout }: RunAppOptions,
  { metrics }: Runnable,
  source: StatusSource,
): Promise<AsyncDisposable | undefined> {
  if (address === undefined || !metrics) return undefined;
  const { logger } = source;
  return await whenFree(
    () => serveProcessStatus(address, metrics, { ...source, hosts }),
    { bindTimeout, logger },
  );
}

// Whether it was started before it was closed or given up.
function startOrLeave(
  app: Runnable,
  leaving: Leaving,
  place?: ChildPlace,
): Promise<boolean> {
  return Promise.race([
    app.start(place).then(() => true),
    leaving.over.then(() => false),
  ]);
}

function openLogAgain(
  logger: Logger,
  { hupRemark }: Pick<RunAppOptions, "hupRemark">,
): void {
  reopenLog(logger);
  const remark = hupRemark === undefined ? "" : `: ${hupRemark}`;
  logger.info(`SIGHUP: the log is opened again, nothing else changes${remark}`);
}
