// clusterOf: the cluster that a gateway's options put it into.

import type { ResolvedOptions } from "../option_table.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";

/** The cluster that a gateway's options put it into; undefined when it is the only gateway. */
export function clusterOf(
  { bus, clusterName, clusterBytes, innerFrameBytes }: ResolvedOptions,
  more: Pick<ClusterOptions, "nodeId" | "logger" | "counters" | "hello">,
): Cluster | undefined {
  return bus && new Cluster({
    ...more,
    bus,
    name: clusterName,
    messageBytes: innerFrameBytes * 2,
    totalBytes: clusterBytes,
  });
}
