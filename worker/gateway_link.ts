// GatewayLink: keeps a worker attached to one gateway, through the gateway's restarts.

import {
  CHALLENGE_MS,
  type CloseCause,
  connectGateway,
  formatAddress,
  type GatewayHost,
  gatewayName,
  type Greeting,
  KnownGateway,
  type ListedGateway,
  type Logger,
  type PeerSecret,
} from "@maple/box/internal";
import {
  type AskOptions,
  GatewayConnection,
  type TaskHandler,
} from "./gateway_connection.ts";
import { LinkLog, MAX_RECONNECT_MS } from "./link_log.ts";
import type { GatewayLinkStats } from "./stats.ts";
import type { TaskConnection } from "./task_connection.ts";

/** What a {@linkcode GatewayLink} tells its worker. */
export interface LinkHandler extends Pick<TaskHandler, "onTask"> {
  /** Where the link logs. */
  readonly logger: Logger;
  /** A connection was made; tasks come when the promise has resolved. */
  onOpen(link: GatewayLink): Promise<void> | undefined;
  /** It has ended; the next one is made when the promise has resolved. */
  onClose(link: GatewayLink): Promise<void> | undefined;
  /**
   * The gateway has said who it is, or that its list has changed.
   *
   * @returns Why a worker does not stay that has just come.
   */
  onGreeting(link: GatewayLink, greeting: Greeting): Rest | undefined;
  /** The link has another state, or its gateway tells of other ones. */
  onState(link: GatewayLink): void;
  /** Where to go with what is about a client of a connection that has ended. */
  elsewhere(greeting: Greeting): TaskConnection | undefined;
  /** The gateway is not there, or does not let the worker in: one line for each time. */
  onTurnedAway(why: string): void;
}

/** Why a worker does not stay at a gateway. */
export interface Rest {
  /** For the log. */
  readonly why: string;
  /** Milliseconds until it is looked at again; undefined = when the link is woken. */
  readonly ms: number | undefined;
}

/** How a worker attaches. */
export interface LinkOptions extends AskOptions {
  /** Which of the worker's own gateways it is, from 0, or was found by. */
  readonly seed: number;
  /** Of a gateway that others have told of: the name of their cluster. */
  readonly foundIn?: string | undefined;
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
 * - `resting`: the worker does not stay there
 */
export type LinkState = "new" | "away" | "knocking" | "attached" | "resting";

const RECONNECT_MS = 1000;
// A gateway that does not say in that time that it has let the worker in is an original one.
const GREETING_MS = 1000;
// What may come while it leaves a gateway that it has just come to.
const REST_MS = 10_000;
const NONE: readonly ListedGateway[] = [];

/** Keeps a worker attached to one gateway. */
export class GatewayLink {
  /** `127.0.0.1:28000` */
  readonly name: string;
  /** What is known of it. */
  readonly gateway: KnownGateway;
  readonly #address: GatewayHost;
  readonly #options: LinkOptions;
  readonly #handler: LinkHandler;
  #state: LinkState = "new";
  #greets: boolean;
  #restMs: number | undefined;
  #connection: GatewayConnection | undefined;
  #running: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;
  #stopped = false;
  readonly #log: LinkLog;
  #reconnectMs = RECONNECT_MS;
  #endWait: (() => void) | undefined;

  /** Makes a link that does nothing until it is started. */
  constructor(
    address: GatewayHost,
    options: LinkOptions,
    handler: LinkHandler,
  ) {
    this.name = gatewayName(address);
    this.gateway = new KnownGateway(options.foundIn);
    this.#address = address;
    this.#options = options;
    this.#greets = options.greets;
    this.#handler = handler;
    this.#log = new LinkLog(this.name, handler);
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

  /** Whether it has let the worker in. */
  get isAttached(): boolean {
    return this.#state === "attached";
  }

  /** Which of the worker's own gateways it is, or was found by. */
  get seed(): number {
    return this.#options.seed;
  }

  /** The cluster that the gateway is one of, or was when it was there last. */
  get cluster(): string | undefined {
    return this.gateway.cluster;
  }

  /** The gateways of its cluster, while it is attached. */
  get listed(): readonly ListedGateway[] {
    return this.isAttached ? this.gateway.list : NONE;
  }

  /** As it is now. */
  stats(): GatewayLinkStats {
    const { name, gateway: { cluster, node } } = this;
    return {
      name,
      attached: this.#connection?.attached ?? false,
      inHand: this.#connection?.inHand ?? 0,
      ...(cluster !== undefined && { cluster }),
      ...(cluster !== undefined && node !== undefined && { node }),
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

  /** Ends its rest, where it has one: whom it would have been is not there any more. */
  wake(): void {
    if (this.#state !== "resting") return;
    this.#restMs = 0;
    this.#endWait?.();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const start = performance.now();
      const conn = await this.#connect();
      if (conn) await this.#serve(conn);
      if (this.#stopped) return;
      if (this.#state === "resting") {
        await this.#wait(this.#restMs);
        this.#setState("new");
        continue;
      }
      // A gateway that accepts and closes at once is asked each second as well.
      const left = this.#reconnectMs - (performance.now() - start);
      if (left > 0) await this.#wait(left);
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
      this.#log.away((error as Error).message);
    } finally {
      clearTimeout(slow);
    }
    return undefined;
  }

  async #serve(conn: Deno.Conn<Deno.NetAddr>): Promise<void> {
    let ended: CloseCause | undefined;
    this.gateway.remote = formatAddress(conn.remoteAddr);
    const secret = this.#options.secret.renew((why) => this.#log.file(why));
    const { name } = this;
    const connection = new GatewayConnection(conn, { name, secret }, {
      onTask: this.#handler.onTask,
      onGreeting: (greeting) => this.#onGreeting(greeting),
      onAttached: () => this.#onAttached(),
      elsewhere: (greeting) => this.#handler.elsewhere(greeting),
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
    const isResting = this.#state === "resting";
    const wasAttached = this.isAttached;
    if (isResting) await this.#leaving;
    else this.#setState("knocking");
    const { refusal } = connection;
    this.#reconnectMs = refusal === undefined
      ? RECONNECT_MS
      : Math.min(2 * this.#reconnectMs, MAX_RECONNECT_MS);
    if (this.#stopped || isResting) { /* It was to end. */ }
    else if (refusal === undefined) this.#log.end(ended!.message, wasAttached);
    else this.#log.refusal(refusal);
    await this.#handler.onClose(this);
  }

  // Answers whether it stays.
  #onGreeting(greeting: Greeting): boolean {
    if (this.#state === "resting") return false;
    this.gateway.hasGreeted(greeting);
    const rest = this.#handler.onGreeting(this, greeting);
    if (this.isAttached) this.#handler.onState(this);
    if (this.isAttached || !rest) return true;
    this.#restMs = rest.ms;
    this.#log.rest(rest.why);
    this.#setState("resting");
    this.#leaving = this.#connection!.drain(REST_MS);
    return false;
  }

  #onAttached(): void {
    if (this.#state === "resting") return;
    if (!this.#connection!.greeted) this.gateway.isSilent();
    this.#log.attached();
    this.#setState("attached");
  }

  #onSilence(connection: GatewayConnection): void {
    if (connection.attached || connection.closed) return;
    if (connection.giveUpUnasked()) return;
    if (!this.greets && !connection.waits) connection.attach();
    else this.#log.silent();
  }

  #setState(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#handler.onState(this);
  }

  // Without a time until it is ended.
  async #wait(ms: number | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    this.#endWait = resolve;
    await promise;
    clearTimeout(timer);
  }
}
