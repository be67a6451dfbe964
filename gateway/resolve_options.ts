// Fills in the defaults of a gateway's options and checks them, each alone and together.

import { TaskOffset } from "@maple/box";
import {
  checkChoice,
  checkNumbers,
  CMD,
  IO_KINDS,
  LOCAL_PATH_MAX,
  PORT,
  RATE_ACTIONS,
  refuseRenamed,
} from "@maple/box/internal";
import { checkCluster } from "./cluster/cluster_options.ts";
import { fail, GatewayError } from "./errors.ts";
import {
  ADDRESS_RANGES,
  DEFAULTS,
  GONE_REQUESTS,
  OPTIONAL_PORTS,
  ORDERS,
  RANGES,
  RENAMED,
  type ResolvedOptions,
} from "./option_table.ts";
import type { GatewayOptions } from "./options.ts";
import {
  denyListOf,
  heartbeatsOf,
  movesOf,
  proxiesOf,
  webSocketsOf,
} from "./read_options.ts";

const OPTIONAL_RANGES = {
  ...ADDRESS_RANGES,
  wsPort: PORT,
  tlsPort: PORT,
  wssPort: PORT,
  innerOwnPort: PORT,
  heartbeatCmd: CMD,
  moveCmd: CMD,
};

/**
 * Fills in the defaults and checks every value.
 *
 * @throws {GatewayError} naming the option, its range and the value received.
 */
export function resolveOptions(options: GatewayOptions): ResolvedOptions {
  refuseRenamed(options, RENAMED, fail);
  const { logger: _, signal: __, ...rest } = options;
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const resolved: ResolvedOptions = {
    ...DEFAULTS,
    ...Object.fromEntries(given),
  };
  checkNumbers(resolved, { ...RANGES, ...OPTIONAL_RANGES }, fail);
  checkChoice("order", resolved.order, ORDERS, fail);
  checkChoice("io", resolved.io, IO_KINDS, fail);
  if (typeof resolved.reusePort !== "boolean") {
    throw fail(
      `Option reusePort must be true or false, got ${resolved.reusePort}`,
    );
  }
  checkChoice("goneRequests", resolved.goneRequests, GONE_REQUESTS, fail);
  checkChoice("rateAction", resolved.rateAction, RATE_ACTIONS, fail);
  webSocketsOf(resolved);
  heartbeatsOf(resolved);
  if (
    resolved.moveCmd !== undefined && resolved.moveCmd === resolved.heartbeatCmd
  ) {
    throw fail(
      `Options moveCmd and heartbeatCmd must differ, got ${resolved.moveCmd} for both`,
    );
  }
  movesOf(resolved);
  proxiesOf(resolved);
  denyListOf(resolved);
  if (options.originalMaxDeliveries === undefined) {
    resolved.originalMaxDeliveries = resolved.maxDeliveries;
  }
  checkHandover(resolved);
  checkPorts(resolved);
  if (resolved.innerFrameBytes < resolved.frameBytes + TaskOffset.body) {
    if (options.innerFrameBytes !== undefined) {
      throw new GatewayError(
        `Option innerFrameBytes must be at least frameBytes + ${TaskOffset.body} = ${
          resolved.frameBytes + TaskOffset.body
        }, got ${resolved.innerFrameBytes}`,
      );
    }
    resolved.innerFrameBytes = resolved.frameBytes + TaskOffset.body;
  }
  checkCluster(resolved);
  return resolved;
}

function checkHandover({ handover, io }: ResolvedOptions): void {
  if (typeof handover !== "string") {
    throw fail(`Option handover must be a path, got ${handover}`);
  }
  if (handover === "") return;
  const bytes = new TextEncoder().encode(handover).length;
  if (bytes > LOCAL_PATH_MAX || handover.includes("\0")) {
    throw fail(
      `Option handover must be a path of at most ${LOCAL_PATH_MAX} bytes, got ${
        JSON.stringify(handover)
      }`,
    );
  }
  if (io !== "epoll") {
    throw fail(
      `Option handover needs io epoll, whose connections another process can have; io is ${io}`,
    );
  }
}

// Told as what it is; to listen twice would say that another program has the port.
function checkPorts(options: ResolvedOptions): void {
  const { outerHost, outerPort, innerHost, innerPort } = options;
  const ports = [
    { name: "outerPort", host: outerHost, port: outerPort },
    ...OPTIONAL_PORTS.map((name) => ({
      name,
      host: name === "innerOwnPort" ? innerHost : outerHost,
      port: options[name] ?? 0,
    })),
    { name: "innerPort", host: innerHost, port: innerPort },
  ];
  for (const [i, one] of ports.entries()) {
    for (const other of ports.slice(i + 1)) {
      if (one.port !== other.port || one.port === 0) continue;
      if (!overlap(one.host, other.host)) continue;
      throw fail(
        `Options ${one.name} and ${other.name} must differ, got ${one.port} for both`,
      );
    }
  }
}

function overlap(host: string, other: string): boolean {
  return host === other ||
    [host, other].some((one) => ["0.0.0.0", "::"].includes(one));
}
