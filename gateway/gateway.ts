// Gateway: holds the client connections and forwards between them and the workers.

import type { BanOptions } from "@maple/box";
import { banTask, checkNumber, SECONDS } from "@maple/box/internal";
import { clusterStats } from "./cluster/cluster_stats.ts";
import { fail } from "./errors.ts";
import { fitConnections } from "./fit_connections.ts";
import type { ProgramPiece } from "./handover/handover.ts";
import { Life } from "./life.ts";
import {
  CHANGEABLE,
  type ChangeableLimits,
  type GatewayLimits,
  limitsOf,
} from "./limits.ts";
import { gatherStats } from "./metrics/gather_stats.ts";
import type { GatewayStats } from "./metrics/stats.ts";
import type { GatewayOptions } from "./options.ts";
import { setBan } from "./outer/set_ban.ts";
import { type GatewayParts, makeParts } from "./parts.ts";
import { deniedOf } from "./read_options.ts";
import { resolveOptions } from "./resolve_options.ts";

/**
 * Holds the client connections and forwards: clients' frames to the workers that ask for them,
 * workers' and triggers' answers to the clients.
 *
 * @example A gateway inside a program of your own
 * ```ts ignore
 * import { Gateway } from "@maple/gateway";
 *
 * await using gateway = new Gateway({ outerPort: 29000, innerPort: 28000 });
 * await gateway.listen();
 * console.log(gateway.stats().clients);
 * ```
 */
export class Gateway implements AsyncDisposable {
  readonly #parts: GatewayParts;
  readonly #life: Life;

  /**
   * Makes a gateway, which does nothing until it listens.
   *
   * @param options Limits and addresses; all have defaults.
   * @throws {GatewayError} when an option does not fit.
   */
  constructor(options: GatewayOptions = {}) {
    this.#parts = makeParts(options, {
      age: () => this.#life.age(),
      counts: () => this.#life.counts(),
      hello: () => this.#life.hello(),
      ban: (ban, by) => this.#setBan(ban, by),
      leave: (seconds) => this.#life.leave(seconds),
      onGiven: () => this.#life.onGiven(),
    });
    this.#life = new Life(this.#parts, options.signal);
  }

  /** Where clients connect, with the real port; undefined unless it listens. */
  get outerAddr(): Deno.NetAddr | undefined {
    return this.#parts.ports.outer?.addr("tcp");
  }

  /** Where WebSocket clients connect, likewise; undefined without `wsPort`. */
  get wsAddr(): Deno.NetAddr | undefined {
    return this.#parts.ports.outer?.addr("ws");
  }

  /** Where clients connect over TLS, likewise; undefined without `tlsPort`. */
  get tlsAddr(): Deno.NetAddr | undefined {
    return this.#parts.ports.outer?.addr("tls");
  }

  /** Where WebSocket clients connect over TLS, likewise; undefined without `wssPort`. */
  get wssAddr(): Deno.NetAddr | undefined {
    return this.#parts.ports.outer?.addr("wss");
  }

  /** Where workers and triggers connect, with the real port; undefined unless it listens. */
  get innerAddr(): Deno.NetAddr | undefined {
    return this.#parts.ports.inner?.addr;
  }

  /** Where they connect that know of it, likewise; undefined without `innerOwnPort`. */
  get innerOwnAddr(): Deno.NetAddr | undefined {
    return this.#parts.ports.innerOwn?.addr;
  }

  /** When it began to listen; undefined before. */
  get startedAt(): Date | undefined {
    return this.#life.startedAt;
  }

  /** What it does; see {@linkcode GatewayStats.state}. */
  get state(): GatewayStats["state"] {
    return this.#life.state;
  }

  /** Resolves when it is closed, whoever has closed it. */
  get finished(): Promise<void> {
    return this.#life.finished;
  }

  /** Its number in every task. */
  get nodeId(): number {
    return this.#parts.context.options.nodeId;
  }

  /** Its options that bound something, as they are in force. */
  get limits(): GatewayLimits {
    return limitsOf(this.#parts.context.options);
  }

  /**
   * Opens both listeners and accepts connections from then on.
   *
   * @throws {GatewayError} when an address cannot be listened on, the sockets that `io` wants
   * cannot be had, another gateway of the cluster has its `nodeId`, or it was closed or listens
   * already; the reason of `signal` when it is aborted.
   */
  listen(): Promise<void> {
    return this.#life.open();
  }

  /**
   * What would be taken of the gateway at the path of option `handover`, and what would change, in
   * lines; undefined when there is none. Nothing is taken.
   *
   * @throws {GatewayError} with one line, when its place could not be taken.
   */
  async checkHandover(): Promise<string[] | undefined> {
    try {
      using taking = await this.#parts.handover.ask();
      return taking && this.#parts.handover.describe(taking.offer);
    } finally {
      this.#parts.handover.dispose();
    }
  }

  /**
   * Resolves when another process has taken the place of this one, by option `handover`: all
   * clients, workers and triggers are that one's. `close` then waits for the connections that could
   * not go along and are closed.
   */
  get replaced(): Promise<void> {
    return this.#life.replaced;
  }

  /** Whether another process has taken the place of this one. */
  get isReplaced(): boolean {
    return this.#parts.handover.isGiven;
  }

  /** What of the program around goes along; for the program. */
  get handover(): ProgramPiece {
    return this.#parts.handover;
  }

  /**
   * Changes limits while it runs. Nobody who is connected is closed for it: a lower number holds
   * for those that come.
   *
   * @param limits Those that change. They are held against the open files as at the start.
   * @throws {GatewayError} when one does not fit.
   */
  setLimits(limits: ChangeableLimits): void {
    const resolved = resolveOptions(limits);
    const { options } = this.#parts.context;
    for (const name of CHANGEABLE) {
      if (name in limits) Object.assign(options, { [name]: resolved[name] });
    }
    this.#parts.context.clientLimits.rates.changed();
    fitConnections(this.#parts.context);
  }

  /**
   * Reads the certificates anew, which clients are shown from the next handshake on; nobody who is
   * connected notices.
   *
   * @param files Other files, where they have changed.
   * @throws {GatewayError} with one line, when one cannot be used: then those before stay.
   */
  renewCertificates(
    files: Pick<GatewayOptions, "tlsCert" | "tlsKey"> = {},
  ): void {
    this.#parts.certificates.renew(files);
    this.#parts.ports.outer?.setCertificates(this.#parts.certificates.current);
    this.#parts.certificates.warnOfExpiry();
  }

  /**
   * Reads anew who may not connect, and closes those who are connected and may not any more.
   *
   * @param lists Other ones, where they have changed.
   * @throws {GatewayError} with one line, when one cannot be used: then those before stay.
   */
  renewDeny(lists: Pick<GatewayOptions, "deny" | "denyFile"> = {}): void {
    const { options, clientLimits } = this.#parts.context;
    const { deny = options.deny, denyFile = options.denyFile } = lists;
    clientLimits.addresses.setDeny(deniedOf({ ...options, deny, denyFile }));
    Object.assign(options, { deny, denyFile });
    this.#parts.clients.closeBarred();
  }

  /**
   * Closes all clients of an address, and lets no other ones in for a while; a ban before that of
   * the same address is forgotten. It does not outlive the gateway. In a cluster all gateways do it
   * that are there; one that comes later does not know of it.
   *
   * @returns How many clients this gateway has closed.
   * @throws {GatewayError} when one of them does not fit, or there are 10,000 bans already.
   */
  ban(options: BanOptions): number {
    const closed = this.#setBan(options);
    this.#parts.context.cluster?.publish("command", banTask(options).pack());
    return closed;
  }

  #setBan(options: BanOptions, by?: string): number {
    const { clientLimits, logger } = this.#parts.context;
    const { address, seconds } = options;
    setBan(clientLimits.addresses.bans, options);
    const asked = by === undefined ? "" : `, as ${by} has asked`;
    logger.info(
      seconds === 0
        ? `the ban of ${address} is ended${asked}`
        : `${address} is banned for ${seconds} s${asked}`,
    );
    return this.#parts.clients.closeBarred();
  }

  /**
   * Reads the secrets of workers and triggers anew. Who is connected by one that is none any more
   * is closed, and what it holds goes to others.
   *
   * @param options Other secrets or open addresses, where they have changed.
   * @returns How many there are now of each role, for logs; empty where anybody may come.
   * @throws {GatewayError} with one line, when they cannot be used: then those before stay.
   */
  renewSecrets(
    options: Pick<
      GatewayOptions,
      "innerSecrets" | "innerSecretFile" | "innerOpen"
    > = {},
  ): string {
    const { access, options: current } = this.#parts.context;
    const renewed = { ...current, ...options };
    access.renew(renewed);
    Object.assign(current, options);
    this.#parts.links.recheck();
    return access.describe();
  }

  /** The counters as they are now. */
  stats(): GatewayStats {
    const now = performance.now();
    const relayedBy = [...this.#parts.clients.relayedBy];
    return {
      ...gatherStats(this.#parts.context, now),
      ...this.#life.counts(),
      ...this.#parts.handover.stats,
      clientsOver: { ...this.#parts.clients.over },
      clientsRelayed: relayedBy.reduce((sum, [, count]) => sum + count, 0),
      clientsRelayedBy: Object.fromEntries(relayedBy),
      handshakes: this.#parts.clients.handshakes,
      innerLinks: this.#parts.links.size,
      workers: this.#parts.links.workers,
      queueTime: this.#parts.measures.queueTime.toJSON(),
      workTime: this.#parts.measures.workTime.toJSON(),
      commands: this.#parts.measures.commands(),
      cluster: clusterStats(this.#parts.context.cluster, this.#life.hello()),
      workerLinks: this.#parts.links.workerStats(),
      loopDelay: this.#parts.watches.loopDelay,
      uptime: this.#life.uptime,
      state: this.#life.state,
    };
  }

  /**
   * Leaves in order: with `lameDuck` as {@linkcode Gateway.drain}, else at once: accepts and reads
   * clients no more, lets the workers finish what is queued for up to `drainTimeout` seconds, sends
   * the last answers, then closes all connections. A second call waits for the first;
   * {@linkcode Gateway.closeNow} ends the waiting.
   */
  close(): Promise<void> {
    return this.#life.close();
  }

  /**
   * Leaves without haste: tells load balancers that it is not ready (`lameDuckNotice`), lets no new
   * clients in then, and over so many seconds asks one client after the other to move (`moveCmd`)
   * or closes it, while all that are left are served; then it closes.
   *
   * @param seconds 0 = all of them at once.
   * @throws {GatewayError} when this is no number of seconds.
   */
  async drain(seconds: number): Promise<void> {
    checkNumber("The seconds of a drain", seconds, SECONDS, fail);
    await this.#life.leave(seconds);
  }

  /** Closes without waiting for clients that move, or what is queued. */
  closeNow(): Promise<void> {
    return this.#life.closeNow();
  }

  /** The same as {@linkcode Gateway.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
