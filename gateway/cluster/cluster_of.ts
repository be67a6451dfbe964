// clusterOf: the cluster that a gateway's options put it into.

import { fail } from "../errors.ts";
import type { ResolvedOptions } from "../option_table.ts";
import type { Bus } from "./bus.ts";
import { Cluster, type ClusterOptions } from "./cluster.ts";
import { checkClusterFiles } from "./cluster_options.ts";
import { NatsBus } from "./nats_bus.ts";
import { parseNatsServers } from "./nats_servers.ts";

// What is beside a frame in its pieces.
const BESIDE_BYTES = 64 * 1024;

/**
 * The cluster that a gateway's options put it into; undefined when it is the only gateway.
 *
 * @throws {GatewayError} with one line, when a file cannot be used that they name.
 */
export function clusterOf(
  options: ResolvedOptions,
  more: Pick<
    ClusterOptions,
    "nodeId" | "logger" | "counters" | "hello" | "afterOthers"
  >,
): Cluster | undefined {
  const { clusterName } = options;
  const bus = busOf(options, more);
  return bus &&
    new Cluster({
      ...more,
      bus,
      name: clusterName,
      bytesMax: bytesOf(options),
    });
}

function busOf(
  options: ResolvedOptions,
  { logger }: Pick<ClusterOptions, "logger">,
): Bus | undefined {
  const { bus, cluster, clusterName } = options;
  if (bus || cluster === "") return bus;
  checkClusterFiles(options);
  return new NatsBus({
    servers: parseNatsServers("Option cluster", cluster, fail),
    credentials: {
      credsFile: options.clusterCreds,
      caFile: options.clusterTlsCa,
      certFile: options.clusterTlsCert,
      keyFile: options.clusterTlsKey,
    },
    clusterName,
    bytesMax: bytesOf(options),
    logger,
  });
}

// A frame can be passed on however little room there is.
function bytesOf({ clusterBytes, innerFrameBytes }: ResolvedOptions): number {
  return Math.max(clusterBytes, innerFrameBytes + BESIDE_BYTES);
}
