// TlsListener: a listener for TLS, by node:tls. Deno's own listener for TLS leaves Nagle's
// algorithm on and has nothing to turn it off: what is sent right after an answer arrives 40 ms
// late.

import type net from "node:net";
import { ACCEPT_WATCH, AcceptWatch } from "./accept_watch.ts";
import type { Certificate } from "./certificates.ts";
import { keepAlive } from "./keep_alive.ts";
import {
  DEFAULT_BACKLOG,
  listenError,
  type ListenTcpOptions,
} from "./listen.ts";
import type { Listener } from "./listener.ts";
import type { SocketPair } from "./relay_socket.ts";
import { type SecurableConn, TlsConn } from "./tls_conn.ts";
import { type TlsHandshakeOptions, TlsHandshakes } from "./tls_handshakes.ts";
import { checkTlsSupport } from "./tls_support.ts";

/** Settings of a {@linkcode TlsListener}. */
export interface TlsListenOptions
  extends ListenTcpOptions, TlsHandshakeOptions {
  /**
   * Whether one more connection of an address is refused: it is closed before it has a place among
   * those who wait to be let in. @default none
   */
  readonly refuses?: ((address: string) => boolean) | undefined;
  /** Makes the sockets by which another process can have a connection. @default none can */
  readonly pair?: (() => SocketPair | undefined) | undefined;
  /** See there; for tests. @default {ACCEPT_WATCH} */
  readonly acceptWatch?: number;
}

const AGAIN_MS = 1000;
// Node lets everybody in at once: so many wait for it, whoever comes then is closed.
const QUEUE_MAX = 1024;

/** A {@linkcode Listener} for TLS, by `node:tls`. */
export class TlsListener implements Listener {
  /** Where it listens. */
  readonly addr: Deno.NetAddr;
  // Begins to listen, at that address again and again.
  readonly #listen: () => Promise<net.Server>;
  readonly #handshakes: TlsHandshakes;
  readonly #watch: AcceptWatch | undefined;
  readonly #keepAlive: number;
  readonly #refuses: TlsListenOptions["refuses"];
  readonly #pair: TlsListenOptions["pair"];
  #server: net.Server;
  // Those who have come, and whoever waits for one.
  readonly #queue: TlsConn[] = [];
  #waiting: PromiseWithResolvers<SecurableConn> | undefined;
  #fault: Error | undefined;
  #closed = false;

  private constructor(
    server: net.Server,
    handshakes: TlsHandshakes,
    options: TlsListenOptions & {
      readonly listen: (port: number) => Promise<net.Server>;
    },
  ) {
    const { listen, keepAlive = 0, acceptWatch = ACCEPT_WATCH } = options;
    this.#refuses = options.refuses;
    this.#pair = options.pair;
    this.#server = server;
    this.#handshakes = handshakes;
    this.#keepAlive = keepAlive;
    const { address: hostname, port } = server.address() as net.AddressInfo;
    this.addr = { transport: "tcp", hostname, port };
    this.#listen = () => listen(port);
    this.#follow(server);
    // At a shared port it would be another who lets its trial in, or does not.
    this.#watch = options.reusePort
      ? undefined
      : new AcceptWatch(this.addr, acceptWatch, () => this.#listenAgain());
  }

  /**
   * Opens one; port 0 is any free port.
   *
   * @throws {Error} with one line, when this Deno has no TLS that can be relied on, or the address
   * cannot be listened on.
   */
  static async open(
    { what, hostname, port }: { what: string; hostname: string; port: number },
    options: TlsListenOptions,
  ): Promise<TlsListener> {
    checkTlsSupport();
    // They cost a start 30 ms, and few servers need them.
    const [{ createServer }, tls] = await Promise.all([
      import("node:net"),
      import("node:tls"),
    ]);
    const { backlog = DEFAULT_BACKLOG, reusePort = false } = options;
    const listen = (port: number) =>
      new Promise<net.Server>((resolve, reject) => {
        const server = createServer();
        server.once(
          "error",
          (cause) => reject(listenError(what, { hostname, port, cause })),
        );
        // Node needs no flag for it. Not in place: the types of Deno 2.4 do not know reusePort.
        const at = { host: hostname, port, backlog, reusePort };
        server.listen(at, () => resolve(server));
      });
    return new TlsListener(
      await listen(port),
      new TlsHandshakes(tls, options),
      { ...options, listen },
    );
  }

  /** Shows others from the next handshake on. */
  setCertificates(certificates: readonly Certificate[]): void {
    this.#handshakes.setCertificates(certificates);
  }

  /** The next connection, whose handshake is still to be done. */
  async accept(): Promise<SecurableConn> {
    const fault = this.#closed ? new Deno.errors.BadResource() : this.#fault;
    this.#fault = undefined;
    if (fault) throw fault;
    return this.#queue.shift() ??
      await (this.#waiting = Promise.withResolvers()).promise;
  }

  /** Lets nobody in any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.stop();
    this.#server.close();
    for (const conn of this.#queue.splice(0)) conn.close();
    this.#take()?.reject(new Deno.errors.BadResource());
  }

  #follow(server: net.Server): void {
    server.removeAllListeners("error");
    server.on("error", (error) => this.#onFault(error));
    server.on("connection", (socket) => this.#onSocket(socket));
    keepAlive(this.addr.port, this.#keepAlive);
  }

  // Those who are connected stay so.
  async #listenAgain(): Promise<void> {
    this.#onFault(
      new Error("nobody is let in any more; it listens anew"),
    );
    this.#server.close();
    while (!this.#closed) {
      try {
        const server = await this.#listen();
        this.#server = server;
        if (this.#closed) server.close();
        return this.#follow(server);
      } catch (error) {
        this.#onFault(error as Error);
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  #onSocket(socket: net.Socket): void {
    const isOwn = this.#watch?.arrived(socket.remotePort ?? 0);
    if (!isOwn) return this.#letIn(socket);
    socket.on("error", () => {});
    Promise.resolve(isOwn).then((isOwn) => {
      if (isOwn) socket.destroy();
      else this.#letIn(socket);
    });
  }

  #letIn(socket: net.Socket): void {
    const { remoteAddress } = socket;
    // It is gone already.
    if (this.#closed || remoteAddress === undefined) {
      socket.destroy();
    } else if (this.#refuses?.(remoteAddress)) {
      socket.destroy();
    } else if (this.#queue.length === QUEUE_MAX) {
      socket.destroy();
      this.#onFault(new Error(`${QUEUE_MAX} wait to be let in`));
    } else {
      const conn = new TlsConn(socket, this.#handshakes, this.#pair);
      const waiting = this.#take();
      if (waiting) waiting.resolve(conn);
      else this.#queue.push(conn);
    }
  }

  // Told to whoever accepts.
  #onFault(error: Error): void {
    const waiting = this.#take();
    if (waiting) waiting.reject(error);
    else this.#fault = error;
  }

  #take(): PromiseWithResolvers<SecurableConn> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}
