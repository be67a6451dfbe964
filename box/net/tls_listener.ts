// TlsListener: a listener for TLS, by node:tls. Deno's own listener for TLS leaves Nagle's
// algorithm on and has nothing to turn it off: what is sent right after an answer arrives 40 ms
// late.

import type net from "node:net";
import type tls from "node:tls";
import { ACCEPT_WATCH, AcceptWatch } from "./accept_watch.ts";
import type { Certificate } from "./certificates.ts";
import type { Conn } from "./conn.ts";
import { keepAlive } from "./keep_alive.ts";
import {
  DEFAULT_BACKLOG,
  listenError,
  type ListenTcpOptions,
} from "./listen.ts";
import type { Listener } from "./listener.ts";
import { NodeConn } from "./node_conn.ts";

/** Settings of a {@linkcode TlsListener}. */
export interface TlsListenOptions extends Omit<ListenTcpOptions, "reusePort"> {
  /** Who this is: the one whose names fit what the client asks for, else the first one. */
  readonly certificates: readonly Certificate[];
  /** The protocols that are spoken (ALPN); a client that asks for others only is refused. */
  readonly protocols: readonly string[];
  /** Seconds that a handshake may take. @default {10} */
  readonly handshakeTimeout?: number;
  /** See there; for tests. @default {ACCEPT_WATCH} */
  readonly acceptWatch?: number;
}

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

// Before, node:tls takes clients without a certificate for authorized, and serves every name alike.
const DENO_NEEDED = [2, 8] as const;
const HANDSHAKE_TIMEOUT = 10;
const AGAIN_MS = 1000;
// Node lets everybody in at once: so many wait for it, whoever comes then is closed.
const QUEUE_MAX = 128;
const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Makes sure that this Deno has TLS that can be relied on.
 *
 * @throws {Error} with one line, when it has not.
 */
export function checkTlsSupport(version: string = Deno.version.deno): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [needMajor, needMinor] = DENO_NEEDED;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new Error(
    `TLS needs Deno ${needMajor}.${needMinor} or later, and this is ${version}; update Deno, or let a proxy in front end it`,
  );
}

/** A {@linkcode Listener} for TLS, by `node:tls`. */
export class TlsListener implements Listener {
  /** Where it listens. */
  readonly addr: Deno.NetAddr;
  // Begins to listen, at that address again and again.
  readonly #listen: () => Promise<net.Server>;
  readonly #handshakes: Handshakes;
  readonly #watch: AcceptWatch;
  readonly #keepAlive: number;
  #server: net.Server;
  // Those who have come, and whoever waits for one.
  readonly #queue: TlsConn[] = [];
  #waiting: PromiseWithResolvers<SecurableConn> | undefined;
  #fault: Error | undefined;
  #closed = false;

  private constructor(
    server: net.Server,
    handshakes: Handshakes,
    { listen, keepAlive = 0, acceptWatch = ACCEPT_WATCH }: TlsListenOptions & {
      readonly listen: (port: number) => Promise<net.Server>;
    },
  ) {
    this.#server = server;
    this.#handshakes = handshakes;
    this.#keepAlive = keepAlive;
    const { address: hostname, port } = server.address() as net.AddressInfo;
    this.addr = { transport: "tcp", hostname, port };
    this.#listen = () => listen(port);
    this.#follow(server);
    this.#watch = new AcceptWatch(
      this.addr,
      acceptWatch,
      () => this.#listenAgain(),
    );
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
    const { backlog = DEFAULT_BACKLOG } = options;
    const listen = (port: number) =>
      new Promise<net.Server>((resolve, reject) => {
        const server = createServer();
        server.once(
          "error",
          (cause) => reject(listenError(what, { hostname, port, cause })),
        );
        server.listen({ host: hostname, port, backlog }, () => resolve(server));
      });
    return new TlsListener(
      await listen(port),
      new Handshakes(tls, options),
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
    this.#watch.stop();
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
    const isOwn = this.#watch.arrived(socket.remotePort ?? 0);
    if (isOwn === false) return this.#letIn(socket);
    socket.on("error", () => {});
    Promise.resolve(isOwn).then((isOwn) => {
      if (isOwn) socket.destroy();
      else this.#letIn(socket);
    });
  }

  #letIn(socket: net.Socket): void {
    // It is gone already.
    if (this.#closed || socket.remoteAddress === undefined) {
      socket.destroy();
    } else if (this.#queue.length === QUEUE_MAX) {
      socket.destroy();
      this.#onFault(new Error(`${QUEUE_MAX} wait to be let in`));
    } else {
      const conn = new TlsConn(socket, this.#handshakes);
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

class TlsConn extends NodeConn implements SecurableConn {
  readonly #handshakes: Handshakes;

  constructor(socket: net.Socket, handshakes: Handshakes) {
    super(socket);
    this.#handshakes = handshakes;
  }

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

type Settle = (result: tls.TLSSocket | Error) => void;

/** Does the handshakes of a listener. */
class Handshakes {
  readonly #tls: typeof tls;
  readonly #server: tls.Server;
  readonly #timeout: number;
  // By the address of the client.
  readonly #underWay = new Map<string, Settle>();
  #contexts: (readonly [Certificate, tls.SecureContext])[] = [];

  constructor(
    tlsModule: typeof tls,
    { certificates, protocols, handshakeTimeout = HANDSHAKE_TIMEOUT }:
      TlsListenOptions,
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
