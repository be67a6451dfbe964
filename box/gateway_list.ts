// The gateways of a cluster, as a greeting lists them: where workers and triggers reach each.

import { parseIpv4 } from "./ip_address.ts";
import { MAX_INT32 } from "./options.ts";

/** What a gateway of a cluster is doing: `draining` = it leaves, and still has clients. */
export type ListedState = "serving" | "draining";

/** One gateway of a cluster. */
export interface ListedGateway {
  /** The number of its node. */
  readonly node: number;
  /** Where workers and triggers reach it: `HOST:PORT`, `[IPV6]:PORT`. */
  readonly inner: string;
  /** What it is doing. */
  readonly state: ListedState;
}

/** How many gateways of a list are read. */
export const LISTED_MAX = 1000;

const STATES: readonly unknown[] = ["serving", "draining"];
// No longer than a name may be.
const HOST_MAX = 253;
const ADDRESS =
  /^(?:\[(?<ipv6>[0-9a-fA-F:.]+)\]|(?<name>[^\s:[\]/@?#%]+)):(?<port>[0-9]{1,5})$/;

/**
 * Reads a list. What is no gateway with an address in it is left out, and so is what names an
 * address for the second time.
 */
export function readGatewayList(value: unknown): ListedGateway[] {
  if (!Array.isArray(value)) return [];
  const read = new Map<string, ListedGateway>();
  for (const told of value.slice(0, LISTED_MAX)) {
    const gateway = readGateway(told);
    if (gateway && !read.has(gateway.inner)) read.set(gateway.inner, gateway);
  }
  return [...read.values()];
}

/** The host and the port of a listed gateway; undefined when that is no address to connect to. */
export function parseInner(
  inner: string,
): { readonly host: string; readonly port: number } | undefined {
  const { ipv6, name, port: digits } = ADDRESS.exec(inner)?.groups ?? {};
  const host = ipv6 ?? name ?? "";
  const port = Number(digits);
  if (host === "" || host.length > HOST_MAX || !(port >= 1 && port <= 65535)) {
    return undefined;
  }
  if (parseIpv4(host) === 0 || /^[0:]+$/.test(ipv6 ?? "1")) return undefined;
  return { host, port };
}

function readGateway(told: unknown): ListedGateway | undefined {
  if (typeof told !== "object" || told === null) return undefined;
  const { node, inner, state } = told as Record<string, unknown>;
  if (typeof inner !== "string" || !parseInner(inner)) return undefined;
  if (!Number.isInteger(node) || Math.abs(node as number) > MAX_INT32) {
    return undefined;
  }
  if (!STATES.includes(state)) return undefined;
  return { node: node as number, inner, state: state as ListedState };
}
