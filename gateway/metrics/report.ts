// reportOf: all that is told of a gateway, as one object that is JSON.

import { formatAddress } from "@maple/box/internal";
import config from "../deno.json" with { type: "json" };
import type { Gateway } from "../gateway.ts";
import type { GatewayLimits } from "../limits.ts";
import type { GatewayStats } from "./stats.ts";
import { type Trouble, troubleOf } from "./trouble.ts";

/** Marks a report, so that a reader knows what it has before it. */
export const REPORT_FORMAT = "maple-gateway-stats";

/**
 * Grows when a reader of older reports would misread newer ones; what is only added does not count.
 */
export const REPORT_FORMAT_VERSION = 1;

/** One of several processes of a gateway. */
export interface ProcessReport {
  /** Which one it is, from 1. */
  readonly index: number;
  /** Whether it serves. */
  readonly ready: boolean;
  /** Times that it had ended by itself and was started again. */
  readonly restarts: number;
  /** Its number in the tasks of its clients; null until it has told. */
  readonly nodeId: number | null;
  /** Its process id, likewise. */
  readonly pid: number | null;
  /** Where those workers and triggers reach it that know of it; null until it has told. */
  readonly inner: string | null;
  /** Its clients. */
  readonly clients: number;
  /** The workers that are attached to it. */
  readonly workers: number;
  /** Its tasks that wait. */
  readonly queued: number;
  /** Seconds by which its event loop was late. */
  readonly loopDelay: number;
  /** Bytes of memory that it takes. */
  readonly rss: number;
}

/** What the stat file, `/stats.json` and the dashboard carry. It is JSON as it is. */
export interface GatewayReport {
  /** Always {@linkcode REPORT_FORMAT}. */
  readonly format: typeof REPORT_FORMAT;
  readonly formatVersion: typeof REPORT_FORMAT_VERSION;
  /** The version of the gateway. */
  readonly version: string;
  /** When the report was made, as in `2026-07-04T12:00:00.000Z`. */
  readonly time: string;
  /** When the gateway began to listen, in the same form; null before. */
  readonly startedAt: string | null;
  /** Where clients connect, `HOST:PORT`; null while it does not listen, as when it leaves. */
  readonly outer: string | null;
  /** Where WebSocket clients connect, in the same form; null without them. */
  readonly ws: string | null;
  /** Where clients connect over TLS, likewise. */
  readonly tls: string | null;
  /** Where WebSocket clients connect over TLS, likewise. */
  readonly wss: string | null;
  /** Where workers and triggers connect, `HOST:PORT`; null while it does not listen. */
  readonly inner: string | null;
  /** Where those of them connect that know of it, in the same form; null without one. */
  readonly innerOwn?: string | null;
  /** The number of this gateway in every task. */
  readonly nodeId: number;
  /** The options that bound something, as they are in force. */
  readonly limits: GatewayLimits;
  /** The counters. */
  readonly stats: GatewayStats;
  /** The processes, where there are several. */
  readonly processes?: readonly ProcessReport[];
  /** What goes wrong now, then what went wrong since the start. */
  readonly trouble: readonly Trouble[];
}

/**
 * The report of a gateway as it is now.
 *
 * @param addresses Whether it names addresses of clients.
 */
export function reportOf(
  gateway: Gateway,
  { addresses = false }: { readonly addresses?: boolean } = {},
): GatewayReport {
  const { startedAt, nodeId, limits } = gateway;
  const all = gateway.stats();
  const stats = addresses ? all : { ...all, limitedAddresses: [] };
  return {
    format: REPORT_FORMAT,
    formatVersion: REPORT_FORMAT_VERSION,
    version: config.version,
    time: new Date().toISOString(),
    startedAt: startedAt?.toISOString() ?? null,
    outer: addressOf(gateway.outerAddr),
    ws: addressOf(gateway.wsAddr),
    tls: addressOf(gateway.tlsAddr),
    wss: addressOf(gateway.wssAddr),
    inner: addressOf(gateway.innerAddr),
    innerOwn: addressOf(gateway.innerOwnAddr),
    nodeId,
    limits,
    stats,
    trouble: troubleOf(stats),
  };
}

function addressOf(addr: Deno.NetAddr | undefined): string | null {
  return addr ? formatAddress(addr) : null;
}
