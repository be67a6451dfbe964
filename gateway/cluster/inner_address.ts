// innerAddress: where workers and triggers of other machines reach this gateway, as it tells them.

import { formatAddress } from "@maple/box/internal";
import { fail } from "../errors.ts";
import type { ResolvedOptions } from "../option_table.ts";
import { describeServer, parseNatsServers } from "./nats_servers.ts";

const UNSPECIFIED: readonly string[] = ["0.0.0.0", "::"];

/**
 * Where workers and triggers reach a gateway: what it was told to say, or where it listens. Where
 * that is every address of the machine it is the first one that others reach.
 *
 * @param advertised `HOST:PORT`, or empty.
 */
export function innerAddress(advertised: string, addr: Deno.NetAddr): string {
  if (advertised !== "") return advertised;
  return UNSPECIFIED.includes(addr.hostname)
    ? formatAddress({ ...addr, hostname: outwardAddress() })
    : formatAddress(addr);
}

/**
 * What is wrong with what a gateway tells of itself: the bus is elsewhere, and so may be workers,
 * which would look for it at their own machine. undefined where nothing is.
 */
export function faultOf(
  inner: string,
  { cluster }: Pick<ResolvedOptions, "cluster">,
): string | undefined {
  if (!isHere(inner)) return undefined;
  const servers = parseNatsServers("", cluster, fail);
  return servers.every((one) => isHere(describeServer(one)))
    ? undefined
    : `workers on other machines are told that this gateway is at ${inner}, where they do not reach it (innerHost, innerAdvertise)`;
}

function isHere(address: string): boolean {
  return /^(127\.|localhost:|\[?::1\]?:)/.test(address);
}

/** The first address of this machine that others reach; loopback where it may not know any. */
export function outwardAddress(): string {
  try {
    const { state } = Deno.permissions.querySync({
      name: "sys",
      kind: "networkInterfaces",
    });
    if (state === "granted") {
      const found = Deno.networkInterfaces().filter(isOutward)
        // Those of version 4 are reached by everybody.
        .sort((a, b) => a.family.localeCompare(b.family));
      if (found[0]) return found[0].address;
    }
  } catch {
    // Where the system does not tell, none is known.
  }
  return "127.0.0.1";
}

function isOutward({ address }: Deno.NetworkInterfaceInfo): boolean {
  // Loopback and what holds on one wire only.
  return !/^(127\.|169\.254\.|::1$|fe80:)/i.test(address);
}
