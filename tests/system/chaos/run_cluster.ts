// runClusterChaos: gateways that are one over a bus, workers and users under mischief, and what
// came of it.

import type { GatewayStats } from "@maple/gateway";
import { Random } from "../../helpers/random.ts";
import { ChaosCluster, PATIENCE_MS } from "./chaos_cluster.ts";
import type { ClientTotals } from "./chaos_client.ts";
import type { ClusterTotals } from "./cluster_client.ts";
import { ClusterMischief } from "./cluster_mischief.ts";
import type { Deliveries, DeliverySums } from "./deliveries.ts";
import { ChaosEvents } from "./events.ts";
import type { HandledSummary } from "./handled_log.ts";
import { Replacing } from "./replacing.ts";
import { TriggerMessages } from "./trigger_messages.ts";
import { leaveInOrder } from "./worker_group.ts";

/** What is run. */
export interface ClusterChaosOptions {
  /** Determines which mischief is done, in which order. */
  readonly seed: number;
  /** How many gateways. */
  readonly gateways: number;
  /** For how long. @default {60} */
  readonly seconds?: number;
  /** How many clients, each of which is a user. @default {200} */
  readonly clients?: number;
  /** How many masters, each with two children. @default {3} */
  readonly masters?: number;
  /** Seconds from one death of the bus to the next. @default none: it lives */
  readonly killBusEvery?: number;
  /** Seconds from one death of a gateway to the next. @default none: they live */
  readonly killGatewayEvery?: number;
  /** Seconds from one handover to the next, of one gateway after the other. @default none */
  readonly handoverEvery?: number;
}

/** What came of it. */
export interface ClusterChaosResult {
  /** What the clients have seen of requests. */
  readonly totals: ClientTotals;
  /** What they have counted besides. */
  readonly more: ClusterTotals;
  /** What came of the messages. */
  readonly sums: DeliverySums;
  /** What is wrong with those that came. */
  readonly deliveries: Deliveries;
  /** What the handlers have seen. */
  readonly handled: HandledSummary;
  /** The counters of the gateways that there are at the end. */
  readonly stats: readonly GatewayStats[];
  /** What was done. */
  readonly events: ChaosEvents;
  /** Messages of the trigger that a gateway has taken. */
  readonly triggered: number;
  /** Messages of the trigger that none has taken. */
  readonly untaken: number;
  /** Seconds that the clients sent for. */
  readonly seconds: number;
  /** Requests that were never answered. */
  readonly lost: number;
  /** What is not as it must be; empty when all is well. */
  readonly faults: string[];
}

const CHILDREN = 2;
const DEPTHS = [1, 1, 1, 4];

/**
 * Runs it. Faults are told in the result.
 *
 * @throws {Error} with the seed and the last events when it cannot be run to its end.
 */
export async function runClusterChaos(
  options: ClusterChaosOptions,
): Promise<ClusterChaosResult> {
  const events = new ChaosEvents();
  try {
    return await run(options, events);
  } catch (cause) {
    throw new Error(
      `The run with seed ${options.seed} broke off: ${
        (cause as Error).message
      }; the last events:\n${events.last.join("\n")}`,
      { cause },
    );
  }
}

async function run(
  options: ClusterChaosOptions,
  events: ChaosEvents,
): Promise<ClusterChaosResult> {
  const { seed, clients: users = 200, masters = 3, seconds = 60 } = options;
  const random = new Random(seed);
  // Other kinds of chaos do without it, and without the line that says that it is missing.
  const { NatsServer } = await import("../../helpers/nats_server.ts");
  await using nats = await NatsServer.start();
  await using cluster = await ChaosCluster.start({
    ...{ users, masters, children: CHILDREN, depths: DEPTHS, events },
    buses: Array.from({ length: options.gateways }, () => nats.url),
    mayBeCut: options.killGatewayEvery !== undefined,
    handovers: options.handoverEvery !== undefined,
    random: random.fork(),
  });
  const { deliveries, totals, more } = cluster;
  await using trigger = new TriggerMessages({
    seed: cluster.gateways[0]!.inner,
    random: random.fork(),
    ...{ users, deliveries, events },
  });
  await using mischief = new ClusterMischief({
    ...{ cluster, nats, events },
    random: random.fork(),
    killBusEvery: options.killBusEvery,
    killGatewayEvery: options.killGatewayEvery,
  });
  const { handoverEvery } = options;
  await using replacing = handoverEvery === undefined
    ? undefined
    : new Replacing(() => cluster.nextHost(), handoverEvery, events);
  const begun = performance.now();
  cluster.maySend = true;
  for (const user of cluster.users) user.start();
  trigger.start();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const lasted = (performance.now() - begun) / 1000;
  cluster.maySend = false;
  events.note("the users send no more");
  await trigger.stop();
  await mischief.stop();
  await replacing?.[Symbol.asyncDispose]();
  await cluster.untilAnswered().catch(() =>
    events.note("the users wait in vain")
  );
  await deliveries.untilQuiet();
  const stats = await Promise.all(cluster.serving.map((one) => one.stats()));
  const faults = await leave(cluster);
  if (replacing?.failure !== undefined) faults.push(replacing.failure);
  const result: ClusterChaosResult = {
    ...{ totals, more, deliveries, stats, events, faults },
    sums: deliveries.sums(),
    handled: await cluster.handled(),
    triggered: trigger.taken,
    untaken: trigger.untaken,
    seconds: lasted,
    lost: cluster.users.reduce((sum, { waiting }) => sum + waiting, 0),
  };
  faults.push(...findFaults(result, options));
  return result;
}

// The workers leave in order, then the clients; tells what is left.
async function leave(
  { serving, groups, users }: ChaosCluster,
): Promise<string[]> {
  const faults = await leaveInOrder(groups, PATIENCE_MS);
  for (const user of users) await user[Symbol.asyncDispose]();
  for (const [i, gateway] of serving.entries()) {
    if (!await gateway.reaches({ innerLinks: 0, clients: 0 })) {
      faults.push(`gateway ${i} still counts workers or clients`);
    }
  }
  return faults;
}

/** Messages that gateways have not passed on, or dropped, by what they are called in a report. */
export function notPassedOn(
  stats: readonly GatewayStats[],
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { clusterNotPassedOn, clusterDropped } of stats) {
    for (const [kind, count] of Object.entries(clusterNotPassedOn)) {
      sums[`not passed on: ${kind}`] = (sums[`not passed on: ${kind}`] ?? 0) +
        count;
    }
    for (const [kind, count] of Object.entries(clusterDropped)) {
      sums[`dropped: ${kind}`] = (sums[`dropped: ${kind}`] ?? 0) + count;
    }
  }
  return sums;
}

function findFaults(
  { totals, deliveries, sums, handled, lost, stats, untaken }:
    ClusterChaosResult,
  { killBusEvery, killGatewayEvery }: ClusterChaosOptions,
): string[] {
  const none: Record<string, number> = {
    "requests were never answered": lost,
    "requests were answered twice": totals.answeredTwice,
    "answers were out of order": totals.outOfOrder,
    "answers belong to others": totals.foreign,
    "requests were refused": totals.refused,
    "requests were given up": totals.givenUp,
    "requests were handled twice and not marked": handled.unmarked,
    "messages were lost": sums.lost,
    "messages came twice": deliveries.doubled,
    "messages came to the wrong user": deliveries.wrongUser,
    "messages came out of order": deliveries.outOfOrder,
    "tasks still wait or are in hand": stats.reduce(
      (sum, { queued, inHand }) => sum + queued + inHand,
      0,
    ),
  };
  if (killGatewayEvery === undefined) {
    none["clients were disconnected"] = totals.disconnected;
    none["messages of the trigger were not taken"] = untaken;
  }
  if (killBusEvery === undefined) {
    for (const [what, count] of Object.entries(notPassedOn(stats))) {
      none[`messages were ${what}`] = count;
    }
  }
  return Object.entries(none).filter(([, count]) => count !== 0)
    .map(([what, count]) => `${count} ${what}`);
}
