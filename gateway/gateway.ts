// Gateway: holds the client connections and forwards between them and the workers.

import type { BanOptions } from "@maple/box";
import {
  acceptAll,
  banTask,
  checkNumber,
  ClientLimits,
  createLogger,
  droppedLogLines,
  FanOut,
  flushLog,
  formatAddress,
  GroupTable,
  LameDuck,
  type Listener,
  type MemoryHolder,
  MemoryLimit,
  onAbort,
  Running,
  SECONDS,
  SessionTable,
  unhandledErrors,
} from "@maple/box/internal";
import { ClusterCommands } from "./cluster/cluster_commands.ts";
import { clusterOf } from "./cluster/cluster_of.ts";
import { clusterStats } from "./cluster/cluster_stats.ts";
import { faultOf, innerAddress } from "./cluster/inner_address.ts";
import type { MemberState, OwnHello } from "./cluster/hello.ts";
import { Lending } from "./cluster/lending.ts";
import { Logins } from "./cluster/logins.ts";
import config from "./deno.json" with { type: "json" };
import { Certificates } from "./certificates.ts";
import { Drain } from "./drain.ts";
import { fitConnections } from "./fit_connections.ts";
import { gatherStats } from "./metrics/gather_stats.ts";
import { Watches } from "./watches.ts";
import { ClientCommands } from "./inner/client_commands.ts";
import { Clients } from "./outer/clients.ts";
import { setBan } from "./outer/set_ban.ts";
import type { ClientSession } from "./outer/client_session.ts";
import type { GatewayContext } from "./context.ts";
import { Dispatcher } from "./queue/dispatcher.ts";
import { fail, GatewayError } from "./errors.ts";
import type { Offer, ProcessCounts } from "./handover/format.ts";
import {
  type Before,
  Handover,
  type ProgramPiece,
} from "./handover/handover.ts";
import { InnerAccess } from "./inner_access.ts";
import { InnerDoor } from "./inner/inner_door.ts";
import { InnerLinks } from "./inner/inner_links.ts";
import {
  CHANGEABLE,
  type ChangeableLimits,
  type GatewayLimits,
  limitsOf,
} from "./limits.ts";
import type { GatewayOptions } from "./options.ts";
import { CLOSED_MEANWHILE, Ports } from "./ports.ts";
import { deniedOf, webSocketsOf } from "./read_options.ts";
import { resolveOptions } from "./resolve_options.ts";
import { Measures } from "./metrics/measures.ts";
import { PullCommands } from "./inner/pull_commands.ts";
import type { QueuedTask } from "./queue/queued_task.ts";
import { newCounters } from "./metrics/counter_values.ts";
import type { GatewayStats } from "./metrics/stats.ts";
import { TaskQueue } from "./queue/task_queue.ts";

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
  readonly #context: GatewayContext;
  readonly #clients: Clients;
  readonly #links: InnerLinks;
  readonly #clusterCommands: ClusterCommands | undefined;
  readonly #lending: Lending | undefined;
  readonly #door: InnerDoor;
  readonly #watches: Watches;
  readonly #duck: LameDuck<ClientSession>;
  readonly #drain: Drain;
  readonly #certificates: Certificates;
  readonly #measures: Measures;
  readonly #running: Running;
  #opening = false;
  readonly #ports: Ports;
  readonly #handover: Handover;
  readonly #replaced = Promise.withResolvers<void>();
  #before: ProcessCounts = {
    unhandledErrors: 0,
    logLinesDropped: 0,
    backlogOverflows: 0,
  };
  #listeningSince = 0;
  #startedAt: Date | undefined;
  #state: GatewayStats["state"] = "new";
  #closing: Promise<void> | undefined;
  readonly #finished = Promise.withResolvers<void>();
  readonly #signal: AbortSignal | undefined;
  #abort: Disposable | undefined;

  /**
   * Makes a gateway, which does nothing until it listens.
   *
   * @param options Limits and addresses; all have defaults.
   * @throws {GatewayError} when an option does not fit.
   */
  constructor(options: GatewayOptions = {}) {
    const resolved = resolveOptions(options);
    this.#signal = options.signal;
    const queue = new TaskQueue({
      ...resolved,
      onDropped: (task) => this.#onDropped(task),
    });
    const measures = new Measures((frame) => resolved.boxClass.cmdOf(frame));
    this.#measures = measures;
    const logger = options.logger ??
      createLogger({ role: "gateway", level: "WARN" });
    this.#running = new Running({ logger });
    this.#certificates = new Certificates(resolved, logger);
    const sessions = new SessionTable<ClientSession>();
    const groups = new GroupTable<ClientSession>(resolved);
    const counters = newCounters();
    const cluster = clusterOf(resolved, {
      nodeId: options.nodeId,
      logger,
      counters,
      hello: () => this.#hello(),
      afterOthers: (work) => this.#afterOthers(work),
    });
    this.#context = {
      options: resolved,
      tag: 1 + Math.floor(Math.random() * (2 ** 31 - 1)),
      logger,
      access: new InnerAccess(resolved),
      counters,
      sessions,
      groups,
      fanOut: new FanOut({
        sessions,
        groups,
        send: (session, message) => this.#clients.send(session, message),
        afterOthers: (work) => this.#ports.io?.afterOthers(work),
        maxBytes: () => resolved.fanOutBytes,
      }),
      queue,
      dispatcher: new Dispatcher(queue, {
        creditsMax: resolved.creditsMax,
        maxDeliveries: resolved.maxDeliveries,
        originalMaxDeliveries: resolved.originalMaxDeliveries,
        chainMax: resolved.chainMax,
        onDelivered: (task) => measures.delivered(task),
        onAcknowledged: (task) => measures.acknowledged(task),
        onFinished: (task, lost) => {
          this.#lending?.finished(task, lost);
          this.#drain.taskFinished();
        },
        onCleared: () => this.#context.counters.cleared++,
      }),
      clientLimits: new ClientLimits(resolved, {
        deny: deniedOf(resolved),
        logger,
      }),
      memory: new MemoryLimit(resolved.memoryBytes, () => this.#holders()),
      cluster,
      logins: cluster && new Logins({
        cluster,
        sessions,
        counters,
        afterOthers: (work) => this.#context.fanOut.afterOthers(work),
      }),
      follow: (work) => this.#running.follow(work),
    };
    this.#clients = new Clients(this.#context);
    const commands = new ClientCommands(this.#context, {
      ban: (options, by) => this.#setBan(options, by),
      // Its end is told by `finished`.
      drain: (seconds) => void this.#leave(seconds).catch(() => {}),
    });
    // Where another one may have got the workers that have come to the same port.
    const lending = this.#lending = cluster && resolved.reusePort
      ? new Lending(this.#context, {
        cluster,
        workers: () => this.#links.workers,
      })
      : undefined;
    this.#clusterCommands = cluster &&
      new ClusterCommands(this.#context, { cluster, lending }, commands);
    this.#links = new InnerLinks(
      this.#context,
      new PullCommands(this.#context),
      this.#clusterCommands ?? commands,
    );
    this.#door = new InnerDoor(this.#context, this.#links);
    this.#watches = new Watches(this.#context, this.#links);
    this.#duck = new LameDuck({
      clients: () => sessions.all(),
      ask: (session, afterMs) => this.#clients.askToMove(session, afterMs),
      showOut: (session, isLate) => this.#clients.showOut(session, isLate),
      moveTimeout: resolved.moveTimeout,
    });
    this.#drain = new Drain(this.#context);
    this.#ports = new Ports(this.#context);
    this.#handover = new Handover({
      parts: {
        context: this.#context,
        clients: this.#clients,
        links: this.#links,
        door: this.#door,
        measures,
      },
      ports: this.#ports,
      finish: () => commands.finish(),
      age: () => ({
        startedAt: this.#startedAt ?? new Date(),
        listeningSince: this.#listeningSince,
      }),
      counts: () => this.#counts(),
      watchStepMs: () => this.#watches.clientStepMs,
      onGiven: () => this.#onGiven(),
    });
  }

  /** Where clients connect, with the real port; undefined unless it listens. */
  get outerAddr(): Deno.NetAddr | undefined {
    return this.#ports.outer?.addr("tcp");
  }

  /** Where WebSocket clients connect, likewise; undefined without `wsPort`. */
  get wsAddr(): Deno.NetAddr | undefined {
    return this.#ports.outer?.addr("ws");
  }

  /** Where clients connect over TLS, likewise; undefined without `tlsPort`. */
  get tlsAddr(): Deno.NetAddr | undefined {
    return this.#ports.outer?.addr("tls");
  }

  /** Where WebSocket clients connect over TLS, likewise; undefined without `wssPort`. */
  get wssAddr(): Deno.NetAddr | undefined {
    return this.#ports.outer?.addr("wss");
  }

  /** Where workers and triggers connect, with the real port; undefined unless it listens. */
  get innerAddr(): Deno.NetAddr | undefined {
    return this.#ports.inner?.addr;
  }

  /** Where they connect that know of it, likewise; undefined without `innerOwnPort`. */
  get innerOwnAddr(): Deno.NetAddr | undefined {
    return this.#ports.innerOwn?.addr;
  }

  /** When it began to listen; undefined before. */
  get startedAt(): Date | undefined {
    return this.#startedAt;
  }

  /** What it does; see {@linkcode GatewayStats.state}. */
  get state(): GatewayStats["state"] {
    return this.#state;
  }

  /** Resolves when it is closed, whoever has closed it. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** Its number in every task. */
  get nodeId(): number {
    return this.#context.options.nodeId;
  }

  /** Its options that bound something, as they are in force. */
  get limits(): GatewayLimits {
    return limitsOf(this.#context.options);
  }

  /**
   * Opens both listeners and accepts connections from then on.
   *
   * @throws {GatewayError} when an address cannot be listened on, the sockets that `io` wants
   * cannot be had, another gateway of the cluster has its `nodeId`, or it was closed or listens
   * already; the reason of `signal` when it is aborted.
   */
  async listen(): Promise<void> {
    if (this.#opening || this.#closing) {
      throw new GatewayError(
        "Cannot listen: this gateway was started before; make a new one",
      );
    }
    this.#signal?.throwIfAborted();
    this.#opening = true;
    fitConnections(this.#context);
    this.#abort = onAbort(this.#signal, () => this.close());
    try {
      this.#ports.openIo();
      using taking = await this.#handover.ask();
      await this.#join();
      await this.#openPorts(taking?.offer);
      if (this.#closing) throw new GatewayError(CLOSED_MEANWHILE);
      const before = taking && this.#handover.take(taking);
      this.#handover.listen();
      this.#start(before);
    } catch (cause) {
      this.#opening = false;
      this.#abort[Symbol.dispose]();
      this.#ports.closeOuter();
      this.#ports.closeInner();
      this.#handover.close();
      await this.#ports.closeIo();
      await this.#context.cluster?.leave();
      throw new GatewayError((cause as Error).message, { cause });
    }
  }

  #openPorts(before?: Offer): Promise<void> {
    return this.#ports.open({
      certificates: this.#certificates.current,
      refuses: (address) => this.#clients.refuses(address),
      expected: before ? [...before.listeners, ...before.kept] : [],
    });
  }

  /**
   * What would be taken of the gateway at the path of option `handover`, and what would change, in
   * lines; undefined when there is none. Nothing is taken.
   *
   * @throws {GatewayError} with one line, when its place could not be taken.
   */
  async checkHandover(): Promise<string[] | undefined> {
    try {
      using taking = await this.#handover.ask();
      return taking && this.#handover.describe(taking.offer);
    } finally {
      this.#handover.dispose();
    }
  }

  /**
   * Resolves when another process has taken the place of this one, by option `handover`: all
   * clients, workers and triggers are that one's. `close` then waits for the connections that could
   * not go along and are closed.
   */
  get replaced(): Promise<void> {
    return this.#replaced.promise;
  }

  /** Whether another process has taken the place of this one. */
  get isReplaced(): boolean {
    return this.#handover.isGiven;
  }

  /** What of the program around goes along; for the program. */
  get handover(): ProgramPiece {
    return this.#handover;
  }

  // Before anybody can connect: the number is in each task.
  async #join(): Promise<void> {
    const { cluster, options } = this.#context;
    if (!cluster) return;
    options.nodeId = await cluster.join();
    this.#clients.setNode(options.nodeId);
  }

  // Others come to it before its ports are open, and until the last of them is closed.
  #afterOthers(work: () => void): void {
    const { io } = this.#ports;
    if (io) io.afterOthers(work);
    else setTimeout(work, 0);
  }

  #hello(): OwnHello {
    const { options, tag, sessions } = this.#context;
    const { outerAddr, innerAddr } = this;
    const reached = this.innerOwnAddr ?? innerAddr;
    return {
      tag,
      inner: reached ? innerAddress(options.innerAdvertise, reached) : "",
      outer: outerAddr ? formatAddress(outerAddr) : "",
      state: memberState(this.#state),
      clients: sessions.size,
      users: sessions.users,
      workers: this.#links.workers,
      startedAt: Math.round(performance.timeOrigin),
      loopDelay: this.#watches.loopDelay,
      version: config.version,
    };
  }

  #start(before?: Before & { readonly begin: () => void }): void {
    const inner = this.#ports.inner!;
    const outer = this.#ports.outer!;
    this.#state = "serving";
    this.#listeningSince = before?.listeningSince ?? performance.now();
    this.#startedAt = before?.startedAt ?? new Date();
    if (before) this.#before = before.counts;
    before?.begin();
    const { options, logger, access } = this.#context;
    const proof = access.describe();
    logger.info(
      `listening for ${outer.describe()}, for workers and triggers at ${
        formatAddress(inner.addr)
      }${proof && ` (${proof})`}, order ${options.order}, io ${options.io}`,
    );
    const fault = faultOf(this.#hello().inner, options);
    if (fault) logger.warn(fault);
    this.#certificates.warnOfExpiry();
    if (
      (outer.addr("ws") ?? outer.addr("wss")) &&
      webSocketsOf(options).origins === undefined
    ) {
      logger.info(
        "pages of any origin may open WebSockets (wsOrigins names those that may)",
      );
    }
    this.#watches.start();
    this.#links.start();
    this.#acceptInner(inner);
    const { innerOwn } = this.#ports;
    if (innerOwn) this.#acceptInner(innerOwn);
    outer.start(
      (conn, transport) => this.#clients.accept(conn, transport),
      this.#context,
    );
    this.#ports.openLate();
    this.#context.cluster?.tell();
    this.#lending?.start();
  }

  #acceptInner(listener: Listener): void {
    const { logger } = this.#context;
    this.#running.follow(
      acceptAll(listener, logger, (conn) => this.#door.enter(conn)),
    );
  }

  #counts(): ProcessCounts {
    const before = this.#before;
    return {
      unhandledErrors: before.unhandledErrors + unhandledErrors(),
      logLinesDropped: before.logLinesDropped + droppedLogLines(),
      backlogOverflows: before.backlogOverflows +
        this.#watches.backlogOverflows,
    };
  }

  // All is another process's: what could not go along is closed, and nothing else is done.
  #onGiven(): void {
    this.#state = "closed";
    this.#watches.stop();
    this.#links.stop();
    this.#context.dispatcher.close();
    this.#context.clientLimits.stop();
    this.#ports.closeOuter();
    this.#ports.closeInner();
    this.#handover.close();
    this.#clients.letGo(this.#handover.given);
    this.#door.close();
    this.#closing = this.#leaveGiven();
    this.#replaced.resolve();
  }

  async #leaveGiven(): Promise<void> {
    const { logger, memory } = this.#context;
    await this.#clients.left();
    memory.stop();
    this.#abort?.[Symbol.dispose]();
    this.#handover.dispose();
    await this.#ports.closeIo();
    await flushLog(logger);
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
    const { options } = this.#context;
    for (const name of CHANGEABLE) {
      if (name in limits) Object.assign(options, { [name]: resolved[name] });
    }
    this.#context.clientLimits.rates.changed();
    fitConnections(this.#context);
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
    this.#certificates.renew(files);
    this.#ports.outer?.setCertificates(this.#certificates.current);
    this.#certificates.warnOfExpiry();
  }

  /**
   * Reads anew who may not connect, and closes those who are connected and may not any more.
   *
   * @param lists Other ones, where they have changed.
   * @throws {GatewayError} with one line, when one cannot be used: then those before stay.
   */
  renewDeny(lists: Pick<GatewayOptions, "deny" | "denyFile"> = {}): void {
    const { options, clientLimits } = this.#context;
    const { deny = options.deny, denyFile = options.denyFile } = lists;
    clientLimits.addresses.setDeny(deniedOf({ ...options, deny, denyFile }));
    Object.assign(options, { deny, denyFile });
    this.#clients.closeBarred();
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
    this.#context.cluster?.publish("command", banTask(options).pack());
    return closed;
  }

  #setBan(options: BanOptions, by?: string): number {
    const { clientLimits, logger } = this.#context;
    const { address, seconds } = options;
    setBan(clientLimits.addresses.bans, options);
    const asked = by === undefined ? "" : `, as ${by} has asked`;
    logger.info(
      seconds === 0
        ? `the ban of ${address} is ended${asked}`
        : `${address} is banned for ${seconds} s${asked}`,
    );
    return this.#clients.closeBarred();
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
    const { access, options: current } = this.#context;
    const renewed = { ...current, ...options };
    access.renew(renewed);
    Object.assign(current, options);
    this.#links.recheck();
    return access.describe();
  }

  /** The counters as they are now. */
  stats(): GatewayStats {
    const now = performance.now();
    return {
      ...gatherStats(this.#context, now),
      ...this.#counts(),
      ...this.#handover.stats,
      clientsOver: { ...this.#clients.over },
      handshakes: this.#clients.handshakes,
      innerLinks: this.#links.size,
      workers: this.#links.workers,
      queueTime: this.#measures.queueTime.toJSON(),
      workTime: this.#measures.workTime.toJSON(),
      commands: this.#measures.commands(),
      cluster: clusterStats(this.#context.cluster, this.#hello()),
      workerLinks: this.#links.workerStats(),
      loopDelay: this.#watches.loopDelay,
      uptime: this.#state === "new" ? 0 : (now - this.#listeningSince) / 1000,
      state: this.#state,
    };
  }

  /**
   * Leaves in order: with `lameDuck` as {@linkcode Gateway.drain}, else at once: accepts and reads
   * clients no more, lets the workers finish what is queued for up to `drainTimeout` seconds, sends
   * the last answers, then closes all connections. A second call waits for the first;
   * {@linkcode Gateway.closeNow} ends the waiting.
   */
  close(): Promise<void> {
    const { lameDuck } = this.#context.options;
    return this.#leave(lameDuck === 0 ? undefined : lameDuck);
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
    await this.#leave(seconds);
  }

  /** Closes without waiting for clients that move, or what is queued. */
  closeNow(): Promise<void> {
    this.#duck.end();
    this.#drain.end();
    return this.#leave();
  }

  /** The same as {@linkcode Gateway.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #leave(seconds?: number): Promise<void> {
    if (this.#closing) return this.#closing;
    this.#handover.close();
    const isDuck = seconds !== undefined && this.#state === "serving" &&
      this.#context.sessions.size + this.#clients.handshakes > 0;
    this.#closing = isDuck
      ? this.#haveMoved(seconds).then(() => this.#close())
      : this.#close();
    const { promise, resolve, reject } = this.#finished;
    // Whoever waits for it hears of it, and nobody has to.
    promise.catch(() => {});
    this.#closing.then(resolve, reject);
    return this.#closing;
  }

  async #haveMoved(seconds: number): Promise<void> {
    const { logger, options, sessions } = this.#context;
    const { lameDuckNotice } = options;
    this.#state = "leaving";
    this.#context.cluster?.tell();
    logger.info(
      `not ready any more; in ${lameDuckNotice} s no client is let in, and over ${seconds} s those that are there have to move`,
    );
    await this.#duck.wait(lameDuckNotice);
    this.#ports.closeOuter();
    await this.#duck.run(seconds);
    const { asked, late, closed } = this.#context.counters.moves;
    logger.info(
      `clients asked to move: ${asked}, of them closed after their time: ${late}; closed without: ${closed}; left: ${sessions.size}`,
    );
  }

  async #close(): Promise<void> {
    const { queue, dispatcher, logger } = this.#context;
    const listened = this.#ports.outer !== undefined;
    this.#ports.closeOuter();
    this.#state = "draining";
    this.#context.cluster?.tell();
    this.#links.leave();
    if (!this.#drain.isOver) {
      this.#clients.stopReading();
      await this.#drain.wait(this.#context.options.drainTimeout);
    }
    const { left } = this.#drain;
    this.#context.counters.abandoned += left;
    if (left > 0) {
      logger.warn(`leaves with ${left} tasks that were not finished`);
    }
    this.#ports.closeInner();
    this.#watches.stop();
    queue.room.open();
    dispatcher.close();
    this.#context.fanOut.finish();
    this.#clients.close();
    this.#context.clientLimits.stop();
    this.#door.close();
    this.#clusterCommands?.close();
    this.#lending?.stop();
    this.#context.logins?.close();
    this.#links.close();
    await this.#context.cluster?.leave();
    await this.#running.ended();
    this.#handover.dispose();
    await this.#ports.closeIo();
    this.#context.memory.stop();
    this.#abort?.[Symbol.dispose]();
    this.#state = "closed";
    if (listened) logger.info("closed");
    await flushLog(logger);
  }

  #onDropped(task: QueuedTask): void {
    this.#context.counters.gone++;
    task.session!.requestDone();
  }

  *#holders(): Iterable<MemoryHolder> {
    for (const { socket } of this.#context.sessions.all()) yield socket;
    for (const { socket } of this.#clients.leaving()) yield socket;
    for (const { socket } of this.#links.all()) yield socket;
  }
}

// What the others of its cluster are told: who leaves still has clients.
function memberState(state: GatewayStats["state"]): MemberState {
  if (state === "new") return "starting";
  return state === "serving" ? "serving" : "draining";
}
