// connectGateway: how workers and triggers reach a gateway.

import { formatAddress } from "./listen.ts";

/** Where a gateway listens for workers and triggers. */
export interface GatewayHost {
  /** Its name or IP address. */
  readonly host: string;
  /** Its inner port. */
  readonly port: number;
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
  { host, port }: GatewayHost,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: host, port, signal });
  conn.setNoDelay(true);
  conn.setKeepAlive(true);
  return conn;
}
