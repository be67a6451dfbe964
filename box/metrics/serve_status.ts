// serveStatus: the small HTTP server by which a process shows how it is doing.

import { describeError } from "../log/describe_error.ts";
import type { Logger } from "../log/logger.ts";
import { acceptAll, formatAddress, listenTcp } from "../net/listen.ts";
import {
  HttpConnection,
  type HttpRequest,
  textResponse,
} from "./http_connection.ts";

/** Answers a GET of one path. */
export type StatusRoute = (url: URL) => Response | Promise<Response>;

/** Settings of {@linkcode serveStatus}. */
export interface StatusOptions {
  /** Where to log what is no fault of whoever asks. */
  readonly logger: Logger;
  /** Names by which it may be asked for, beside those that it knows: see {@linkcode isOwnHost}. */
  readonly hosts?: readonly string[] | undefined;
  /** Who may ask. @default {anybody} */
  readonly access?: StatusGuard | undefined;
  /** The paths that tell nothing of this process, and are answered to anybody. @default {[]} */
  readonly open?: readonly string[];
}

/** Who may ask a status server. */
export interface StatusGuard {
  /** Whether a request with this header `Authorization` is answered. */
  allows(authorization: string | undefined): boolean;
}

/** How many connections a status server has at most. */
export const STATUS_CONNS_MAX = 100;

/** A running status server. */
export interface StatusServer {
  /** Where it listens. */
  readonly addr: Deno.NetAddr;
  /**
   * Stops listening and ends all connections, those that are still being answered included. May be
   * called twice.
   */
  close(): Promise<void>;
}

/**
 * The host and port in `PORT` (of 127.0.0.1), `HOST:PORT` or `[IPV6]:PORT`; port 0 is any free one.
 *
 * @throws {RangeError} with one line, when it is none of these.
 */
export function parseStatusAddress(
  address: string,
): { hostname: string; port: number } {
  const match =
    /^(?:(?:\[(?<ipv6>[0-9a-fA-F:.%]+)\]|(?<host>[^\s:[\]/]+)):)?(?<port>\d{1,5})$/
      .exec(address);
  const port = Number(match?.groups?.["port"] ?? NaN);
  if (!(port <= 65535)) {
    throw new RangeError(
      `"${address}" is no address: expected PORT, HOST:PORT or [IPV6]:PORT with a port from 0 to 65535`,
    );
  }
  const { ipv6, host } = match!.groups!;
  return { hostname: ipv6 ?? host ?? "127.0.0.1", port };
}

/**
 * Serves GET requests by path, to whoever looks after this process. Without a host in the address
 * only this machine can ask. A connection carries one request. The head of it has 10 s to come;
 * of more than 100 connections the one that has waited longest for its request is closed.
 *
 * @param address See {@linkcode parseStatusAddress}.
 * @param routes What answers each path. What it throws is logged and answered with 500.
 * @throws {RangeError} when the address is none.
 * @throws {Error} with one line that names the address, when it cannot be opened.
 *
 * @example
 * ```ts ignore
 * import { createLogger, serveStatus } from "@maple/box/internal";
 *
 * const logger = createLogger({ role: "worker" });
 * const server = serveStatus("9101", {
 *   "/healthz": () => new Response("ok\n"),
 * }, { logger });
 * await server.close();
 * ```
 */
export function serveStatus(
  address: string,
  routes: Readonly<Record<string, StatusRoute>>,
  { logger, hosts = [], access, open = [] }: StatusOptions,
): StatusServer {
  const { hostname, port } = parseStatusAddress(address);
  const listener = listenTcp("status requests", hostname, port);
  const table = new Map(Object.entries(routes));
  const names = [hostname, ...hosts, ...machineNames()];
  const connections = new Map<HttpConnection, Promise<void>>();
  const handler = async (request: HttpRequest): Promise<Response> => {
    const path = pathOf(request.target);
    const isOpen = open.includes(path) ||
      (access?.allows(request.authorization) ?? true);
    try {
      return withPolicy(await answer(request, { table, names, isOpen }));
    } catch (error) {
      logger.error(`cannot answer ${path}: ${describeError(error)}`);
      return textResponse("It cannot be answered; the log says why.\n", 500);
    }
  };
  const accepting = acceptAll(listener, logger, (conn) => {
    if (connections.size >= STATUS_CONNS_MAX) {
      logger.warn(
        `there are ${STATUS_CONNS_MAX} connections for status requests, the most that there may be; one is closed`,
      );
      const silent = connections.keys().find((one) => !one.isAnswering);
      if (!silent) return conn.close();
      connections.delete(silent);
      silent.close();
    }
    conn.setNoDelay(true);
    const connection = new HttpConnection(conn, handler);
    const run = connection.run().then(() => {
      connections.delete(connection);
    });
    connections.set(connection, run);
  });
  let closing: Promise<void> | undefined;
  const close = async () => {
    listener.close();
    await accepting;
    // Not in order: that would wait for a page that is kept up to date to be left.
    for (const connection of connections.keys()) connection.close();
    await Promise.all(connections.values());
  };
  return {
    addr: listener.addr as Deno.NetAddr,
    close: () => closing ??= close(),
  };
}

/**
 * Whether a `Host` header names this server: by an address, as `localhost`, or by one of these
 * names, whatever the port. A page of another site can have its name point here and so let a
 * browser ask in its place; but not by an address, and not by names that are not its own.
 */
export function isOwnHost(host: string, names: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return name.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(name) ||
    name === "localhost" || name.endsWith(".localhost") ||
    names.some((one) => one.toLowerCase() === name);
}

// What this machine is called, where it may be asked.
function machineNames(): string[] {
  const { state } = Deno.permissions.querySync({
    name: "sys",
    kind: "hostname",
  });
  return state === "granted" ? [Deno.hostname()] : [];
}

// Without a query, which could hold what is nobody's business.
function pathOf(target: string): string {
  return new URL(`http://status${target}`).pathname;
}

// Nothing that is told here may run, or be read by a page of another site.
function withPolicy(response: Response): Response {
  const { headers } = response;
  const policies = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
  };
  for (const [name, value] of Object.entries(policies)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  return response;
}

function answer(
  { method, target, host }: HttpRequest,
  { table, names, isOpen }: {
    table: ReadonlyMap<string, StatusRoute>;
    names: readonly string[];
    isOpen: boolean;
  },
): Response | Promise<Response> {
  if (host !== undefined && !isOwnHost(host, names)) {
    return textResponse(
      "This host name is not served here: ask by address, or let it be one of the metrics hosts.\n",
      403,
    );
  }
  if (!isOpen) {
    return textResponse(
      "Whoever asks here must bring the token: Authorization: Bearer TOKEN.\n",
      401,
      { "www-authenticate": 'Bearer realm="maple"' },
    );
  }
  // As one text: a path like `///` alone would be taken for another host, or for no URL at all.
  const url = new URL(`http://status${target}`);
  const route = table.get(url.pathname);
  if (route === undefined) {
    return textResponse(
      `Here are only ${[...table.keys()].join(", ")}.\n`,
      404,
    );
  }
  if (method !== "GET" && method !== "HEAD") {
    return textResponse("Only GET is answered here.\n", 405, {
      allow: "GET, HEAD",
    });
  }
  return route(url);
}

/** The URL of a status server, for log lines. */
export function statusUrl(addr: Deno.NetAddr): string {
  return `http://${formatAddress(addr)}/`;
}
