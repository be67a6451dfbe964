// The offer of a gateway that can be handed over, and the header of its state.

import config from "../deno.json" with { type: "json" };
import type { GatewayContext } from "../context.ts";
import { copyCounters } from "../metrics/counter_values.ts";
import type { HandoverStats } from "../metrics/stats.ts";
import type { ResolvedOptions } from "../option_table.ts";
import type { LinkNo } from "../queue/queued_task.ts";
import {
  type ClusterPieces,
  FORMAT,
  FORMAT_VERSION,
  type Identity,
  LAYOUTS,
  type Offer,
  type StateHeader,
} from "./format.ts";
import type { HandoverHost } from "./handover_host.ts";
import { changesFrom, needsOf, settingsOf } from "./needs.ts";
import type { Parts } from "./parts.ts";

/** What a header has beside what its gateway has. */
export interface HeaderPieces {
  /** What was offered, as it is now. */
  readonly offer: Offer;
  /** When nothing moved any more, in milliseconds of `Date.now()`. */
  readonly wall: number;
  /** The numbers of the links in what is written. */
  readonly noOf: LinkNo;
  /** The handovers until now. */
  readonly handovers: HandoverStats;
  /** What the program around it gives. */
  readonly program: unknown;
}

/**
 * What a gateway offers.
 *
 * @param generation Of how many it is the last that have taken each other's place.
 * @param isOpen Whether its own door goes along.
 */
export function offerOf(
  { parts: { context, links }, ports }: HandoverHost,
  generation: number,
  isOpen: boolean,
): Offer {
  const { options, tag, sessions } = context;
  let leftBehind = 0;
  for (const { transport, relayedBy } of sessions.all()) {
    if (relayedBy !== 0) continue;
    if (transport === "tls" || transport === "wss") leftBehind++;
  }
  return {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    version: config.version,
    pid: Deno.pid,
    generation,
    ...{ tag, ...identityOf(context) },
    needs: needsOf(context, links.all()),
    leftBehind,
    settings: settingsOf(options),
    listeners: [
      ...ports.given().map(({ name, host, listener }) => ({
        name,
        host,
        port: listener.addr.port,
      })),
      ...isOpen ? [{ name: "handover", host: options.handover, port: 0 }] : [],
    ],
    kept: ports.kept(),
  };
}

/** What comes first in the state of a gateway. */
export function headerOf(
  host: HandoverHost,
  { offer, wall, noOf, handovers, program }: HeaderPieces,
): StateHeader {
  const { parts, watches } = host;
  const { context, clients, measures } = parts;
  const { startedAt, listeningSince } = host.age();
  return {
    ...offer,
    now: performance.now() - (Date.now() - wall),
    wall,
    startedAt: startedAt.toISOString(),
    listeningSince,
    watchStepMs: watches.clientStepMs,
    layouts: LAYOUTS,
    parts: {
      clients: clients.give(),
      sessions: { peak: context.sessions.peak },
      limits: context.clientLimits.give(),
      queue: context.queue.give(),
      dispatcher: context.dispatcher.give(noOf),
      counters: copyCounters(context.counters),
      measures: measures.give(),
      handovers,
      process: host.counts(),
      cluster: clusterPieces(parts),
    },
    program,
  };
}

/** What another gateway has, and what one with these options would change, in lines. */
export function describeOffer(
  offer: Offer,
  options: ResolvedOptions,
): string[] {
  const { needs, version, pid, generation, leftBehind } = offer;
  const changes = changesFrom(offer, settingsOf(options));
  return [
    `gateway ${version}, process ${pid}, generation ${generation}`,
    ...offer.cluster
      ? [`node ${offer.nodeId} of cluster ${offer.cluster}`]
      : [],
    `takes: ${needs.connsMax} clients, ${needs.innerConnsMax} workers and triggers, ${needs.queueMax} tasks that wait (${needs.queueBytes} bytes), ${needs.groupsMax} groups, ${
      offer.listeners.map(({ name }) => name).join(", ")
    } listeners`,
    ...leftBehind > 0
      ? [
        `stays: process ${pid}, for ${leftBehind} clients over TLS that ends in it`,
      ]
      : [],
    `changes: ${changes.length > 0 ? changes.join(", ") : "nothing"}`,
  ];
}

/** Who it is, beside its tag. */
export function identityOf(
  { options, cluster }: GatewayContext,
): Omit<Identity, "tag"> {
  const { nodeId, boxClass, order } = options;
  return {
    ...{ nodeId, order, cluster: cluster?.name ?? "" },
    boxFields: boxClass.fieldNames.join(),
  };
}

function clusterPieces(
  { context: { cluster, logins }, clusterCommands }: Parts,
): ClusterPieces | undefined {
  return cluster && {
    ...cluster.give(),
    ofLogins: logins!.give(),
    lastGathering: clusterCommands!.gatherings.lastNo,
  };
}
