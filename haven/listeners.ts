// Listeners: where the clients of a haven server connect, over TCP and by WebSocket.

import {
  acceptAll,
  type Conn,
  type Listener,
  type Logger,
  type Running,
  type ServerIo,
  type Steps,
} from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import type { ResolvedListen } from "./resolve_options.ts";

const TCP: Steps = { tls: false, ws: false };
const WEB_SOCKET: Steps = { tls: false, ws: true };

/** Where the clients of a haven server connect. */
export class Listeners {
  readonly #tcp: Listener;
  readonly #webSocket: Listener | undefined;

  /**
   * Opens them; connections wait until {@linkcode Listeners.start}.
   *
   * @param io Where their sockets come from.
   * @throws {HavenError} `listen` when an address cannot be listened on.
   */
  constructor(io: ServerIo, options: ResolvedListen) {
    const { host: hostname, port, websocketPort, reusePort, keepAlive } =
      options;
    const more = { reusePort, keepAlive };
    let tcp: Listener | undefined;
    try {
      tcp = io.listen({ what: "clients", hostname, port }, more);
      this.#webSocket = websocketPort === undefined ? undefined : io.listen(
        { what: "WebSockets", hostname, port: websocketPort },
        more,
      );
    } catch (cause) {
      tcp?.close();
      throw new HavenError("listen", (cause as Error).message, { cause });
    }
    this.#tcp = tcp;
  }

  /** Where TCP clients connect, with the real port. */
  get addr(): Deno.NetAddr {
    return this.#tcp.addr;
  }

  /** Where WebSocket clients connect, with the real port. */
  get websocketAddr(): Deno.NetAddr | undefined {
    return this.#webSocket?.addr;
  }

  /** Accepts connections from now on, until `close`. */
  start(
    accept: (conn: Conn, steps: Steps) => void,
    { logger, running }: { readonly logger: Logger; readonly running: Running },
  ): void {
    running.follow(acceptAll(this.#tcp, logger, (conn) => accept(conn, TCP)));
    if (!this.#webSocket) return;
    running.follow(
      acceptAll(this.#webSocket, logger, (conn) => accept(conn, WEB_SOCKET)),
    );
  }

  /** Accepts no more. */
  close(): void {
    this.#tcp.close();
    this.#webSocket?.close();
  }
}
