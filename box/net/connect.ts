// connectGateway: how workers and triggers reach a gateway.

import { formatAddress } from "./listen.ts";
import { startTls, type TlsTrust } from "./start_tls.ts";

/** Where a gateway listens for workers and triggers. */
export interface GatewayHost {
  /** Its name or IP address. */
  readonly host: string;
  /** Its inner port. */
  readonly port: number;
  /** Over TLS, which something in front of that port ends, and whom to trust; else over TCP. */
  readonly tls?: TlsTrust | undefined;
}

/** Host and port, for messages. */
export function gatewayName({ host, port }: GatewayHost): string {
  return formatAddress({ transport: "tcp", hostname: host, port });
}

/**
 * Connects to the inner port of a gateway. What is sent goes out at once, and the system finds out
 * when the other side is gone.
 *
 * @param signal Ends the attempt: a host that does not answer at all takes minutes.
 * @throws {Error} when the gateway cannot be reached.
 */
export async function connectGateway(
  { host: hostname, port, tls }: GatewayHost,
  signal: AbortSignal,
): Promise<Deno.Conn<Deno.NetAddr>> {
  const conn = await Deno.connect({ hostname, port, signal });
  conn.setNoDelay(true);
  conn.setKeepAlive(true);
  return tls ? await startTls(conn, { ...tls, hostname, signal }) : conn;
}
