// WebSocketEntrance: where connections become WebSockets, the same for every server: who is at it
// has a place as a client has.

import type { ClientPlaces, Placed } from "./client_places.ts";
import type { Conn } from "./conn.ts";
import { formatAddress } from "./listen.ts";
import { WebSocketConn, type WebSocketOpenOptions } from "./web_socket_conn.ts";

/** What an entrance needs of its server. */
export interface WebSocketEntranceOptions extends WebSocketOpenOptions {
  /** The places of all clients. */
  readonly places: Pick<ClientPlaces<Placed>, "take" | "free">;
  /** A connection has become no WebSocket, which the line says with its address. */
  readonly onRefused: (line: string) => void;
  /** One had to make room for another. */
  readonly onRoom: () => void;
}

/** Where connections become WebSockets. */
export class WebSocketEntrance {
  readonly #options: WebSocketEntranceOptions;
  readonly #opening = new Set<Conn>();
  #closed = false;

  /**
   * Makes one that is open.
   *
   * @param options Who may come in, and who is told.
   */
  constructor(options: WebSocketEntranceOptions) {
    this.#options = options;
  }

  /** How many are at it. */
  get size(): number {
    return this.#opening.size;
  }

  /**
   * Reads the handshake of a connection, which has a place from now on. Never rejects.
   *
   * @param onOpen Given the WebSocket, if it becomes one, whose place is free again in that moment.
   */
  async enter(conn: Conn, onOpen: (web: WebSocketConn) => void): Promise<void> {
    const { places, onRefused, onRoom } = this.#options;
    const place: Placed = {
      heard: false,
      known: false,
      socket: {
        destroy: () => {
          onRoom();
          conn.close();
        },
      },
    };
    this.#opening.add(conn);
    places.take(place);
    const web = await WebSocketConn.open(
      conn,
      this.#options,
      (message) =>
        onRefused(
          `${formatAddress(conn.remoteAddr)} is no WebSocket: ${message}`,
        ),
    );
    this.#opening.delete(conn);
    places.free(place);
    if (!web) return;
    if (this.#closed) web.close();
    else onOpen(web);
  }

  /** Lets nobody in any more; handshakes under way end. */
  close(): void {
    this.#closed = true;
    for (const conn of this.#opening) conn.close();
  }
}
