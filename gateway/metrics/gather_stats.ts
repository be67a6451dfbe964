// What the queue, the sessions and the process tell of themselves, for a gateway's statistics.

import type { GatewayContext } from "../context.ts";
import { copyCounters } from "./counter_values.ts";

const LARGEST_GROUPS = 10;

/**
 * What the parts that a gateway shares and its process tell.
 *
 * @param now In milliseconds of `performance.now`.
 */
export function gatherStats(context: GatewayContext, now: number) {
  const { sessions, groups, fanOut, queue, dispatcher, clientLimits, cluster } =
    context;
  return {
    ...copyCounters(context.counters),
    ...(cluster && { clusterNotPassedOn: cluster.notCarried }),
    queueStops: { ...queue.room.stops },
    refusedByAddress: { ...clientLimits.refused },
    ratesExceeded: { ...clientLimits.exceeded },
    clients: sessions.size,
    slowed: clientLimits.rates.slowed,
    addresses: clientLimits.addresses.size,
    denied: clientLimits.addresses.denied,
    bans: clientLimits.addresses.bans.size,
    limitedAddresses: clientLimits.limitedAddresses,
    bufferBytes: context.memory.bytes,
    clientsPeak: sessions.peak,
    users: sessions.users,
    groups: groups.count,
    groupMembers: groups.memberships,
    largestGroups: groups.largest(LARGEST_GROUPS),
    fanOutBytes: fanOut.bytes,
    idleCredits: dispatcher.idleCredits,
    queued: queue.size,
    queuedPeak: queue.peak,
    queuedBytes: queue.bytes,
    queuedNews: queue.room.news,
    heldBack: queue.room.heldBack,
    inHand: dispatcher.inHand,
    delivered: dispatcher.delivered,
    acknowledged: dispatcher.acknowledged,
    ...dispatcher.chainCounts,
    chains: dispatcher.chains,
    redelivered: dispatcher.redelivered,
    givenUp: dispatcher.givenUp,
    oldestSeconds: Math.max(0, now - (queue.oldestAt ?? now)) / 1000,
    io: context.options.io,
    rss: Deno.memoryUsage().rss,
    pid: Deno.pid,
  };
}
