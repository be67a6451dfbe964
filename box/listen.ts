// Listening and accepting, the same for every listener of every role.

import type { Logger } from "./logger.ts";

/** Settings of {@linkcode listenTcp}. */
export interface ListenTcpOptions {
  /** Whether others may listen on the same port, each getting a part of the connections. Deno ends a process that asks for it without `--unstable-net`. @default {false} */
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
  { reusePort = false }: ListenTcpOptions = {},
): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port, reusePort });
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
 * Accepts connections until the listener is closed. An error of a single accept (too many open files, a connection gone before it
 * was accepted) is logged and does not end it.
 */
export async function acceptAll(
  listener: Deno.TcpListener,
  logger: Logger,
  onConn: (conn: Deno.TcpConn) => void | Promise<void>,
): Promise<void> {
  for (;;) {
    let conn: Deno.TcpConn;
    try {
      conn = await listener.accept();
    } catch (error) {
      // A closed listener answers with one of these two.
      if (
        error instanceof Deno.errors.BadResource ||
        error instanceof Deno.errors.Interrupted
      ) return;
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
