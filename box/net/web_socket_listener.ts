// Listening for WebSocket connections.

import { keepAlive } from "./keep_alive.ts";
import { listenError } from "./listen.ts";

/** What a listener for WebSockets is told. */
export interface WebSocketListenerOptions {
  /** Whether others may listen on the same port. */
  readonly reusePort: boolean;
  /** Seconds after which a peer that has vanished is found: see `listenTcp`. */
  readonly keepAlive: number;
  /** Why no connection is taken just now; `undefined` when one is. */
  readonly refusal: () => string | undefined;
  /** Given each connection when it is open. */
  readonly onSocket: (
    socket: WebSocket,
    remoteAddr: Deno.NetAddr,
  ) => void;
}

/** A listener for WebSocket connections. */
export type WebSocketListener = Deno.HttpServer<Deno.NetAddr>;

/**
 * Listens for WebSocket connections; what is no WebSocket is answered with 426, what is not taken
 * with 503.
 *
 * @throws {Error} with one line that names the address, when it cannot be opened.
 */
export function listenWebSocket(
  hostname: string,
  port: number,
  { reusePort, keepAlive: seconds, refusal, onSocket }:
    WebSocketListenerOptions,
): WebSocketListener {
  try {
    const listener = Deno.serve({
      hostname,
      port,
      reusePort,
      onListen: () => {},
    }, (request, { remoteAddr }) => {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        return new Response("Here only WebSocket connections are served.\n", {
          status: 426,
          headers: { upgrade: "websocket", connection: "upgrade" },
        });
      }
      const why = refusal();
      if (why !== undefined) return new Response(`${why}\n`, { status: 503 });
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onopen = () => onSocket(socket, remoteAddr);
      return response;
    });
    keepAlive(listener.addr.port, seconds);
    return listener;
  } catch (cause) {
    throw listenError("WebSockets", { hostname, port, cause });
  }
}
