// TlsHandshakes: does the handshakes of a listener, by node:tls.

import type net from "node:net";
import type tls from "node:tls";
import type { Certificate } from "./certificates.ts";
import { type ClientHello, readClientHello } from "./client_hello.ts";

const HANDSHAKE_TIMEOUT = 10;
const NOTHING: Uint8Array = new Uint8Array(0);

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
  readonly #protocols: string[];
  readonly #timeout: number;
  // By the address of the client.
  readonly #underWay = new Map<string, Settle>();
  #servers: (readonly [Certificate, tls.Server])[] = [];

  /** @param tlsModule `node:tls`. */
  constructor(
    tlsModule: typeof tls,
    { certificates, protocols, handshakeTimeout = HANDSHAKE_TIMEOUT }:
      TlsHandshakeOptions,
  ) {
    this.#tls = tlsModule;
    this.#protocols = [...protocols];
    this.#timeout = handshakeTimeout;
    this.setCertificates(certificates);
  }

  /** Shows others from the next handshake on. */
  setCertificates(certificates: readonly Certificate[]): void {
    this.#servers = certificates.map((certificate) =>
      [certificate, this.#serverOf(certificate)] as const
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
      // What is no TLS costs no more than its bytes.
      peekHello(socket).then((hello) => {
        if (this.#underWay.get(name) !== settle) return;
        if (hello.kind === "hello") {
          this.#serverFor(hello.name)?.emit("connection", socket);
        } else if (hello.kind === "wrong") {
          settle(new Error("it does not begin with a ClientHello"));
        } else onClose();
      });
    });
  }

  // It never listens: it is given connections. Each certificate has one of its own, and the name
  // that a client asks for is read here. Of a connection whose handshake comes to nothing Deno
  // keeps 35 KB: for good where it would ask for the certificate (`SNICallback`, `addContext`),
  // else until `handshakeTimeout` is over.
  #serverOf({ cert, key }: Certificate): tls.Server {
    const server = this.#tls.createServer({
      cert,
      key,
      minVersion: "TLSv1.2",
      ALPNProtocols: this.#protocols,
      handshakeTimeout: this.#timeout * 1000,
    });
    server.on("secureConnection", (socket) => {
      // Before, who ends his side is gone; now he may still read.
      socket.allowHalfOpen = true;
      this.#settle(socket, socket);
    });
    server.on("tlsClientError", (error, socket) => this.#settle(socket, error));
    return server;
  }

  #settle(socket: tls.TLSSocket, result: tls.TLSSocket | Error): void {
    const settle = this.#underWay.get(nameOf(socket));
    if (settle) settle(result);
    // It took too long.
    else socket.destroy();
  }

  // The first certificate is for whoever asks for nobody that is known.
  #serverFor(host: string | undefined): tls.Server | undefined {
    const [, server] =
      this.#servers.find(([{ fits }]) => host !== undefined && fits(host)) ??
        this.#servers[0] ?? [];
    return server;
  }
}

function nameOf(socket: net.Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

// How a client begins, in bytes that stay to be read; "more" where it has ended before.
function peekHello(socket: net.Socket): Promise<ClientHello> {
  return new Promise((resolve) => {
    let bytes: Uint8Array = NOTHING;
    const done = (hello: ClientHello) => {
      socket.pause();
      socket.off("data", onData);
      socket.off("end", onEnd);
      socket.off("close", onEnd);
      if (bytes.length > 0) socket.unshift(bytes);
      resolve(hello);
    };
    const onEnd = () => done({ kind: "more" });
    const onData = (chunk: Uint8Array) => {
      const more = new Uint8Array(bytes.length + chunk.length);
      more.set(bytes);
      more.set(chunk, bytes.length);
      bytes = more;
      const hello = readClientHello(bytes);
      if (hello.kind !== "more") done(hello);
    };
    socket.on("end", onEnd);
    socket.on("close", onEnd);
    socket.on("data", onData);
    socket.resume();
  });
}
