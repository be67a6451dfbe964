// Listening and accepting, the same for every listener of every role.

import { turnToAccept } from "./fair_turns.ts";
import type { Logger } from "../log/logger.ts";

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
   * Whether others may listen on the same port, each getting a part of the connections. Deno ends a
   * process that asks for it without `--unstable-net`. @default {false}
   */
  reusePort?: boolean;
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
  { reusePort = false, backlog = DEFAULT_BACKLOG }: ListenTcpOptions = {},
): Deno.TcpListener {
  // Not in place, since the types of Deno 2.4 do not know tcpBacklog.
  const options = { hostname, port, reusePort, tcpBacklog: backlog };
  try {
    return Deno.listen(options);
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
  const why = cause instanceof Deno.errors.AddrInUse
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

const PAUSE_AFTER_ERROR_MS = 100;

/**
 * Accepts connections until the listener is closed. A connection that is gone before it is accepted
 * is passed over; another error of a single accept (too many open files) is logged and followed by
 * a pause.
 */
export async function acceptAll(
  listener: Deno.TcpListener,
  logger: Logger,
  onConn: (conn: Deno.TcpConn) => void | Promise<void>,
): Promise<void> {
  for (;;) {
    let conn: Deno.TcpConn;
    try {
      const turn = turnToAccept();
      if (turn) await turn;
      conn = await listener.accept();
    } catch (error) {
      // A closed listener answers with one of these two.
      if (
        error instanceof Deno.errors.BadResource ||
        error instanceof Deno.errors.Interrupted
      ) return;
      if (isGone(error)) continue;
      logger.error(
        `cannot accept a connection: ${(error as Error).message}`,
      );
      await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_ERROR_MS));
      continue;
    }
    try {
      const wait = onConn(conn);
      if (wait) await wait;
    } catch (error) {
      // It may be gone again before it is looked at.
      logger.error(`cannot take a connection: ${(error as Error).message}`);
      closeQuietly(conn);
    }
  }
}

// What a client that resets its connection at once makes of it.
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.ConnectionReset;
}

function closeQuietly(conn: Deno.Conn): void {
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
