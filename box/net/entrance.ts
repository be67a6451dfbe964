// Entrance: where connections do what comes before their frames, the same for every server: who is
// at it has a place as a client has.

import type { IpRange } from "../ip_range.ts";
import type { ClientPlaces, Placed } from "./client_places.ts";
import type { Conn } from "./conn.ts";
import { formatAddress } from "./listen.ts";
import { isProxied, openProxied } from "./proxied_conn.ts";
import type { SecurableConn } from "./tls_conn.ts";
import {
  NOT_FORWARDED,
  WebSocketConn,
  type WebSocketOpenOptions,
} from "./web_socket_conn.ts";

/** What an entrance needs of its server. */
export interface EntranceOptions extends WebSocketOpenOptions {
  /** Where proxies are, which tell whom they speak for. */
  readonly proxies: readonly IpRange[];
  /** The places of all clients. */
  readonly places: Pick<ClientPlaces<Placed>, "take" | "free">;
  /** A connection has not come in, and why. */
  readonly onRefused: (refusal: Refusal) => void;
  /** One had to make room for another. */
  readonly onRoom: () => void;
}

/** Why a connection has not come in. */
export interface Refusal {
  /** For logs, with its address. */
  readonly line: string;
  /** What it did not get through: that of a proxy is a mistake of whoever runs it. */
  readonly step: "proxy" | "tls" | "ws";
}

/** What a connection has to do, after its proxy, if it has one, has told whom it speaks for. */
export interface Steps {
  /** It is secured by TLS. */
  readonly tls: boolean;
  /** It becomes a WebSocket. */
  readonly ws: boolean;
}

/** Where connections do what comes before their frames. */
export class Entrance {
  readonly #options: EntranceOptions;
  readonly #under = new Set<Conn>();
  #closed = false;

  /**
   * Makes one that is open.
   *
   * @param options Who may come in, and who is told.
   */
  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** How many are at it. */
  get size(): number {
    return this.#under.size;
  }

  /** Whether a connection has to pass here; else its frames begin at once. */
  concerns(conn: Conn, { tls, ws }: Steps): boolean {
    return tls || ws || isProxied(conn, this.#options.proxies);
  }

  /**
   * Has a connection do its steps; it has a place from now on. Never rejects.
   *
   * @param conn One that can be secured, where it is to be.
   * @param onOpen Given what carries the frames, if there is such; its place is free again in that
   * moment.
   */
  async enter(
    conn: Conn,
    steps: Steps,
    onOpen: (conn: Conn | WebSocketConn) => void,
  ): Promise<void> {
    const { places, onRoom } = this.#options;
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
    this.#under.add(conn);
    places.take(place);
    const opened = await this.#open(conn, steps);
    this.#under.delete(conn);
    places.free(place);
    if (!opened) return;
    if (this.#closed) opened.close();
    else onOpen(opened);
  }

  /** Lets nobody in any more; who is at it is closed. */
  close(): void {
    this.#closed = true;
    for (const conn of this.#under) conn.close();
  }

  async #open(conn: Conn, { tls, ws }: Steps): Promise<Conn | undefined> {
    const { proxies, onRefused } = this.#options;
    let opened = conn;
    let rest: Uint8Array | undefined;
    let isHttp = false;
    if (isProxied(conn, proxies)) {
      const proxied = await openProxied(conn, {
        http: ws && !tls,
        onRefused: ({ message, isCheck }) => {
          if (!isCheck) this.#refuseProxy(conn, message);
        },
      });
      if (!proxied) return undefined;
      if (tls) rest = proxied.conn.takeRest();
      opened = proxied.conn;
      isHttp = proxied.isHttp;
    }
    const address = formatAddress(opened.remoteAddr);
    if (tls) {
      const why = await (conn as SecurableConn).handshake(rest);
      if (why !== undefined) {
        opened.close();
        onRefused({ line: `${address} speaks no TLS: ${why}`, step: "tls" });
        return undefined;
      }
    }
    if (!ws) return opened;
    const options = isHttp
      ? { ...this.#options, forwardedBy: proxies }
      : this.#options;
    return await WebSocketConn.open(opened, options, (message) => {
      if (message === NOT_FORWARDED) this.#refuseProxy(conn, message);
      else {
        const line = `${address} is no WebSocket: ${message}`;
        onRefused({ line, step: "ws" });
      }
    });
  }

  #refuseProxy({ remoteAddr }: Conn, why: string): void {
    const address = formatAddress(remoteAddr);
    const line = `proxy ${address} is refused: ${why} (proxyProtocol)`;
    this.#options.onRefused({ line, step: "proxy" });
  }
}
