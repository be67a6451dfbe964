// Which of a gateway's options are limits, and which of these can be changed while it runs.

import { PUBLIC_CONNECT_RATE, publicConnsOf } from "@maple/box/internal";
import {
  type NumberOption,
  RANGES,
  type ResolvedOptions,
} from "./option_table.ts";
import type { GatewayOptions } from "./options.ts";

/** The options that bound something, with their defaults filled in. */
export type GatewayLimits = Readonly<
  Required<
    Omit<
      GatewayOptions,
      | "outerPort"
      | "innerPort"
      | "innerOwnPort"
      | "nodeId"
      | "boxClass"
      | "outerHost"
      | "wsPort"
      | "wsPath"
      | "wsOrigins"
      | "heartbeatCmd"
      | "moveCmd"
      | "tlsPort"
      | "wssPort"
      | "tlsCert"
      | "tlsKey"
      | "proxyProtocol"
      | "deny"
      | "denyFile"
      | "rateAction"
      | "innerHost"
      | "innerSecrets"
      | "innerSecretFile"
      | "innerOpen"
      | "order"
      | "io"
      | "reusePort"
      | "handover"
      | "goneRequests"
      | "cluster"
      | "clusterName"
      | "clusterCreds"
      | "clusterTlsCa"
      | "clusterTlsCert"
      | "clusterTlsKey"
      | "innerAdvertise"
      | "bus"
      | "logger"
      | "signal"
    >
  >
>;

/** The limits that can be changed while a gateway runs: those that are looked at each time. */
export type ChangeableLimits = Pick<
  GatewayOptions,
  | "connsMax"
  | "connsPerAddress"
  | "connectRate"
  | "clientRate"
  | "clientBytesRate"
  | "rateAction"
  | "clientQueueMax"
  | "innerConnsMax"
  | "innerReserve"
  | "groupsPerClient"
  | "groupsMax"
>;

/** Their names. */
export const CHANGEABLE: readonly (keyof ChangeableLimits)[] = [
  "connsMax",
  "connsPerAddress",
  "connectRate",
  "clientRate",
  "clientBytesRate",
  "rateAction",
  "clientQueueMax",
  "innerConnsMax",
  "innerReserve",
  "groupsPerClient",
  "groupsMax",
];

// Numbers that bound nothing.
const NO_LIMITS: readonly NumberOption[] = ["outerPort", "innerPort", "nodeId"];

/** Those of the options that bound something. */
export function limitsOf(options: ResolvedOptions): GatewayLimits {
  const names = (Object.keys(RANGES) as NumberOption[])
    .filter((name) => !NO_LIMITS.includes(name));
  const { connsMax, connsPerAddress, connectRate } = options;
  return {
    ...Object.fromEntries(names.map((name) => [name, options[name]])),
    connsPerAddress: connsPerAddress ?? publicConnsOf(connsMax),
    connectRate: connectRate ?? PUBLIC_CONNECT_RATE,
  } as unknown as GatewayLimits;
}
