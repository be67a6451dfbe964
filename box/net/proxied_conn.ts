// openProxied(): a connection from a proxy that tells whom it speaks for, by the PROXY protocol.

import { type IpRange, isInRanges } from "../ip_range.ts";
import type { Conn } from "./conn.ts";
import { type HeadReader, Preamble, type Verdict } from "./preamble.ts";
import {
  PROXY_HEADER_MAX_BYTES,
  type ProxyHeader,
  readProxyHeader,
} from "./proxy_protocol.ts";

/** Why a connection from a proxy is refused. */
export interface ProxyRefusal {
  /** What was wrong. */
  readonly message: string;
  /** Whether it is nobody's fault: the proxy only looks whether somebody is there. */
  readonly isCheck: boolean;
}

/** Seconds that a header may take. */
export const PROXY_HEADER_TIMEOUT = 10;

// Those of both versions that tell an IPv6 address fit, and the first bytes of what follows.
const USUAL_BYTES = 128;

/** Whether a connection comes from one of the proxies, and has to tell whom it speaks for. */
export function isProxied(conn: Conn, proxies: readonly IpRange[]): boolean {
  return proxies.length > 0 && isInRanges(conn.remoteAddr.hostname, proxies);
}

/** Settings of {@linkcode openProxied}. */
export interface OpenProxiedOptions {
  /** Told why, at once, when there is no header that can be read. */
  readonly onRefused: (refusal: ProxyRefusal) => void;
  /** Whether there may be a request of HTTP instead, which has a header of its own for that. */
  readonly http?: boolean;
  /** Seconds that it may take. @default {PROXY_HEADER_TIMEOUT} */
  readonly timeout?: number;
}

/** A connection from a proxy that has begun as it has to. */
export interface ProxiedConn {
  /**
   * What comes behind the header, with the address that it tells; that of the proxy where it speaks
   * for itself.
   */
  readonly conn: Preamble;
  /** Whether there was none, but a request of HTTP. */
  readonly isHttp: boolean;
}

/**
 * Reads the header of a connection from a proxy.
 *
 * @param conn The connection, which belongs to what is given from now on.
 * @returns undefined when the connection has ended.
 */
export async function openProxied(
  conn: Conn,
  { onRefused, http = false, timeout = PROXY_HEADER_TIMEOUT }:
    OpenProxiedOptions,
): Promise<ProxiedConn | undefined> {
  const reader = headerReader(timeout, http);
  const opened = await Preamble.open(conn, reader, onRefused);
  if (!opened) return undefined;
  const { source, isHttp } = opened.verdict;
  if (source) opened.conn.remoteAddr = { transport: "tcp", ...source };
  return { conn: opened.conn, isHttp };
}

interface HeaderVerdict extends Verdict, ProxyRefusal {
  readonly source: { hostname: string; port: number } | undefined;
  readonly isHttp: boolean;
}

// Of GET, as of no header.
const G = 71;

function headerReader(
  timeout: number,
  http: boolean,
): HeadReader<HeaderVerdict> {
  return {
    usualBytes: USUAL_BYTES,
    maxBytes: PROXY_HEADER_MAX_BYTES,
    timeout,
    read(head) {
      if (http && head[0] === G) {
        return { ...refused(""), accepted: true, isHttp: true };
      }
      const header = readProxyHeader(head);
      if (header.kind === "more") return undefined;
      if (header.kind === "wrong") return refused(header.message);
      return isHealthCheck(header, head) ? undefined : accepted(header);
    },
    giveUp(why, head) {
      const header = readProxyHeader(head);
      if (header.kind === "header") {
        // Silent for so long, it is more than a look.
        return why === "ended"
          ? refused("a health check", true)
          : accepted(header);
      }
      return refused(
        why === "late"
          ? `its PROXY header was not whole within ${timeout} s`
          : why === "long"
          ? `its PROXY header is longer than ${PROXY_HEADER_MAX_BYTES} bytes`
          : "it was closed before its PROXY header was whole",
        head.length === 0 && why === "ended",
      );
    },
  };
}

type WholeHeader = ProxyHeader & { kind: "header" };

// So far: nothing has come behind the header of a proxy that speaks for itself.
function isHealthCheck(
  { source, bytes }: WholeHeader,
  { length }: Uint8Array,
): boolean {
  return source === undefined && bytes === length;
}

function accepted({ bytes, source }: WholeHeader): HeaderVerdict {
  return { ...refused(""), accepted: true, bytes, source };
}

function refused(message: string, isCheck = false): HeaderVerdict {
  return {
    accepted: false,
    bytes: 0,
    source: undefined,
    message,
    isCheck,
    isHttp: false,
  };
}
