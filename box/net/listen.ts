// Listening and accepting, the same for every listener of every role.

import { turnToAccept } from "./fair_turns.ts";
import { keepAlive } from "./keep_alive.ts";
import type { Logger } from "../log/logger.ts";
import { howToSharePorts, maySharePorts } from "./port_sharing.ts";

/**
 * How many connections the system holds until they are accepted: enough for thousands of clients
 * that come back at the same moment.
 */
export const DEFAULT_BACKLOG = 4096;

/** Settings of {@linkcode listenTcp}. */
export interface ListenTcpOptions {
  /**
   * How many connections the system holds until they are accepted; whoever comes then tries again
   * after a second. On Linux no more than `net.core.somaxconn`. Deno 2.4 does not take it. @default
   * {4096}
   */
  backlog?: number;
  /**
   * Whether others of the same user may listen on the same port, each getting a part of the
   * connections; Deno's own sockets need `--unstable-net` for it. @default {false}
   */
  reusePort?: boolean;
  /**
   * Seconds after which a peer that has vanished without a word is found; 0 = the system's own
   * time, 2 hours or more. See `keepAlive` for where it can be had. @default {0}
   */
  keepAlive?: number;
}

/**
 * Opens a TCP listener; port 0 is any free port.
 *
 * @throws {Error} with one line that names the address, when it cannot be opened.
 */
export function listenTcp(
  what: string,
  hostname: string,
  port: number,
  { reusePort = false, backlog = DEFAULT_BACKLOG, keepAlive: seconds = 0 }:
    ListenTcpOptions = {},
): Deno.TcpListener {
  // Not in place, since the types of Deno 2.4 do not know tcpBacklog.
  const options = { hostname, port, reusePort, tcpBacklog: backlog };
  try {
    // Deno would end the process.
    if (reusePort && !maySharePorts()) throw new Error(howToSharePorts());
    const listener = Deno.listen(options);
    keepAlive(listener.addr.port, seconds);
    return listener;
  } catch (cause) {
    throw listenError(what, { hostname, port, cause });
  }
}

/** The error, in one line, of whoever cannot listen at an address. */
export function listenError(
  what: string,
  { hostname, port, cause }: {
    hostname: string;
    port: number;
    cause: unknown;
  },
): Error {
  const why = isAddrInUse(cause)
    ? "the address is in use; stop the other program or choose another port"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new Error(
    `Cannot listen for ${what} at ${
      formatAddress({ transport: "tcp", hostname, port })
    }: ${why}`,
    { cause },
  );
}

/** Whether an address could not be listened on since somebody else does. */
export function isAddrInUse(error: unknown): boolean {
  return error instanceof Deno.errors.AddrInUse ||
    codeOf(error) === "EADDRINUSE";
}

const PAUSE_MS = 100;
const LOG_EVERY_MS = 60_000;
// So many failed accepts in a row are no accident of single connections.
const FAILURES_IN_A_ROW = 100;
// What the process or the system has run out of: to try again at once would be of no use.
const EXHAUSTED = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);
// What a client that resets its connection at once makes of it.
const GONE = new Set(["ENOTCONN", "ECONNABORTED", "ECONNRESET"]);

/** Whether a connection cannot be taken since it is gone again before it is looked at. */
export function isGone(error: unknown): boolean {
  const code = codeOf(error);
  // Some systems then call its options invalid.
  return GONE.has(code) || code === "EINVAL";
}

/**
 * Accepts connections until the listener is closed. A connection that is gone before it is accepted
 * is passed over. Where descriptors or memory have run out it pauses for 100 ms, and says so once a
 * minute.
 */
export async function acceptAll<C extends { close(): void }>(
  listener: { accept(): Promise<C> },
  logger: Logger,
  onConn: (conn: C) => void | Promise<void>,
): Promise<void> {
  const log = new FailureLog(logger);
  let failures = 0;
  for (;;) {
    let conn: C;
    try {
      // Whoever fails has pauses of his own.
      const turn = failures === 0 ? turnToAccept() : undefined;
      if (turn) await turn;
      conn = await listener.accept();
      failures = 0;
    } catch (error) {
      // A closed listener answers with one of these two.
      if (
        error instanceof Deno.errors.BadResource ||
        error instanceof Deno.errors.Interrupted
      ) return;
      failures++;
      const code = codeOf(error);
      if (!GONE.has(code)) log.failed("cannot accept a connection", error);
      if (EXHAUSTED.has(code) || failures % FAILURES_IN_A_ROW === 0) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      continue;
    }
    try {
      const wait = onConn(conn);
      if (wait) await wait;
    } catch (error) {
      if (!isGone(error)) log.failed("cannot take a connection", error);
      closeQuietly(conn);
    }
  }
}

/** Tells that connections cannot be let in, once a minute. */
class FailureLog {
  readonly #logger: Logger;
  #toldAt = -Infinity;
  #untold = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  failed(what: string, error: unknown): void {
    const now = Date.now();
    if (Math.abs(now - this.#toldAt) < LOG_EVERY_MS) {
      this.#untold++;
      return;
    }
    const before = this.#untold > 0
      ? ` (and ${this.#untold} times since the last such line)`
      : "";
    this.#logger.error(`${what}: ${(error as Error).message}${before}`);
    this.#toldAt = now;
    this.#untold = 0;
  }
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? "";
}

function closeQuietly(conn: { close(): void }): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}

/** `127.0.0.1:28000`, `[::1]:28000`. */
export function formatAddress(addr: Deno.Addr): string {
  if (addr.transport !== "tcp" && addr.transport !== "udp") return "unknown";
  return addr.hostname.includes(":")
    ? `[${addr.hostname}]:${addr.port}`
    : `${addr.hostname}:${addr.port}`;
}
