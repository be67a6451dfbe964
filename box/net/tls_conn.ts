// TlsConn: a connection that has to be secured before anything else is done with it.

import type net from "node:net";
import type { Conn, ConnPiece } from "./conn.ts";
import { NodeConn } from "./node_conn.ts";
import type { SocketPair } from "./relay_socket.ts";
import type { TlsHandshakes } from "./tls_handshakes.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** A connection that has to be secured before anything else is done with it. */
export interface SecurableConn extends Conn {
  /**
   * Does the handshake.
   *
   * @param rest Bytes of it that were read already.
   * @returns undefined when the connection is secured; why not, when it has ended. Never rejects.
   */
  handshake(rest?: Uint8Array): Promise<string | undefined>;
}

/** One that a {@linkcode TlsHandshakes} secures. */
export class TlsConn extends NodeConn implements SecurableConn {
  readonly #handshakes: TlsHandshakes;
  readonly #pair: (() => SocketPair | undefined) | undefined;
  #secured = false;

  /**
   * Takes a connection over.
   *
   * @param handshakes Who does its handshake.
   * @param pair Makes the sockets by which another process can have it.
   */
  constructor(
    socket: net.Socket,
    handshakes: TlsHandshakes,
    pair?: () => SocketPair | undefined,
  ) {
    super(socket);
    this.#handshakes = handshakes;
    this.#pair = pair;
  }

  /** What another process needs to go on with it by way of this one, which has its keys. */
  give(): ConnPiece | undefined {
    const pair = this.#pair;
    return pair && this.#secured ? this.giveBy(pair) : undefined;
  }

  /** Does the handshake. */
  async handshake(rest: Uint8Array = NOTHING): Promise<string | undefined> {
    try {
      await this.replace((socket) => this.#handshakes.do(socket), rest);
      this.#secured = true;
      return undefined;
    } catch (error) {
      this.close();
      return (error as Error).message;
    }
  }
}
