// startTls(): TLS towards a server, over a connection by TCP.

import { onAbort } from "../on_abort.ts";

/** Whom a client trusts. */
export interface TlsTrust {
  /** Authorities to trust, beside those that Deno trusts, in PEM. */
  caCerts?: string[] | undefined;
}

/**
 * Shakes hands. Not by `Deno.connectTls`: it cannot be given up, and leaves Nagle's algorithm on,
 * which is off here where it was off before.
 *
 * @param tcp The connection, which belongs to what is given from now on, and is closed when there
 * is none.
 * @param signal Ends the attempt.
 * @throws {Error} when the server cannot be trusted, speaks no TLS, or has gone.
 */
export async function startTls(
  tcp: Deno.TcpConn,
  { hostname, signal, caCerts = [] }: TlsTrust & {
    readonly hostname: string;
    readonly signal: AbortSignal;
  },
): Promise<Deno.TlsConn> {
  const conn = await Deno.startTls(tcp, { hostname, caCerts });
  using _ = onAbort(signal, () => conn.close());
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    if (!signal.aborted) conn.close();
    throw error;
  }
}
