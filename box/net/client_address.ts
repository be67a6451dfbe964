// What a client's address counts as, where connections are counted by address.

import { ipFromBytes, ipToBytes, parseIpv4 } from "../ip_address.ts";
import { IpRange } from "../ip_range.ts";
import { ipTable } from "../ip_table.ts";

// One household or machine has at least so many bits of an IPv6 address for itself.
const IPV6_BYTES = 8;

/**
 * Whom an address stands for, as text: an IPv4 address for itself, an IPv6 address for its /64,
 * which one customer of a provider has whole.
 */
export function addressName(address: string): string {
  if (parseIpv4(address) !== undefined) return address;
  const { bytes, ipv6 } = ipToBytes(address);
  if (!ipv6) return ipFromBytes(bytes, false);
  return `${ipFromBytes(bytes.fill(0, IPV6_BYTES), true)}/64`;
}

// This machine, private networks and those between a provider and its customers.
const LOCAL = ipTable([
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"],
  ...["169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
  ...["::/127", "fc00::/7", "fe80::/10"],
].map((text) => IpRange.parse(text)!));

/**
 * Whether an address is one of the public internet: behind one of this machine or of a private
 * network may be a proxy or a load balancer, with all clients there are.
 */
export function isPublicAddress(address: string): boolean {
  return LOCAL.find(address) === undefined;
}
