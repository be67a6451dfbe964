// Gateway: holds the client connections and forwards between them and the workers.

import {
  acceptAll,
  type Certificate,
  ClientWatch,
  createLogger,
  droppedLogLines,
  fitOpenFiles,
  flushLog,
  formatAddress,
  type Listener,
  LoopDelay,
  type MemoryHolder,
  MemoryLimit,
  onAbort,
  openFilesMax,
  openIo,
  type ServerIo,
  SessionTable,
  unhandledErrors,
  WebSocketPings,
  whenFree,
} from "@maple/box/internal";
import { ClientCommands } from "./inner/client_commands.ts";
import { Clients } from "./outer/clients.ts";
import { OuterListeners } from "./outer/listeners.ts";
import type { GatewayContext } from "./context.ts";
import { Dispatcher } from "./queue/dispatcher.ts";
import { GatewayError } from "./errors.ts";
import { InnerLinks } from "./inner/inner_links.ts";
import {
  CHANGEABLE,
  type ChangeableLimits,
  type GatewayLimits,
  limitsOf,
} from "./limits.ts";
import type { GatewayOptions } from "./options.ts";
import { certificatesOf, webSocketsOf } from "./read_options.ts";
import { resolveOptions } from "./resolve_options.ts";
import { Measures } from "./metrics/measures.ts";
import { BacklogOverflows } from "./metrics/backlog_overflows.ts";
import { ParkWatch } from "./queue/park_watch.ts";
import { PullCommands } from "./inner/pull_commands.ts";
import { RoomWatch } from "./queue/room_watch.ts";
import { Running } from "./running.ts";
import type { QueuedTask } from "./queue/queued_task.ts";
import { copyCounters, newCounters } from "./metrics/counter_values.ts";
import type { GatewayStats } from "./metrics/stats.ts";
import { WorkerWatch } from "./inner/worker_watch.ts";
import { TaskQueue } from "./queue/task_queue.ts";

// How often a gateway that leaves looks whether all is done.
const LOOK_MS = 100;
const EXPIRY_WARNING_MS = 14 * 24 * 3600 * 1000;
const CLOSED_MEANWHILE = "Cannot listen: the gateway was closed meanwhile";

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
  readonly #watch: ClientWatch;
  readonly #pings: WebSocketPings;
  readonly #parkWatch: ParkWatch;
  readonly #workerWatch: WorkerWatch;
  readonly #roomWatch: RoomWatch;
  readonly #measures: Measures;
  readonly #backlogOverflows = new BacklogOverflows();
  readonly #loopDelay = new LoopDelay();
  readonly #running: Running;
  #opening = false;
  #outer: OuterListeners | undefined;
  #inner: Listener | undefined;
  #io: ServerIo | undefined;
  #certificates: readonly Certificate[];
  #listeningSince = 0;
  #startedAt: Date | undefined;
  #state: GatewayStats["state"] = "new";
  #draining = false;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;
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
    this.#certificates = certificatesOf(resolved);
    this.#signal = options.signal;
    const queue = new TaskQueue({
      ...resolved,
      onDropped: (task) => this.#onDropped(task),
    });
    const measures = new Measures((frame) => resolved.boxClass.cmdOf(frame));
    this.#measures = measures;
    const logger = options.logger ??
      createLogger({ role: "gateway", level: "WARN" });
    this.#running = new Running(logger);
    this.#context = {
      options: resolved,
      tag: 1 + Math.floor(Math.random() * (2 ** 31 - 1)),
      logger,
      counters: newCounters(),
      sessions: new SessionTable(),
      queue,
      dispatcher: new Dispatcher(queue, {
        creditsMax: resolved.creditsMax,
        maxDeliveries: resolved.maxDeliveries,
        originalMaxDeliveries: resolved.originalMaxDeliveries,
        chainMax: resolved.chainMax,
        onDelivered: (task) => measures.delivered(task),
        onAcknowledged: (task) => measures.acknowledged(task),
        onFinished: () => this.#onTaskFinished(),
        onCleared: () => this.#context.counters.cleared++,
      }),
      memory: new MemoryLimit(resolved.memoryBytes, () => this.#holders()),
      follow: (work) => this.#running.follow(work),
    };
    this.#clients = new Clients(this.#context);
    this.#links = new InnerLinks(
      this.#context,
      new PullCommands(this.#context),
      new ClientCommands(this.#context),
    );
    this.#watch = new ClientWatch(this.#context.sessions, {
      idle: resolved.connTimeout,
      idleOption: "connTimeout",
      firstFrame: resolved.firstFrameTimeout,
      frame: resolved.frameTimeout,
      write: resolved.writeTimeout,
    });
    this.#roomWatch = new RoomWatch(queue.room, {
      ...resolved,
      refused: () => this.#context.counters.refused,
      logger: this.#context.logger,
    });
    this.#pings = new WebSocketPings(this.#context.sessions, {
      interval: (resolved.wsPort ?? resolved.wssPort) === undefined
        ? 0
        : resolved.wsPing,
      option: "wsPing",
    });
    this.#parkWatch = new ParkWatch(queue, {
      parkTime: resolved.parkTime,
      onExpired: (count) => this.#onExpired(count),
      recallOld: (steps) => this.#context.dispatcher.recallOld(steps),
    });
    this.#workerWatch = new WorkerWatch({
      workers: () => this.#links.workers,
      waiting: () => queue.size,
      logger: this.#context.logger,
    });
  }

  /** Where clients connect, with the real port; undefined unless it listens. */
  get outerAddr(): Deno.NetAddr | undefined {
    return this.#outer?.addr("tcp");
  }

  /** Where WebSocket clients connect, likewise; undefined without `wsPort`. */
  get wsAddr(): Deno.NetAddr | undefined {
    return this.#outer?.addr("ws");
  }

  /** Where clients connect over TLS, likewise; undefined without `tlsPort`. */
  get tlsAddr(): Deno.NetAddr | undefined {
    return this.#outer?.addr("tls");
  }

  /** Where WebSocket clients connect over TLS, likewise; undefined without `wssPort`. */
  get wssAddr(): Deno.NetAddr | undefined {
    return this.#outer?.addr("wss");
  }

  /** Where workers and triggers connect, with the real port; undefined unless it listens. */
  get innerAddr(): Deno.NetAddr | undefined {
    return this.#inner?.addr;
  }

  /** When it began to listen; undefined before. */
  get startedAt(): Date | undefined {
    return this.#startedAt;
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
   * cannot be had, or the gateway was closed or listens already; the reason of `signal` when it is
   * aborted.
   */
  async listen(): Promise<void> {
    if (this.#opening || this.#closing) {
      throw new GatewayError(
        "Cannot listen: this gateway was started before; make a new one",
      );
    }
    this.#signal?.throwIfAborted();
    this.#opening = true;
    this.#fitOpenFiles();
    this.#abort = onAbort(this.#signal, () => this.close());
    try {
      await this.#open();
    } catch (cause) {
      this.#opening = false;
      this.#abort[Symbol.dispose]();
      await this.#closeIo();
      throw new GatewayError((cause as Error).message, { cause });
    }
    if (this.#closing) throw new GatewayError(CLOSED_MEANWHILE);
    this.#start(this.#inner!, this.#outer!);
  }

  // In place of what was wanted: whatever looks at the limits sees those that are in force.
  #fitOpenFiles(): void {
    const { options, logger } = this.#context;
    const { connsMax, innerConnsMax } = options;
    const filesMax = openFilesMax();
    if (filesMax === undefined) return;
    Object.assign(options, fitOpenFiles(options, filesMax));
    const lowered = [
      ["connsMax", connsMax, options.connsMax],
      ["innerConnsMax", innerConnsMax, options.innerConnsMax],
    ].filter(([, wanted, fits]) => fits !== wanted)
      .map(([name, wanted, fits]) => `${name} is ${fits} instead of ${wanted}`);
    if (lowered.length === 0) return;
    logger.warn(
      `the system lets this process open ${filesMax} files: ${
        lowered.join(", ")
      }; raise it with ulimit -n or LimitNOFILE`,
    );
  }

  // The inner port first: clients are let in only when workers can come too.
  async #open(): Promise<void> {
    const { options, logger } = this.#context;
    const { innerHost, innerPort, bindTimeout, keepAlive } = options;
    const waiting = {
      bindTimeout,
      logger,
      givenUp: () => this.#closing !== undefined,
    };
    const io = this.#io = openIo(options.io);
    const at = { what: "workers", hostname: innerHost, port: innerPort };
    const inner = await whenFree(() => io.listen(at, { keepAlive }), waiting);
    try {
      const outer = await OuterListeners.open(
        { io, certificates: this.#certificates },
        options,
        waiting,
      );
      if (this.#closing) {
        outer.close();
        throw new Error(CLOSED_MEANWHILE);
      }
      this.#inner = inner;
      this.#outer = outer;
    } catch (error) {
      inner.close();
      throw error;
    }
  }

  #start(inner: Listener, outer: OuterListeners): void {
    const { options, logger } = this.#context;
    logger.info(
      `listening for ${outer.describe()}, for workers and triggers at ${
        formatAddress(inner.addr)
      }, order ${options.order}, io ${options.io}`,
    );
    this.#warnOfExpiry();
    if (
      (outer.addr("ws") ?? outer.addr("wss")) &&
      webSocketsOf(options).origins === undefined
    ) {
      logger.info(
        "pages of any origin may open WebSockets (wsOrigins names those that may)",
      );
    }
    this.#state = "serving";
    this.#listeningSince = performance.now();
    this.#startedAt = new Date();
    this.#loopDelay.start();
    this.#watch.start();
    this.#pings.start();
    this.#parkWatch.start();
    this.#workerWatch.start();
    this.#roomWatch.start();
    this.#links.start();
    this.#running.follow(
      acceptAll(inner, logger, (conn) => this.#links.accept(conn)),
    );
    outer.start(
      (conn, transport) => this.#clients.accept(conn, transport),
      this.#context,
    );
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
      if (limits[name] !== undefined) options[name] = resolved[name];
    }
    this.#fitOpenFiles();
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
    const { options } = this.#context;
    const { tlsCert = options.tlsCert, tlsKey = options.tlsKey } = files;
    this.#certificates = certificatesOf({ ...options, tlsCert, tlsKey });
    Object.assign(options, { tlsCert, tlsKey });
    this.#outer?.setCertificates(this.#certificates);
    this.#warnOfExpiry();
  }

  // Whoever runs it has time to see to it.
  #warnOfExpiry(): void {
    for (const { path, expires } of this.#certificates) {
      const left = expires.getTime() - Date.now();
      if (left > EXPIRY_WARNING_MS) continue;
      this.#context.logger.warn(
        `the certificate "${path}" ${left > 0 ? "expires" : "has expired"} on ${
          expires.toISOString().slice(0, 10)
        }`,
      );
    }
  }

  /** The counters as they are now. */
  stats(): GatewayStats {
    const { sessions, queue, dispatcher } = this.#context;
    const now = performance.now();
    return {
      ...copyCounters(this.#context.counters),
      unhandledErrors: unhandledErrors(),
      logLinesDropped: droppedLogLines(),
      backlogOverflows: this.#backlogOverflows.count,
      queueStops: { ...queue.room.stops },
      clients: sessions.size,
      bufferBytes: this.#context.memory.bytes,
      clientsOver: { ...this.#clients.over },
      handshakes: this.#clients.handshakes,
      clientsPeak: sessions.peak,
      users: sessions.users,
      innerLinks: this.#links.size,
      workers: this.#links.workers,
      idleCredits: dispatcher.idleCredits,
      queued: queue.size,
      queuedPeak: queue.peak,
      queuedBytes: queue.bytes,
      queuedNews: queue.room.news,
      heldBack: queue.room.heldBack,
      inHand: dispatcher.inHand,
      delivered: dispatcher.delivered,
      acknowledged: dispatcher.acknowledged,
      chained: dispatcher.chained,
      givenBack: dispatcher.givenBack,
      chains: dispatcher.chains,
      redelivered: dispatcher.redelivered,
      givenUp: dispatcher.givenUp,
      oldestSeconds: Math.max(0, now - (queue.oldestAt ?? now)) / 1000,
      queueTime: this.#measures.queueTime.toJSON(),
      workTime: this.#measures.workTime.toJSON(),
      commands: this.#measures.commands(),
      workerLinks: this.#links.workerStats(),
      loopDelay: this.#loopDelay.seconds,
      io: this.#context.options.io,
      rss: Deno.memoryUsage().rss,
      uptime: this.#state === "new" ? 0 : (now - this.#listeningSince) / 1000,
      pid: Deno.pid,
      state: this.#state,
    };
  }

  /**
   * Leaves in order: accepts and reads clients no more, lets the workers finish what is queued for
   * up to `drainTimeout` seconds, sends the last answers, then closes all connections. A second
   * call waits for the first; {@linkcode Gateway.closeNow} ends the waiting.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Closes without waiting for what is queued. */
  closeNow(): Promise<void> {
    this.#draining = true;
    this.#onIdle?.();
    return this.close();
  }

  /** The same as {@linkcode Gateway.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { queue, dispatcher, logger } = this.#context;
    const listened = this.#outer !== undefined;
    this.#outer?.close();
    this.#outer = undefined;
    this.#state = "draining";
    if (!this.#draining) {
      this.#draining = true;
      await this.#drained();
    }
    const left = queue.size + dispatcher.inHand;
    this.#context.counters.abandoned += left;
    if (left > 0) {
      logger.warn(`leaves with ${left} tasks that were not finished`);
    }
    this.#inner?.close();
    this.#inner = undefined;
    this.#watch.stop();
    this.#pings.stop();
    this.#parkWatch.stop();
    this.#workerWatch.stop();
    queue.room.open();
    this.#roomWatch.stop();
    dispatcher.close();
    this.#clients.close();
    this.#links.close();
    await this.#running.ended();
    await this.#closeIo();
    this.#context.memory.stop();
    this.#abort?.[Symbol.dispose]();
    this.#loopDelay.stop();
    this.#state = "closed";
    if (listened) logger.info("closed");
    await flushLog(logger);
  }

  async #closeIo(): Promise<void> {
    await this.#io?.close();
    this.#io = undefined;
  }

  // Waits until nothing is queued and nothing in workers' hands, up to the drain timeout.
  async #drained(): Promise<void> {
    const { drainTimeout } = this.#context.options;
    this.#clients.stopReading();
    if (this.#isIdle || drainTimeout === 0) return;
    let look: ReturnType<typeof setInterval> | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      timer = setTimeout(resolve, drainTimeout * 1000);
      // What is dropped rather than finished is not told.
      look = setInterval(() => this.#isIdle && resolve(), LOOK_MS);
    });
    clearTimeout(timer);
    clearInterval(look);
    this.#onIdle = undefined;
  }

  get #isIdle(): boolean {
    const { queue, dispatcher } = this.#context;
    return queue.size === 0 && dispatcher.inHand === 0;
  }

  #onTaskFinished(): void {
    if (this.#onIdle && this.#isIdle) this.#onIdle();
  }

  #onDropped(task: QueuedTask): void {
    this.#context.counters.gone++;
    task.session!.requestDone();
  }

  #onExpired(count: number): void {
    const { counters, logger, options } = this.#context;
    counters.expired += count;
    logger.warn(
      `${count} tasks are given up, no worker has asked for them within ${options.parkTime} s (parkTime)`,
    );
  }

  *#holders(): Iterable<MemoryHolder> {
    for (const { socket } of this.#context.sessions.all()) yield socket;
    for (const { socket } of this.#clients.leaving()) yield socket;
    for (const { socket } of this.#links.all()) yield socket;
  }
}
