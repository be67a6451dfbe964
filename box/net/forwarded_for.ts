// The client of an HTTP request that has come by way of proxies: X-Forwarded-For, to which each
// proxy adds whom it has got the request from.

import { IpRange, isInRanges } from "../ip_range.ts";

/**
 * The client: the last in the list that is none of our own proxies, since what stands before is
 * only what that one says.
 *
 * @param list The header.
 * @param proxies Ours.
 * @returns undefined where the list names none.
 */
export function forwardedClient(
  list: string,
  proxies: readonly IpRange[],
): string | undefined {
  let client: string | undefined;
  for (const text of list.split(",").toReversed()) {
    const address = withoutPort(text.trim());
    if (!isAddress(address)) return undefined;
    client = address;
    if (!isInRanges(address, proxies)) break;
  }
  return client;
}

// Some add the port: 192.0.2.7:4711, [2001:db8::7]:4711.
function withoutPort(text: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ??
    /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
}

function isAddress(text: string): boolean {
  return !text.includes("/") && IpRange.parse(text) !== undefined;
}
