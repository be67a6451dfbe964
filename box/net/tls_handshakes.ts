// TlsHandshakes: does the handshakes of a listener, by node:tls.

import type net from "node:net";
import type tls from "node:tls";
import type { Certificate } from "./certificates.ts";

const HANDSHAKE_TIMEOUT = 10;

/** Settings of {@linkcode TlsHandshakes}. */
export interface TlsHandshakeOptions {
  /** Who this is: the one whose names fit what the client asks for, else the first one. */
  readonly certificates: readonly Certificate[];
  /** The protocols that are spoken (ALPN); a client that asks for others only is refused. */
  readonly protocols: readonly string[];
  /** Seconds that a handshake may take. @default {10} */
  readonly handshakeTimeout?: number;
}

type Settle = (result: tls.TLSSocket | Error) => void;

/** Does the handshakes of a listener. */
export class TlsHandshakes {
  readonly #tls: typeof tls;
  readonly #server: tls.Server;
  readonly #timeout: number;
  // By the address of the client.
  readonly #underWay = new Map<string, Settle>();
  #contexts: (readonly [Certificate, tls.SecureContext])[] = [];

  /** @param tlsModule `node:tls`. */
  constructor(
    tlsModule: typeof tls,
    { certificates, protocols, handshakeTimeout = HANDSHAKE_TIMEOUT }:
      TlsHandshakeOptions,
  ) {
    this.#tls = tlsModule;
    this.#timeout = handshakeTimeout;
    const [first] = certificates;
    // It never listens: it is given connections.
    const server = tlsModule.createServer({
      ...(first && { cert: first.cert, key: first.key }),
      minVersion: "TLSv1.2",
      ALPNProtocols: [...protocols],
      SNICallback: (name, callback) => callback(null, this.#contextOf(name)),
    });
    server.on("secureConnection", (socket) => {
      // Before, who ends his side is gone; now he may still read.
      socket.allowHalfOpen = true;
      this.#settle(socket, socket);
    });
    server.on("tlsClientError", (error, socket) => this.#settle(socket, error));
    this.#server = server;
    this.setCertificates(certificates);
  }

  /** Shows others from the next handshake on. */
  setCertificates(certificates: readonly Certificate[]): void {
    const [first] = certificates;
    if (first) this.#server.setSecureContext(first);
    this.#contexts = certificates.map((certificate) =>
      [certificate, this.#tls.createSecureContext(certificate)] as const
    );
  }

  /** Rejects when there is none, and the connection has ended. */
  do(socket: net.Socket): Promise<tls.TLSSocket> {
    return new Promise((resolve, reject) => {
      const name = nameOf(socket);
      const settle: Settle = (result) => {
        clearTimeout(timer);
        this.#underWay.delete(name);
        socket.off("close", onClose);
        if (!(result instanceof Error)) return resolve(result);
        socket.destroy();
        reject(result);
      };
      const onClose = () =>
        settle(new Error("it was closed before the handshake was done"));
      const timer = setTimeout(
        () => settle(new Error(`no handshake within ${this.#timeout} s`)),
        this.#timeout * 1000,
      );
      socket.once("close", onClose);
      this.#underWay.set(name, settle);
      this.#server.emit("connection", socket);
    });
  }

  #settle(socket: tls.TLSSocket, result: tls.TLSSocket | Error): void {
    const settle = this.#underWay.get(nameOf(socket));
    if (settle) settle(result);
    // It took too long.
    else socket.destroy();
  }

  // That of the first certificate where it is undefined.
  #contextOf(name: string): tls.SecureContext | undefined {
    return this.#contexts.find(([{ fits }]) => fits(name))?.[1];
  }
}

function nameOf(socket: net.Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
