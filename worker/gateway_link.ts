// GatewayLink: keeps a worker attached to one gateway, through the gateway's restarts.

import type { CloseCause, Logger } from "@maple/box/internal";
import { GatewayConnection, type TaskHandler } from "./gateway_connection.ts";
import type { GatewayAddress } from "./options.ts";
import type { GatewayLinkStats } from "./stats.ts";

/** What a {@linkcode GatewayLink} tells its worker. */
export interface LinkHandler extends Pick<TaskHandler, "onTask"> {
  /** Where the link logs. */
  readonly logger: Logger;
  /** A connection was made; tasks come when the promise has resolved. */
  onOpen(link: GatewayLink): Promise<void> | undefined;
  /** It has ended; the next one is made when the promise has resolved. */
  onClose(link: GatewayLink): Promise<void> | undefined;
}

/** How a worker asks for tasks. */
export interface LinkOptions {
  /** How many tasks it asks for at a time. */
  readonly concurrency: number;
  /** Who it is, for the gateway. */
  readonly hello: Uint8Array;
}

const RECONNECT_MS = 1000;

/** Keeps a worker attached to one gateway. */
export class GatewayLink {
  /** `127.0.0.1:28000` */
  readonly name: string;
  readonly #address: Required<GatewayAddress>;
  readonly #options: LinkOptions;
  readonly #handler: LinkHandler;
  #connection: GatewayConnection | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  #awayLogged = false;
  #endWait: (() => void) | undefined;

  /** Makes a link that does nothing until it is started. */
  constructor(
    address: Required<GatewayAddress>,
    options: LinkOptions,
    handler: LinkHandler,
  ) {
    this.name = `${address.host}:${address.port}`;
    this.#address = address;
    this.#options = options;
    this.#handler = handler;
  }

  /** The connection, while there is one. */
  get connection(): GatewayConnection | undefined {
    return this.#connection;
  }

  /** As it is now. */
  stats(): GatewayLinkStats {
    const connection = this.#connection;
    return {
      name: this.name,
      attached: connection !== undefined && !connection.closed,
      inHand: connection?.held ?? 0,
    };
  }

  /** Connects, and again each second while the gateway is away. */
  start(): void {
    this.#running = this.#run();
  }

  /** Leaves the gateway in order, see {@linkcode GatewayConnection.drain}. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true;
    this.#endWait?.();
    await this.#connection?.drain(timeoutMs);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const start = performance.now();
      const conn = await this.#connect();
      if (conn) await this.#serve(conn);
      // A gateway that accepts and closes at once is asked each second as well.
      const left = RECONNECT_MS - (performance.now() - start);
      if (!this.#stopped && left > 0) await this.#wait(left);
    }
  }

  async #connect(): Promise<Deno.TcpConn | undefined> {
    const { host, port } = this.#address;
    const connecting = Deno.connect({ hostname: host, port });
    try {
      const conn = await this.#untilStopped(connecting);
      if (this.#stopped || !conn) {
        // A host that does not answer at all must not hold up the end.
        connecting.then((late) => late.close(), () => {});
        return undefined;
      }
      conn.setNoDelay(true);
      conn.setKeepAlive(true);
      return conn;
    } catch (error) {
      if (!this.#awayLogged) {
        this.#awayLogged = true;
        this.#handler.logger.warn(
          `cannot reach gateway ${this.name}, trying each second: ${
            (error as Error).message
          }`,
        );
      }
      return undefined;
    }
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    const { logger } = this.#handler;
    let ended: CloseCause | undefined;
    const connection = new GatewayConnection(conn, {
      onTask: (frame, connection) => this.#handler.onTask(frame, connection),
      onConnectionClose: (cause) => ended = cause,
    });
    this.#connection = connection;
    this.#awayLogged = false;
    await this.#handler.onOpen(this);
    logger.info(`attached to gateway ${this.name}`);
    // Stopped before the first ASK: nothing to wait for.
    if (this.#stopped) connection.destroy();
    await connection.run(this.#options.concurrency, this.#options.hello);
    this.#connection = undefined;
    if (!this.#stopped) {
      logger.warn(`lost gateway ${this.name}: ${ended?.message}`);
    }
    await this.#handler.onClose(this);
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await this.#untilStopped(promise);
    clearTimeout(timer);
  }

  #untilStopped<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#endWait = () => resolve(undefined);
      work.then(resolve, reject);
    });
  }
}
