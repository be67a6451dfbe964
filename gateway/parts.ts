// What a gateway is made of, and how the parts know each other.

import type { BanOptions } from "@maple/box";
import {
  ClientLimits,
  createLogger,
  FanOut,
  GroupTable,
  LameDuck,
  type MemoryHolder,
  MemoryLimit,
  Running,
  SessionTable,
} from "@maple/box/internal";
import { Certificates } from "./certificates.ts";
import { ClusterCommands } from "./cluster/cluster_commands.ts";
import { clusterOf } from "./cluster/cluster_of.ts";
import type { OwnHello } from "./cluster/hello.ts";
import { Lending } from "./cluster/lending.ts";
import { Logins } from "./cluster/logins.ts";
import type { GatewayContext } from "./context.ts";
import { Drain } from "./drain.ts";
import { Handover } from "./handover/handover.ts";
import type { HandoverHost } from "./handover/handover_host.ts";
import { ClientCommands } from "./inner/client_commands.ts";
import { InnerDoor } from "./inner/inner_door.ts";
import { InnerLinks } from "./inner/inner_links.ts";
import { PullCommands } from "./inner/pull_commands.ts";
import { InnerAccess } from "./inner_access.ts";
import { newCounters } from "./metrics/counter_values.ts";
import { Measures } from "./metrics/measures.ts";
import type { GatewayOptions } from "./options.ts";
import type { ClientSession } from "./outer/client_session.ts";
import { Clients } from "./outer/clients.ts";
import { Ports } from "./ports.ts";
import { Dispatcher } from "./queue/dispatcher.ts";
import { TaskQueue } from "./queue/task_queue.ts";
import { deniedOf } from "./read_options.ts";
import { resolveOptions } from "./resolve_options.ts";
import { Watches } from "./watches.ts";

/** What the parts want of the gateway as a whole. */
export interface GatewayWhole
  extends Pick<HandoverHost, "age" | "counts" | "onGiven"> {
  /** What it tells the others of its cluster. */
  hello(): OwnHello;
  /** Begins or ends a ban, as somebody has asked; gives how many clients it has closed. */
  ban(options: BanOptions, by: string): number;
  /** Leaves, over so many seconds. */
  leave(seconds: number): Promise<void>;
}

/** What a gateway is made of. */
export interface GatewayParts {
  /** What most of them share. */
  readonly context: GatewayContext;
  /** The clients. */
  readonly clients: Clients;
  /** The workers and triggers. */
  readonly links: InnerLinks;
  /** Where they come in. */
  readonly door: InnerDoor;
  /** Where both connect. */
  readonly ports: Ports;
  /** What those are shown who connect over TLS. */
  readonly certificates: Certificates;
  /** The commands that go to other gateways as well; undefined without a cluster. */
  readonly clusterCommands: ClusterCommands | undefined;
  /** Tasks that workers of another gateway work on; undefined where these have other ports. */
  readonly lending: Lending | undefined;
  /** What looks at things from time to time. */
  readonly watches: Watches;
  /** How long things take. */
  readonly measures: Measures;
  /** Has clients move. */
  readonly duck: LameDuck<ClientSession>;
  /** Waits for what is queued. */
  readonly drain: Drain;
  /** How another process takes its place. */
  readonly handover: Handover;
  /** What the end waits for. */
  readonly running: Running;
}

/**
 * Makes them; nothing is opened.
 *
 * @param whole Asked later, not meanwhile.
 * @throws {GatewayError} when an option does not fit.
 */
export function makeParts(
  options: GatewayOptions,
  whole: GatewayWhole,
): GatewayParts {
  const resolved = resolveOptions(options);
  const queue = new TaskQueue({
    ...resolved,
    onDropped: ({ session }) => {
      counters.gone++;
      session!.requestDone();
    },
  });
  const measures = new Measures((frame) => resolved.boxClass.cmdOf(frame));
  const logger = options.logger ??
    createLogger({ role: "gateway", level: "WARN" });
  const running = new Running({ logger });
  const certificates = new Certificates(resolved, logger);
  const sessions = new SessionTable<ClientSession>();
  const groups = new GroupTable<ClientSession>(resolved);
  const counters = newCounters();
  const cluster = clusterOf(resolved, {
    nodeId: options.nodeId,
    logger,
    counters,
    hello: () => whole.hello(),
    afterOthers: (work) => {
      const { io } = ports;
      // Others come to it before its ports are open, and until the last of them is closed.
      if (io) io.afterOthers(work);
      else setTimeout(work, 0);
    },
  });
  const context: GatewayContext = {
    options: resolved,
    tag: 1 + Math.floor(Math.random() * (2 ** 31 - 1)),
    logger,
    access: new InnerAccess(resolved),
    counters,
    sessions,
    groups,
    fanOut: new FanOut({
      sessions,
      groups,
      send: (session, message) => clients.send(session, message),
      afterOthers: (work) => ports.io?.afterOthers(work),
      maxBytes: () => resolved.fanOutBytes,
    }),
    queue,
    dispatcher: new Dispatcher(queue, {
      creditsMax: resolved.creditsMax,
      maxDeliveries: resolved.maxDeliveries,
      originalMaxDeliveries: resolved.originalMaxDeliveries,
      chainMax: resolved.chainMax,
      onDelivered: (task) => measures.delivered(task),
      onAcknowledged: (task) => measures.acknowledged(task),
      onFinished: (task, lost) => {
        lending?.finished(task, lost);
        drain.taskFinished();
      },
      onCleared: () => context.counters.cleared++,
    }),
    clientLimits: new ClientLimits(resolved, {
      deny: deniedOf(resolved),
      logger,
    }),
    memory: new MemoryLimit(resolved.memoryBytes, holders),
    cluster,
    logins: cluster && new Logins({
      cluster,
      sessions,
      counters,
      afterOthers: (work) => context.fanOut.afterOthers(work),
    }),
    follow: (work) => running.follow(work),
  };
  const clients = new Clients(context);
  const commands = new ClientCommands(context, {
    ban: (options, by) => whole.ban(options, by),
    // Its end is told by `finished`.
    drain: (seconds) => void whole.leave(seconds).catch(() => {}),
  });
  // Where another one may have got the workers that have come to the same port.
  const lending = cluster && resolved.reusePort
    ? new Lending(context, {
      cluster,
      workers: (): number => links.workers,
    })
    : undefined;
  const clusterCommands = cluster &&
    new ClusterCommands(context, { cluster, lending }, commands);
  const links: InnerLinks = new InnerLinks(
    context,
    new PullCommands(context),
    clusterCommands ?? commands,
  );
  const door = new InnerDoor(context, links);
  const watches = new Watches(context, links);
  const duck = new LameDuck({
    clients: () => sessions.all(),
    ask: (session, afterMs) => clients.askToMove(session, afterMs),
    showOut: (session, isLate) => clients.showOut(session, isLate),
    moveTimeout: resolved.moveTimeout,
  });
  const drain = new Drain(context);
  const ports = new Ports(context);
  const handover = new Handover({
    parts: {
      ...{ context, clients, links, door, measures },
      ...{ clusterCommands, lending },
    },
    ports,
    finish: () => commands.finish(),
    age: () => whole.age(),
    counts: () => whole.counts(),
    watches,
    onGiven: () => whole.onGiven(),
  });

  function* holders(): Iterable<MemoryHolder> {
    for (const { socket } of sessions.all()) yield socket;
    for (const { socket } of clients.leaving()) yield socket;
    for (const { socket } of links.all()) yield socket;
  }

  return {
    ...{ context, clients, links, door, ports, certificates },
    ...{ clusterCommands, lending, watches, measures },
    ...{ duck, drain, handover, running },
  };
}
