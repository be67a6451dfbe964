// Listeners: where the clients of a haven server connect, over TCP and by WebSocket.

import {
  acceptAll,
  type Conn,
  EpollListener,
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

/** A listener that goes from one process to another. */
export interface ListenerPiece {
  /** What connects there. */
  readonly name: "tcp" | "ws";
  /** Where it was to listen. */
  readonly host: string;
  /** The port that it has. */
  readonly port: number;
}

/** Where the clients of a haven server connect. */
export class Listeners {
  readonly #io: ServerIo;
  readonly #options: ResolvedListen;
  #tcp: Listener | undefined;
  #webSocket: Listener | undefined;

  /**
   * Opens them; connections wait until {@linkcode Listeners.start}.
   *
   * @param io Where their sockets come from.
   * @param expected Those that come by `adopt`; they are not opened.
   * @throws {HavenError} `listen` when an address cannot be listened on.
   */
  constructor(
    io: ServerIo,
    options: ResolvedListen,
    expected: readonly ListenerPiece[] = [],
  ) {
    const { host: hostname, port, websocketPort, reusePort, keepAlive } =
      options;
    const more = { reusePort, keepAlive };
    this.#io = io;
    this.#options = options;
    const comes = (name: ListenerPiece["name"]) =>
      expected.some((piece) => piece.name === name && this.#wants(piece));
    try {
      if (!comes("tcp")) {
        this.#tcp = io.listen({ what: "clients", hostname, port }, more);
      }
      if (websocketPort !== undefined && !comes("ws")) {
        this.#webSocket = io.listen(
          { what: "WebSockets", hostname, port: websocketPort },
          more,
        );
      }
    } catch (cause) {
      this.#tcp?.close();
      throw new HavenError("listen", (cause as Error).message, { cause });
    }
  }

  /** Those that can be handed over, with their descriptors. */
  given(): { readonly piece: ListenerPiece; readonly descriptor: number }[] {
    const { host } = this.#options;
    const all = { tcp: this.#tcp, ws: this.#webSocket };
    return (["tcp", "ws"] as const).flatMap((name) => {
      const listener = all[name];
      if (!(listener instanceof EpollListener)) return [];
      const { addr: { port }, descriptor } = listener;
      return [{ piece: { name, host, port }, descriptor }];
    });
  }

  /**
   * Takes one that another process has had.
   *
   * @returns Whether it is wanted.
   */
  adopt(piece: ListenerPiece, descriptor: number): boolean {
    if (!this.#wants(piece)) return false;
    const { reusePort, keepAlive } = this.#options;
    const listener = this.#io.descriptors!.listener(descriptor, {
      reusePort,
      keepAlive,
    });
    if (piece.name === "tcp") this.#tcp = listener;
    else this.#webSocket = listener;
    return true;
  }

  #wants({ name, host, port }: ListenerPiece): boolean {
    const { host: own, port: tcp, websocketPort } = this.#options;
    const wanted = name === "tcp" ? tcp : websocketPort;
    return host === own && (wanted === 0 || wanted === port);
  }

  /** Where TCP clients connect, with the real port. */
  get addr(): Deno.NetAddr {
    return this.#tcp!.addr;
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
    running.follow(acceptAll(this.#tcp!, logger, (conn) => accept(conn, TCP)));
    if (!this.#webSocket) return;
    running.follow(
      acceptAll(this.#webSocket, logger, (conn) => accept(conn, WEB_SOCKET)),
    );
  }

  /** Accepts no more. */
  close(): void {
    this.#tcp?.close();
    this.#webSocket?.close();
  }
}
