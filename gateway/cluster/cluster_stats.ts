// clusterStats: what a gateway tells of its cluster.

import type { ClusterGateway, ClusterStats } from "../metrics/stats.ts";
import type { Cluster } from "./cluster.ts";
import type { OwnHello } from "./hello.ts";

/**
 * What a gateway tells of its cluster; null where it is of none, or has not joined it yet.
 *
 * @param own What it tells the others of itself.
 */
export function clusterStats(
  cluster: Cluster | undefined,
  own: OwnHello,
): ClusterStats | null {
  if (!cluster?.hasJoined) return null;
  const others = cluster.members.all().map((member) =>
    gatewayOf(member.node, member, false)
  );
  return {
    name: cluster.name,
    bus: cluster.bus.name,
    state: cluster.isAlone ? "alone" : "whole",
    gateways: [gatewayOf(cluster.node, own, true), ...others]
      .sort((a, b) => a.node - b.node),
  };
}

function gatewayOf(
  node: number,
  hello: OwnHello,
  own: boolean,
): ClusterGateway {
  const { state, inner, outer, clients, users, workers } = hello;
  const { loopDelay, startedAt, version } = hello;
  return {
    ...{ node, own, state, inner, outer, clients, users, workers },
    ...{ loopDelay, startedAt, version },
  };
}
