// A server that only sends back what comes: what the load tool measures its own limit against.

import { acceptAll, listenTcp, SILENT } from "@maple/box/internal";

const BUFFER_BYTES = 16 * 1024;

/**
 * Starts an echo server on a free port of 127.0.0.1, for as long as the process lives.
 *
 * @returns Its port.
 */
export function startEchoServer(): number {
  const listener = listenTcp("clients", "127.0.0.1", 0);
  acceptAll(listener, SILENT, (conn) => void echo(conn));
  return listener.addr.port;
}

async function echo(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(BUFFER_BYTES);
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      for (let at = 0; at < count;) {
        at += await conn.write(buffer.subarray(at, count));
      }
    }
  } catch {
    // The clients leave as they like.
  }
  conn.close();
}
