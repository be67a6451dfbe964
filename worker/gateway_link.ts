// GatewayLink: keeps a worker attached to one gateway, through the gateway's restarts.

import {
  CHALLENGE_MS,
  type CloseCause,
  connectGateway,
  type GatewayHost,
  gatewayName,
  type Logger,
  type PeerSecret,
} from "@maple/box/internal";
import {
  type AskOptions,
  GatewayConnection,
  type TaskHandler,
} from "./gateway_connection.ts";
import type { GatewayLinkStats } from "./stats.ts";

/** What a {@linkcode GatewayLink} tells its worker. */
export interface LinkHandler extends Pick<TaskHandler, "onTask"> {
  /** Where the link logs. */
  readonly logger: Logger;
  /** A connection was made; tasks come when the promise has resolved. */
  onOpen(link: GatewayLink): Promise<void> | undefined;
  /** It has ended; the next one is made when the promise has resolved. */
  onClose(link: GatewayLink): Promise<void> | undefined;
  /** The link has another state. */
  onState(link: GatewayLink): void;
  /** The gateway is not there, or does not let the worker in: one line for each time. */
  onTurnedAway(why: string): void;
}

/** How a worker attaches. */
export interface LinkOptions extends AskOptions {
  /** Whether the gateway is known to be one of ours, which greets whom it lets in. */
  readonly greets: boolean;
  /** What the worker proves itself by, if it does. */
  readonly secret: PeerSecret;
}

/**
 * Where a link stands:
 *
 * - `new`: nothing is known of the gateway
 * - `away`: it cannot be reached
 * - `knocking`: it can, but has not let the worker in
 * - `attached`: it has
 */
export type LinkState = "new" | "away" | "knocking" | "attached";

// What keeps a worker from its work.
type Trouble = "away" | "silent" | "turned away" | "refused" | "file";

const RECONNECT_MS = 1000;
// One that refuses the worker, or is refused, for its secret is asked less and less often.
const MAX_RECONNECT_MS = 30_000;
// A gateway that does not say in that time that it has let the worker in is an original one.
const GREETING_MS = 1000;

/** Keeps a worker attached to one gateway. */
export class GatewayLink {
  /** `127.0.0.1:28000` */
  readonly name: string;
  readonly #address: GatewayHost;
  readonly #options: LinkOptions;
  readonly #handler: LinkHandler;
  #state: LinkState = "new";
  #greets: boolean;
  #connection: GatewayConnection | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  // What was logged since it was attached, each kind once.
  readonly #told = new Set<Trouble>();
  #reconnectMs = RECONNECT_MS;
  #endWait: (() => void) | undefined;

  /** Makes a link that does nothing until it is started. */
  constructor(
    address: GatewayHost,
    options: LinkOptions,
    handler: LinkHandler,
  ) {
    this.name = gatewayName(address);
    this.#address = address;
    this.#options = options;
    this.#greets = options.greets;
    this.#handler = handler;
  }

  /** The connection, while there is one. */
  get connection(): GatewayConnection | undefined {
    return this.#connection;
  }

  /** Where it stands. */
  get state(): LinkState {
    return this.#state;
  }

  /** Whether the gateway is known to be one of ours. */
  get greets(): boolean {
    return this.#greets ||= this.#connection?.greeted ?? false;
  }

  /** As it is now. */
  stats(): GatewayLinkStats {
    return {
      name: this.name,
      attached: this.#connection?.attached ?? false,
      inHand: this.#connection?.inHand ?? 0,
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
      const left = this.#reconnectMs - (performance.now() - start);
      if (!this.#stopped && left > 0) await this.#wait(left);
    }
  }

  async #connect(): Promise<Deno.Conn<Deno.NetAddr> | undefined> {
    const attempt = new AbortController();
    this.#endWait = () => attempt.abort();
    // A host that does not answer at all is away before the system gives it up.
    const slow = setTimeout(() => this.#setState("away"), RECONNECT_MS);
    try {
      const conn = await connectGateway(this.#address, attempt.signal);
      if (!this.#stopped) return conn;
      conn.close();
    } catch (error) {
      if (this.#stopped) return undefined;
      this.#setState("away");
      this.#reconnectMs = RECONNECT_MS;
      this.#warnOnce(
        "away",
        `cannot reach gateway ${this.name}, trying each second: ${
          (error as Error).message
        }`,
      );
    } finally {
      clearTimeout(slow);
    }
    return undefined;
  }

  async #serve(conn: Deno.Conn<Deno.NetAddr>): Promise<void> {
    let ended: CloseCause | undefined;
    const secret = this.#options.secret.renew((why) =>
      this.#warnOnce("file", why)
    );
    const { name } = this;
    const connection = new GatewayConnection(conn, { name, secret }, {
      onTask: this.#handler.onTask,
      onAttached: () => this.#onAttached(),
      onConnectionClose: (cause) => ended = cause,
    });
    this.#connection = connection;
    this.#setState("knocking");
    await this.#handler.onOpen(this);
    // Stopped before the first ASK: nothing to wait for.
    if (this.#stopped) connection.destroy();
    const silence = setTimeout(
      () => this.#onSilence(connection),
      connection.waits ? CHALLENGE_MS : GREETING_MS,
    );
    await connection.run(this.#options);
    clearTimeout(silence);
    this.#connection = undefined;
    const wasAttached = this.#state === "attached";
    this.#setState("knocking");
    const { refusal } = connection;
    this.#reconnectMs = refusal === undefined
      ? RECONNECT_MS
      : Math.min(2 * this.#reconnectMs, MAX_RECONNECT_MS);
    if (this.#stopped) { /* It was to end. */ }
    else if (refusal === undefined) this.#tellEnd(ended!, wasAttached);
    else this.#tellRefusal(refusal);
    await this.#handler.onClose(this);
  }

  #onAttached(): void {
    this.#told.clear();
    this.#handler.logger.info(`attached to gateway ${this.name}`);
    this.#setState("attached");
  }

  #onSilence(connection: GatewayConnection): void {
    if (connection.attached || connection.closed) return;
    if (connection.giveUpUnasked()) return;
    if (!this.greets && !connection.waits) connection.attach();
    else {
      this.#warnOnce(
        "silent",
        `gateway ${this.name} has not let this worker in yet; waiting`,
      );
    }
  }

  #tellRefusal(why: string): void {
    this.#warnOnce(
      "refused",
      `cannot work for gateway ${this.name}: ${why}; trying again less and less often, at last every ${
        MAX_RECONNECT_MS / 1000
      } s`,
    );
  }

  #tellEnd({ message }: CloseCause, wasAttached: boolean): void {
    if (wasAttached) {
      this.#handler.logger.warn(`lost gateway ${this.name}: ${message}`);
    } else {
      this.#warnOnce(
        "turned away",
        `gateway ${this.name} does not let this worker in, trying each second: ${message}; it may be full (its option innerConnsMax) or want a secret, or this is not its port for workers`,
      );
    }
  }

  #warnOnce(kind: Trouble, line: string): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#handler.logger.warn(line);
    this.#handler.onTurnedAway(line);
  }

  #setState(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#handler.onState(this);
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#endWait = resolve;
    await promise;
    clearTimeout(timer);
  }
}
