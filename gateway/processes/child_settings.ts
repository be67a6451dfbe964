// childSettings: what one of several gateway processes goes by.

import { formatAddress, parseInner } from "@maple/box/internal";
import type { GatewayOptions } from "../options.ts";
import type { Settings } from "../settings.ts";
import { DEFAULTS } from "../option_table.ts";
import { LocalBus, type RelayAddress } from "../cluster/local_bus.ts";
import { type Part, shareOf } from "./shares.ts";
import type { SharedPorts } from "./shared_ports.ts";

/** What a parent gives one of its processes. */
export interface Given extends Part {
  /** Where the gateway is reached. */
  readonly ports: SharedPorts;
  /** By which way its messages go to the others; undefined where something else carries them. */
  readonly relay: RelayAddress | undefined;
}

/** The settings of the whole gateway as one of its processes goes by them. */
export function childSettings(settings: Settings, given: Given): Settings {
  const { gateway } = settings;
  const { index, ports: { outer, ws, tls, wss, inner, own } } = given;
  return {
    ...settings,
    // All of that is its parent's.
    logFile: undefined,
    statFile: undefined,
    metrics: undefined,
    gateway: {
      ...gateway,
      ...shareOf(gateway, given),
      outerPort: outer.port,
      wsPort: ws?.port,
      tlsPort: tls?.port,
      wssPort: wss?.port,
      innerPort: inner.port,
      innerOwnPort: own[index - 1]!,
      reusePort: true,
      ...gateway.handover && { handover: handoverOf(gateway.handover, index) },
      ...nodeOf(gateway, given),
      ...advertisedOf(gateway, given),
    },
  };
}

/** Where one of several processes is asked for its place. */
export function handoverOf(path: string, index: number): string {
  return `${path}.${index}`;
}

// Without a cluster there is nobody else who could have the number.
function nodeOf(
  gateway: GatewayOptions,
  { index, relay }: Given,
): GatewayOptions {
  const first = gateway.nodeId ?? (relay ? DEFAULTS.nodeId : undefined);
  if (first === undefined) return {};
  const nodeId = first + index - 1;
  if (!relay) return { nodeId };
  return { nodeId, clusterName: relay.clusterName };
}

// They are reached at ports that follow each other, as their own ones do.
function advertisedOf(
  { innerAdvertise = "" }: GatewayOptions,
  { index }: Given,
): GatewayOptions {
  const place = parseInner(innerAdvertise);
  if (!place) return {};
  const { host, port } = place;
  const addr = { transport: "tcp" as const, hostname: host };
  return { innerAdvertise: formatAddress({ ...addr, port: port + index - 1 }) };
}

/** What carries the messages of a process to the others, where that is its parent. */
export function busOf(
  { gateway: { nodeId, clusterBytes } }: Settings,
  { relay }: Given,
): LocalBus | undefined {
  return relay && new LocalBus({
    ...relay,
    node: nodeId!,
    waitingBytes: clusterBytes ?? DEFAULTS.clusterBytes,
  });
}
