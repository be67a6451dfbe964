// NatsTransport: what carries the bytes of NATS's client. Its own one leaves connections behind to
// servers that do not answer, waits for a frozen one when it is closed, and lets errors of a
// connection that it has given up end the process.

import type { Buffer } from "node:buffer";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { checkTlsSupport } from "@maple/box/internal";
import type {
  ConnectionOptions,
  Server,
  ServerInfo,
  Transport,
} from "npm:@nats-io/transport-node@3.4.0";

const GREETING = /^INFO (.*)\r\n/;
// The greeting of a server with very many others in its cluster.
const GREETING_BYTES = 1024 * 1024;

/** Makes sure that a server can do what is wanted. */
export type CheckInfo = (info: ServerInfo, options: ConnectionOptions) => void;

/** Carries the bytes between NATS's client and one server. */
export class NatsTransport implements Transport {
  /** Told to servers, for their lists of connections. */
  readonly lang = "maple";
  /** The same: the version of the client. */
  readonly version = "3.4.0";
  /** What has ended the connection, where it was an error. */
  closeError?: Error;
  readonly #check: CheckInfo;
  readonly #closed = Promise.withResolvers<void | Error>();
  #socket: Socket | undefined;
  #chunks: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #isGreeted = false;
  #isConnected = false;
  #isEncrypted = false;
  #isClosed = false;

  /** @param check Makes sure that the server can do what is wanted. */
  constructor(check: CheckInfo) {
    this.#check = check;
  }

  /** Whether there is a server of NATS. */
  get isGreeted(): boolean {
    return this.#isGreeted;
  }

  /** Whether it carries nothing any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Connects, and goes over to TLS where one of the two sides wants it.
   *
   * @throws {Error} when the server is not there, is none, or cannot be trusted.
   */
  async connect(
    { hostname, port, tlsName }: Server & { readonly tlsName?: string },
    options: ConnectionOptions,
  ): Promise<void> {
    const tcp = this.#own(connect({ host: hostname, port, noDelay: true }));
    await opened(tcp, "connect");
    const info = await this.#greeting(tcp);
    this.#isGreeted = true;
    this.#check(info, options);
    if (info.tls_required || info.tls_available || options.tls) {
      checkTlsSupport();
      const name = tlsName || hostname;
      const tls = this.#own(connectTls({
        socket: tcp,
        ...options.tls,
        ...(isIP(name) === 0 && { servername: name }),
      }));
      this.#isEncrypted = true;
      await opened(tls, "secureConnect");
      this.#read(tls);
    }
    // Nobody would be told of that any more.
    if (this.#isClosed) throw this.#ending;
    this.#isConnected = true;
  }

  /** Whether it goes over TLS. */
  isEncrypted(): boolean {
    return this.#isEncrypted;
  }

  /** Sends bytes. */
  send(frame: Uint8Array): void {
    if (!this.#isClosed) this.#socket?.write(frame);
  }

  /** What comes, as it comes. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    while (!this.#isClosed) {
      const chunks = this.#chunks;
      this.#chunks = [];
      yield* chunks;
      if (this.#chunks.length > 0 || this.#isClosed) continue;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Resolves when a connection that was made has ended, to the error where there is one. */
  closed(): Promise<void | Error> {
    return this.#closed.promise;
  }

  /** Ends it at once: nobody waits for a server that takes nothing. */
  close(error?: Error): Promise<void> {
    this.#end(error);
    return Promise.resolve();
  }

  /** The same. */
  disconnect(): void {
    this.#end();
  }

  /** The same, and nobody is told. */
  discard(): void {
    this.#isConnected = false;
    this.#end();
  }

  get #ending(): Error {
    return this.closeError ?? new Error("it has closed");
  }

  #end(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (error) this.closeError = error;
    this.#socket?.destroy();
    this.#wake?.();
    if (this.#isConnected) this.#closed.resolve(error);
  }

  // Its errors are looked at as long as it lives, also after it was given up.
  #own<T extends Socket>(socket: T): T {
    this.#socket = socket;
    if (this.#isClosed) socket.destroy();
    socket.on("error", (error) => this.#end(error));
    socket.on("close", () => this.#end());
    return socket;
  }

  #read(socket: Socket): () => void {
    const onData = (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake?.();
    };
    socket.on("data", onData);
    return () => socket.off("data", onData);
  }

  // The client reads it as well: it stays among what has come.
  async #greeting(socket: Socket): Promise<ServerInfo> {
    const stop = this.#read(socket);
    for (;;) {
      const text = new TextDecoder().decode(joined(this.#chunks));
      const told = GREETING.exec(text)?.[1];
      if (told !== undefined) {
        const info: ServerInfo = JSON.parse(told);
        if (info.tls_required || info.tls_available) stop();
        return info;
      }
      if (
        !"INFO ".startsWith(text.slice(0, 5)) || text.length > GREETING_BYTES
      ) {
        throw new Error("it is no NATS server");
      }
      if (this.#isClosed) throw this.#ending;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

function opened(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("it has closed")));
  });
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
