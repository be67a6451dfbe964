// serveStatus: the small HTTP server by which a process shows how it is doing.

import { formatAddress, listenError } from "../net/listen.ts";

/** Answers a GET of one path. */
export type StatusRoute = (request: Request) => Response | Promise<Response>;

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
 * only this machine can ask.
 *
 * @param address See {@linkcode parseStatusAddress}.
 * @param routes What answers each path. What it throws is answered with 500.
 * @throws {RangeError} when the address is none.
 * @throws {Error} with one line that names the address, when it cannot be opened.
 *
 * @example
 * ```ts ignore
 * import { serveStatus } from "@maple/box/internal";
 *
 * const server = serveStatus("9101", { "/healthz": () => new Response("ok\n") });
 * await server.close();
 * ```
 */
export function serveStatus(
  address: string,
  routes: Readonly<Record<string, StatusRoute>>,
): StatusServer {
  const { hostname, port } = parseStatusAddress(address);
  const table = new Map(Object.entries(routes));
  const abort = new AbortController();
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname,
      port,
      signal: abort.signal,
      onListen: () => {},
      onError: (error) => text(`${error}\n`, 500),
    }, (request) => answer(request, table));
  } catch (cause) {
    throw listenError("status requests", { hostname, port, cause });
  }
  return {
    addr: server.addr,
    close: () => {
      // Not a shutdown in order: that would wait for a page that is kept up to date to be left.
      abort.abort();
      return server.finished;
    },
  };
}

function answer(
  request: Request,
  table: ReadonlyMap<string, StatusRoute>,
): Response | Promise<Response> {
  const { pathname } = new URL(request.url);
  const route = table.get(pathname);
  if (route === undefined) {
    return text(`Here are only ${[...table.keys()].join(", ")}.\n`, 404);
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return text("Only GET is answered here.\n", 405, { allow: "GET, HEAD" });
  }
  return route(request);
}

function text(
  body: string,
  status: number,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

/** The URL of a status server, for log lines. */
export function statusUrl(addr: Deno.NetAddr): string {
  return `http://${formatAddress(addr)}/`;
}
