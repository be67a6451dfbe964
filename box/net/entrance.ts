// Entrance: where connections do what comes before their frames, the same for every server: who is
// at it has a place as a client has.

import { type IpRange, isInRanges } from "../ip_range.ts";
import { type FieldPlan, left } from "../records.ts";
import type { AddressLimits, CountedAddress } from "./address_limits.ts";
import type { ClientPlaces, Placed } from "./client_places.ts";
import type { Conn, OwnSocket } from "./conn.ts";
import { formatAddress } from "./listen.ts";
import { headOf, Preamble } from "./preamble.ts";
import { isProxied, openProxied } from "./proxied_conn.ts";
import type { SecurableConn } from "./tls_conn.ts";
import {
  NOT_ADMITTED,
  NOT_FORWARDED,
  WebSocketConn,
  type WebSocketOpenOptions,
} from "./web_socket_conn.ts";

/** What an entrance needs of its server. */
export interface EntranceOptions extends WebSocketOpenOptions {
  /** Where proxies are, which tell whom they speak for. */
  readonly proxies: readonly IpRange[];
  /** Who may connect as far as his address tells. */
  readonly addresses: AddressLimits;
  /** The places of all clients. */
  readonly places: Pick<ClientPlaces<Placed>, "hasRoom" | "take" | "free">;
  /** There is no place for a connection. */
  readonly onFull: (conn: Conn) => void;
  /** A connection has not come in, and why. */
  readonly onRefused: (refusal: Refusal) => void;
  /** One had to make room for another. */
  readonly onRoom: () => void;
}

/** What a client goes through before its first frame. */
export type HandshakeStep = "proxy" | "tls" | "ws";

/** Why a connection has not come in. */
export interface Refusal {
  /** For logs, with its address. */
  readonly line: string;
  /** What it did not get through: that of a proxy is a mistake of whoever runs it. */
  readonly step: HandshakeStep;
}

/** What a connection has to do, after its proxy, if it has one, has told whom it speaks for. */
export interface Steps {
  /** It is secured by TLS. */
  readonly tls: boolean;
  /** It becomes a WebSocket. */
  readonly ws: boolean;
}

/**
 * Given what carries the frames of a connection that has come in, and what its address counts as,
 * which is to be left when it is gone.
 */
export type OnOpen = (
  conn: Conn | WebSocketConn,
  counted: CountedAddress | undefined,
) => void;

/** A connection that is at the entrance. */
interface Entering {
  readonly conn: Conn;
  /** What it has to do. */
  readonly steps: Steps;
  /** Whose it is, as far as is known. */
  address: string;
  counted: CountedAddress | undefined;
}

/** A connection at an entrance, as one process hands it to another. */
export interface EnteringPiece {
  /** The socket, whose descriptor goes along; for its reader, the one that it has taken over. */
  readonly socket: OwnSocket;
  /** The other side's address, as far as is known. */
  readonly hostname: string;
  /** And port. */
  readonly port: number;
  /** What has come of its head. */
  readonly bytes: Uint8Array;
  /** Whether its proxy has told before whom it speaks for. */
  readonly isSecond: boolean;
  /** Whether it becomes a WebSocket. */
  readonly ws: boolean;
}

/** How one is written. */
export const ENTERING_FIELDS: FieldPlan<EnteringPiece> = {
  socket: left("its descriptor goes along"),
  hostname: "text",
  port: "int",
  bytes: "bytes",
  isSecond: "flag",
  ws: "flag",
};

/** Where connections do what comes before their frames. */
export class Entrance {
  readonly #options: EntranceOptions;
  readonly #under = new Set<Entering>();
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

  /** Whether a connection that comes from there is refused at once, which is told. */
  refuses(address: string): boolean {
    const { addresses, proxies } = this.#options;
    return !isInRanges(address, proxies) && addresses.refuses(address);
  }

  /**
   * Lets a connection in: at once, or when it has done its steps; it has a place until then. One
   * that is refused is closed before it is answered anything.
   *
   * @param conn One that can be secured, where it is to be.
   * @returns A promise, which never rejects, when there are steps to be done.
   */
  accept(conn: Conn, steps: Steps, onOpen: OnOpen): Promise<void> | undefined {
    const { addresses, places, proxies, onFull } = this.#options;
    const { hostname } = conn.remoteAddr;
    const proxied = isProxied(conn, proxies);
    // Before a place is made for it.
    if (!proxied && addresses.refuses(hostname)) {
      conn.close();
      return undefined;
    }
    if (!places.hasRoom()) {
      onFull(conn);
      conn.close();
      return undefined;
    }
    const counted = proxied ? undefined : addresses.enter(hostname);
    if (proxied || steps.tls || steps.ws) {
      return this.#enter(
        { conn, steps, address: hostname, counted },
        proxied,
        onOpen,
      );
    }
    onOpen(conn, counted);
    return undefined;
  }

  /** Those that are at it, as another process can go on with them; nothing changes here. */
  *give(): Iterable<EnteringPiece> {
    for (const { conn, steps } of this.#under) {
      const socket = steps.tls ? undefined : conn.give?.()?.socket;
      const head = socket && headOf(socket);
      if (!head) continue;
      const { remoteAddr: { hostname, port }, bytes, isSecond } = head;
      yield { socket, hostname, port, bytes, isSecond, ws: steps.ws };
    }
  }

  /** Lets in one that another process has given. */
  takeOver(
    { socket, hostname, port, bytes, isSecond, ws }: EnteringPiece,
    onOpen: OnOpen,
  ): Promise<void> {
    const { addresses, proxies } = this.#options;
    const address = { transport: "tcp", hostname, port } as const;
    const conn = Preamble.behind(socket, bytes, address);
    const proxied = !isSecond && isProxied(conn, proxies);
    const isOwn = proxied || isInRanges(hostname, proxies);
    const counted = isOwn ? undefined : addresses.enter(hostname);
    const steps = { tls: false, ws };
    return this.#enter(
      { conn, steps, address: hostname, counted },
      proxied,
      onOpen,
    );
  }

  async #enter(
    entering: Entering,
    proxied: boolean,
    onOpen: OnOpen,
  ): Promise<void> {
    const { addresses, places, onRoom } = this.#options;
    const place: Placed = {
      heard: false,
      known: false,
      socket: {
        destroy: () => {
          onRoom();
          entering.conn.close();
        },
      },
    };
    this.#under.add(entering);
    places.take(place);
    const opened = await this.#open(entering, proxied);
    this.#under.delete(entering);
    places.free(place);
    if (opened && !this.#closed) return onOpen(opened, entering.counted);
    addresses.leave(entering.counted);
    opened?.close();
  }

  /** Closes whoever is at it and is barred now. */
  closeBarred(): void {
    const { addresses } = this.#options;
    for (const { conn, address } of this.#under) {
      if (addresses.bars(address)) conn.close();
    }
  }

  /** Lets nobody in any more; who is at it is closed. */
  close(): void {
    this.#closed = true;
    for (const { conn } of this.#under) conn.close();
  }

  async #open(
    entering: Entering,
    isProxied: boolean,
  ): Promise<Conn | undefined> {
    const { proxies, onRefused } = this.#options;
    const { conn, steps: { tls, ws } } = entering;
    let opened = conn;
    let rest: Uint8Array | undefined;
    let isHttp = false;
    if (isProxied) {
      const proxied = await openProxied(conn, {
        http: ws && !tls,
        onRefused: ({ message, isCheck }) => {
          if (!isCheck) this.#refuseProxy(conn, message);
        },
      });
      if (!proxied) return undefined;
      opened = proxied.conn;
      isHttp = proxied.isHttp;
      if (!isHttp && !this.#admits(entering, opened.remoteAddr.hostname)) {
        opened.close();
        return undefined;
      }
      if (tls) rest = proxied.conn.takeRest();
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
    const forwarding = {
      forwardedBy: proxies,
      admits: (client: string) => this.#admits(entering, client),
    };
    const options = isHttp
      ? { ...this.#options, ...forwarding }
      : this.#options;
    return await WebSocketConn.open(opened, options, (message) => {
      if (message === NOT_FORWARDED) this.#refuseProxy(conn, message);
      // That is told already.
      else if (message !== NOT_ADMITTED) {
        const line = `${address} is no WebSocket: ${message}`;
        onRefused({ line, step: "ws" });
      }
    });
  }

  // A proxy that speaks for itself is not counted.
  #admits(entering: Entering, client: string): boolean {
    const { addresses, proxies } = this.#options;
    entering.address = client;
    if (isInRanges(client, proxies)) return true;
    if (addresses.refuses(client)) return false;
    entering.counted = addresses.enter(client);
    return true;
  }

  #refuseProxy({ remoteAddr }: Conn, why: string): void {
    const address = formatAddress(remoteAddr);
    const line = `proxy ${address} is refused: ${why} (proxyProtocol)`;
    this.#options.onRefused({ line, step: "proxy" });
  }
}
