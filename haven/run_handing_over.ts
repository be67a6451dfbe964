// runHandingOver: how a haven server is run that HUP replaces: a master that stays, and child
// processes that serve and hand their clients over to the next ones.

import {
  CHILD_ENV,
  mayTakeEnv,
  openIo,
  runApp,
  selfCommand,
} from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import type { FlavourApp } from "./flavour.ts";
import {
  findPorts,
  type FoundPorts,
  portsEnv,
  readyLine,
  takePorts,
} from "./ports.ts";
import type { Ports, ResolvedRun } from "./resolve_options.ts";

/**
 * Why HUP cannot start another process that takes all clients over; undefined when it can.
 */
export function whyNoHandover(
  { io, workers }: ResolvedRun,
): string | undefined {
  if (io !== "epoll") return 'clients are handed over with io: "epoll" only';
  if (workers === 0) return "clients are handed over with workers: 1 or more";
  let program: string;
  try {
    ({ program } = selfCommand());
  } catch (error) {
    return (error as Error).message;
  }
  // It need not start anything but itself.
  const mayRun = Deno.permissions.querySync({ name: "run", command: program })
    .state === "granted";
  const mayKnow = [CHILD_ENV.INDEX, CHILD_ENV.CONTROL, CHILD_ENV.NOTE]
    .every(mayTakeEnv);
  const missing = [...mayRun ? [] : ["run"], ...mayKnow ? [] : ["env"]];
  if (missing.length > 0) {
    return `clients are handed over with ${
      missing.map((name) => `--allow-${name}`).join(" and ")
    } only`;
  }
  try {
    void openIo(io).close();
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

/** Runs one; where {@linkcode whyNoHandover} gives nothing. */
export async function runHandingOver(
  options: ResolvedRun,
  app: FlavourApp,
  more: { readonly endsWithChild: boolean; readonly workTimeoutMs: number },
): Promise<void> {
  let ports: FoundPorts | undefined = takePorts();
  // The code may come to say something else: there are as many as when the master began.
  const { workers = options.workers } = ports ?? {};
  const isOne = workers === 1;
  await runApp({
    ...options,
    ...more,
    workers,
    stopTimeoutMs: options.leaveTimeoutMs,
    reloads: true,
    handsOver: true,
    leavesOnInt: true,
  }, {
    ...app,
    makeLogger(role) {
      // The only child of the program is, for its log, no child.
      const isChild = role !== "master";
      const logger = app.makeLogger(isChild && isOne ? app.role : role);
      if (isChild && workers !== options.workers) {
        logger.warn(
          `Option workers is ${options.workers} now and ${workers} run: only a restart changes that`,
        );
      }
      return logger;
    },
    start: (place) =>
      app.listen({
        ...options,
        ...foundPorts(options, ports),
        reusePort: !isOne,
        siblings: isOne ? undefined : place?.siblings,
        handover: place && {
          from: place.note,
          leaveNote: (at) => place.leaveNote(at),
          gaveAll: () => place.gaveAll(),
        },
      }, place?.index),
    beforeChildren: async (logger) => {
      ports = await findPorts(options, logger);
      return portsEnv({ ...ports, workers });
    },
    readyLine: () => readyLine(options.host, ports ?? app.ports()),
  });
}

/**
 * Does nothing in a process that was not started to take the place of another.
 *
 * @throws {HavenError} `listen` in one that was: its code does not hand over.
 */
export function refusePlace(note: string | undefined, why: string): void {
  if (note === undefined) return;
  throw new HavenError(
    "listen",
    `Cannot take the place of the haven server that runs: ${why}; only a restart changes that`,
  );
}

// What the code on disk says now, but for a port that may be any.
function foundPorts(
  { port, websocketPort }: Ports,
  found: Ports | undefined,
): Ports {
  return {
    port: port === 0 ? found?.port ?? 0 : port,
    websocketPort: websocketPort === 0
      ? found?.websocketPort ?? 0
      : websocketPort,
  };
}
