// TlsConn: a connection that has to be secured before anything else is done with it.

import type net from "node:net";
import type { Conn } from "./conn.ts";
import { NodeConn } from "./node_conn.ts";
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

  /** @param handshakes Who does its handshake. */
  constructor(socket: net.Socket, handshakes: TlsHandshakes) {
    super(socket);
    this.#handshakes = handshakes;
  }

  /** Does the handshake. */
  async handshake(rest: Uint8Array = NOTHING): Promise<string | undefined> {
    try {
      await this.replace((socket) => this.#handshakes.do(socket), rest);
      return undefined;
    } catch (error) {
      this.close();
      return (error as Error).message;
    }
  }
}
