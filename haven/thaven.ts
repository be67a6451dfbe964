// THaven: a haven server in several threads that share the port.

import type { BoxClass, BoxFields } from "@maple/box";
import {
  flushLog,
  type Logger,
  Master,
  returnToFolder,
  runApp,
  selfCommand,
  SHARING_FLAG,
  workingFolder,
} from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import type { Flavour, FlavourApp } from "./flavour.ts";
import { Haven, type HavenOptions } from "./haven.ts";
import type { Ports, ResolvedRun } from "./resolve_options.ts";
import {
  checkPortSharing,
  findPorts,
  portsEnv,
  readyLine,
  takePorts,
} from "./ports.ts";
import { refusePlace } from "./run_handing_over.ts";
import type { UntypedState } from "./state.ts";
import { runThread, Thread, threadIdentity } from "./thread.ts";

/**
 * A haven server in several threads of one process: `workers: N` Web Workers share the port. One
 * that ends is replaced; one whose event loop is blocked for longer than `workTimeout` is replaced
 * with its process, and so with the clients of all threads: Deno cannot end it alone. State is not
 * shared: each thread has its own variables and knows its own connections only. Users are: a
 * message to users reaches those of all threads, and a uid is logged in once.
 *
 * The module that calls `run` runs in the main thread and in each of the others; what stands behind
 * `run` is done in the main thread only. More than one thread needs a system that spreads
 * connections over the listeners of one port, Linux. The program starts itself again as a child
 * process, in which the threads are.
 *
 * @typeParam F The fields of the boxes' header.
 * @typeParam S What `request.state` holds.
 * @typeParam C What `conn.state` holds.
 *
 * @example
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { THaven } from "@maple/haven";
 *
 * const app = new THaven(Box);
 * app.route(1, (request) => ({ body: request.box.body }));
 * await app.run("127.0.0.1", 7777, { workers: 4 });
 * ```
 */
export class THaven<
  F extends object = BoxFields,
  S extends object = UntypedState,
  C extends object = UntypedState,
> extends Haven<F, S, C> {
  /**
   * Makes a server, which does nothing until it runs or listens.
   *
   * @param boxClass The class of the clients' boxes.
   * @param options See `HavenOptions`.
   */
  constructor(boxClass: BoxClass<F>, options: HavenOptions = {}) {
    super(boxClass, options, runInThreads);
  }
}

const WHY_NO_HANDOVER =
  "threads do not hand clients over, a Haven and a GHaven do";

const runInThreads: Flavour = async (options, app) => {
  const thread = threadIdentity();
  if (thread) return await runThread(thread, options, app);
  const { workers, io } = options;
  // What a thread has of the system it would keep when it ends.
  if (workers > 0 && io !== "deno") {
    throw new HavenError(
      "option",
      `Option io must be deno in the threads of a THaven, got ${io}; a Haven and a GHaven take both`,
    );
  }
  if (workers > 1) checkPortSharing(workers, io);
  // Threads run the main module: it has to be a program's.
  if (workers > 0) selfCommand();
  let ports = takePorts();
  let logger: Logger | undefined;
  let master: Master | undefined;
  await runApp({
    ...options,
    stopTimeoutMs: options.leaveTimeoutMs,
    // A process of their own: a thread that computes for ever can be ended with it only.
    workers: workers > 0 ? 1 : 0,
    reloads: false,
    hupRemark: WHY_NO_HANDOVER,
    leavesOnInt: true,
    // The threads are watched; that process does nothing that could block it.
    workTimeoutMs: 0,
    childFlags: workers > 1 ? [SHARING_FLAG] : [],
  }, {
    ...app,
    makeLogger: (role) =>
      // The only child of the program is, for its log, no child.
      logger = app.makeLogger(role === "master" ? role : "haven"),
    onLogLevel: (level) => master?.setLogLevel(level),
    start: async (place) => {
      refusePlace(place?.note, WHY_NO_HANDOVER);
      if (workers === 0) return await app.listen(options);
      ports ??= await findPorts(options, logger!);
      master = threadMaster(options, ports, logger!);
      await startThreads(master, app);
    },
    beforeChildren: async (logger) =>
      portsEnv(ports = await findPorts(options, logger)),
    readyLine: () => readyLine(options.host, ports ?? app.ports()),
  });
};

function threadMaster(
  options: ResolvedRun,
  ports: Ports,
  logger: Logger,
): Master {
  const folder = workingFolder();
  const onKill = (thread: string, why: string) => {
    if (master.stopping) return;
    logger.error(
      `${thread}: ${why}; a thread that blocks cannot be ended alone, so its process is, with the clients of all threads, and another is started`,
    );
    void flushLog(logger).then(() => Deno.exit(1));
  };
  const master: Master = new Master({
    workers: options.workers,
    workTimeoutMs: options.workTimeoutMs,
    stopTimeoutMs: options.leaveTimeoutMs,
    reloadTimeoutMs: 0,
  }, {
    startChild: (start) => {
      // Without a working folder a new thread dies at once.
      if (folder !== undefined) returnToFolder(folder, `thread ${start.index}`);
      return new Thread(start, ports, onKill);
    },
    logger,
  });
  return master;
}

// Resolves when all threads are ready.
async function startThreads(master: Master, app: FlavourApp): Promise<void> {
  app.closesFirst(async () => {
    master.stop();
    await master.ended();
  });
  await Promise.race([master.ready(), app.closed]);
}
