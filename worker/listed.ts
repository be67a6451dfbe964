// What a worker's gateways tell of each other: which are listed, and which of them it has links to.

import type { ListedGateway } from "@maple/box/internal";
import type { GatewayLink } from "./gateway_link.ts";

/** All gateways that these links' gateways list, by their addresses; most lists are the same. */
export function listedBy(
  links: readonly GatewayLink[],
): Map<string, ListedGateway> {
  const listed = new Map<string, ListedGateway>();
  for (const list of new Set(links.map(({ listed }) => listed))) {
    for (const gateway of list) listed.set(gateway.inner, gateway);
  }
  return listed;
}

/**
 * Tells whether a listed gateway is at the other end of one of these links: by one of the addresses
 * that it has for them.
 */
export function endsOf(
  links: readonly GatewayLink[],
): (gateway: ListedGateway) => boolean {
  const addresses = new Set<string | undefined>();
  for (const { name, state, gateway } of links) {
    addresses.add(name);
    if (state === "away") continue;
    addresses.add(gateway.remote).add(gateway.advertised);
  }
  return ({ inner }) => addresses.has(inner);
}
