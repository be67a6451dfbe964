// Socket addresses as the calls of Linux take and give them (`sockaddr_in`, `sockaddr_in6`).

import { ipFromBytes, parseIpv4, parseIpv6 } from "../ip_address.ts";

const AF_INET = 2;
const AF_INET6 = 10;
// Where the parts of each begin.
const PORT_AT = 2;
const IPV4_AT = 4;
const IPV4_BYTES = 16;
const IPV6_AT = 8;
const IPV6_BYTES = 28;
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The form of the system of an IP address and a port; undefined where the text is a name. */
export function encodeSocketAddress(
  hostname: string,
  port: number,
): Uint8Array | undefined {
  const ipv4 = parseIpv4(hostname);
  if (ipv4 !== undefined) {
    const bytes = new Uint8Array(IPV4_BYTES);
    const view = new DataView(bytes.buffer);
    // The family in the processor's order, all else with the high byte first.
    bytes[0] = AF_INET;
    view.setUint16(PORT_AT, port);
    view.setInt32(IPV4_AT, ipv4);
    return bytes;
  }
  const groups = parseIpv6(hostname);
  if (!groups || hostname.includes("%")) return undefined;
  const bytes = new Uint8Array(IPV6_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = AF_INET6;
  view.setUint16(PORT_AT, port);
  groups.forEach((group, i) => view.setUint16(IPV6_AT + i * 2, group));
  return bytes;
}

/** Address and port from the form of the system, written as Deno writes them. */
export function decodeSocketAddress(bytes: Uint8Array): Deno.NetAddr {
  const port = bytes[PORT_AT]! * 256 + bytes[PORT_AT + 1]!;
  return { transport: "tcp", hostname: hostnameOf(bytes), port };
}

function hostnameOf(bytes: Uint8Array): string {
  if (bytes[0] !== AF_INET6) return dotted(bytes, IPV4_AT);
  const ip = bytes.subarray(IPV6_AT, IPV6_AT + 16);
  return MAPPED.every((byte, i) => ip[i] === byte)
    ? `::ffff:${dotted(ip, MAPPED.length)}`
    : ipFromBytes(ip, true);
}

function dotted(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}
