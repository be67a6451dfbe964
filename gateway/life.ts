// Life: the course of a gateway: it opens, serves, and then leaves, or another process takes its
// place.

import {
  acceptAll,
  droppedLogLines,
  flushLog,
  formatAddress,
  type Listener,
  onAbort,
  unhandledErrors,
} from "@maple/box/internal";
import { faultOf, innerAddress } from "./cluster/inner_address.ts";
import type { MemberState, OwnHello } from "./cluster/hello.ts";
import config from "./deno.json" with { type: "json" };
import { GatewayError } from "./errors.ts";
import { fitConnections } from "./fit_connections.ts";
import type { Offer, ProcessCounts } from "./handover/format.ts";
import type { Before } from "./handover/handover.ts";
import type { StateReader } from "./handover/read_state.ts";
import type { GatewayStats } from "./metrics/stats.ts";
import type { GatewayParts } from "./parts.ts";
import { CLOSED_MEANWHILE } from "./ports.ts";
import { webSocketsOf } from "./read_options.ts";
import { rehearse } from "./rehearsal.ts";

/** The course of a gateway. */
export class Life {
  readonly #parts: GatewayParts;
  readonly #signal: AbortSignal | undefined;
  readonly #replaced = Promise.withResolvers<void>();
  readonly #finished = Promise.withResolvers<void>();
  #before: ProcessCounts = {
    unhandledErrors: 0,
    logLinesDropped: 0,
    backlogOverflows: 0,
  };
  #opening = false;
  #listeningSince = 0;
  #startedAt: Date | undefined;
  #state: GatewayStats["state"] = "new";
  #closing: Promise<void> | undefined;
  #abort: Disposable | undefined;

  /**
   * It is new.
   *
   * @param parts What is opened and closed.
   * @param signal Closes it.
   */
  constructor(parts: GatewayParts, signal: AbortSignal | undefined) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Where it is. */
  get state(): GatewayStats["state"] {
    return this.#state;
  }

  /** When it began to listen; undefined before. */
  get startedAt(): Date | undefined {
    return this.#startedAt;
  }

  /** Seconds since then. */
  get uptime(): number {
    if (this.#state === "new") return 0;
    return (performance.now() - this.#listeningSince) / 1000;
  }

  /** Resolves when another process has taken its place. */
  get replaced(): Promise<void> {
    return this.#replaced.promise;
  }

  /** Resolves when it has left, whoever has wanted that. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /**
   * Opens all ports and serves.
   *
   * @throws {GatewayError} as `Gateway.listen`.
   */
  async open(): Promise<void> {
    const { context, ports, handover } = this.#parts;
    if (this.#opening || this.#closing) {
      throw new GatewayError(
        "Cannot listen: this gateway was started before; make a new one",
      );
    }
    this.#signal?.throwIfAborted();
    this.#opening = true;
    fitConnections(context);
    this.#abort = onAbort(this.#signal, () => this.close());
    try {
      ports.openIo();
      using open = new DisposableStack();
      const taking = await handover.ask();
      let reader: StateReader | undefined;
      if (taking) {
        open.use(taking);
        await context.cluster?.stand(taking.offer.nodeId);
      } else await this.#join();
      await this.#openPorts(taking?.offer);
      if (taking) {
        await rehearse(context.logger);
        await handover.untilHeard(taking);
        reader = open.use(await handover.copy(taking));
        // Last: what it finds holds for this moment.
        await handover.untilHeard(taking);
      }
      if (this.#closing) throw new GatewayError(CLOSED_MEANWHILE);
      const before = taking && handover.take(taking, reader!);
      handover.listen();
      // It is needed until the one before has said its last word.
      open.move();
      this.#start(before);
    } catch (cause) {
      this.#opening = false;
      this.#abort[Symbol.dispose]();
      ports.closeOuter();
      ports.closeInner();
      handover.close();
      await ports.closeIo();
      await context.cluster?.leave();
      throw new GatewayError((cause as Error).message, { cause });
    }
  }

  #openPorts(before?: Offer): Promise<void> {
    return this.#parts.ports.open({
      certificates: this.#parts.certificates.current,
      refuses: (address) => this.#parts.clients.refuses(address),
      expected: before ? [...before.listeners, ...before.kept] : [],
    });
  }

  // Before anybody can connect: the number is in each task.
  async #join(): Promise<void> {
    const { cluster, options } = this.#parts.context;
    if (!cluster) return;
    options.nodeId = await cluster.join();
    this.#parts.clients.setNode(options.nodeId);
  }

  /** What it tells the others of its cluster. */
  hello(): OwnHello {
    const { options, tag, sessions, cluster } = this.#parts.context;
    const { outer, inner, innerOwn } = this.#parts.ports;
    const outerAddr = outer?.addr("tcp");
    const reached = (innerOwn ?? inner)?.addr;
    return {
      tag,
      inner: reached ? innerAddress(options.innerAdvertise, reached) : "",
      outer: outerAddr ? formatAddress(outerAddr) : "",
      state: memberState(this.#state),
      clients: sessions.size,
      users: sessions.users,
      workers: this.#parts.links.workers,
      startedAt: cluster?.startedAt ?? Math.round(performance.timeOrigin),
      loopDelay: this.#parts.watches.loopDelay,
      version: config.version,
    };
  }

  #start(before?: Before & { readonly begin: () => void }): void {
    const { context, clients, links, ports } = this.#parts;
    const { certificates, watches, lending } = this.#parts;
    const inner = ports.inner!;
    const outer = ports.outer!;
    this.#state = "serving";
    this.#listeningSince = before?.listeningSince ?? performance.now();
    this.#startedAt = before?.startedAt ?? new Date();
    if (before) this.#before = before.counts;
    before?.begin();
    const { options, logger, access } = context;
    const proof = access.describe();
    logger.info(
      `listening for ${outer.describe()}, for workers and triggers at ${
        formatAddress(inner.addr)
      }${proof && ` (${proof})`}, order ${options.order}, io ${options.io}`,
    );
    const fault = faultOf(this.hello().inner, options);
    if (fault) logger.warn(fault);
    certificates.warnOfExpiry();
    if (
      (outer.addr("ws") ?? outer.addr("wss")) &&
      webSocketsOf(options).origins === undefined
    ) {
      logger.info(
        "pages of any origin may open WebSockets (wsOrigins names those that may)",
      );
    }
    watches.start();
    links.start();
    this.#acceptInner(inner);
    if (ports.innerOwn) this.#acceptInner(ports.innerOwn);
    outer.start(
      (conn, transport) => clients.accept(conn, transport),
      context,
    );
    ports.openLate();
    context.cluster?.tell();
    lending?.start();
  }

  #acceptInner(listener: Listener): void {
    const { logger } = this.#parts.context;
    this.#parts.running.follow(
      acceptAll(listener, logger, (conn) => this.#parts.door.enter(conn)),
    );
  }

  /** What its process and those before have counted. */
  counts(): ProcessCounts {
    const before = this.#before;
    return {
      unhandledErrors: before.unhandledErrors + unhandledErrors(),
      logLinesDropped: before.logLinesDropped + droppedLogLines(),
      backlogOverflows: before.backlogOverflows +
        this.#parts.watches.backlogOverflows,
    };
  }

  /** All is another process's: what could not go along is closed, and nothing else is done. */
  onGiven(): Promise<void> {
    const { context, clients, links, door, watches, ports, handover } =
      this.#parts;
    const { clusterCommands, lending } = this.#parts;
    this.#state = "closed";
    watches.stop();
    links.stop();
    context.dispatcher.close();
    context.clientLimits.stop();
    ports.closeOuter();
    ports.closeInner();
    handover.close();
    clients.letGo(handover.given.left);
    door.close();
    clusterCommands?.gatherings.stop();
    lending?.leaveGiven();
    context.logins?.close();
    const told = context.cluster?.leaveGiven() ?? Promise.resolve();
    this.#closing = this.#leaveGiven(told);
    this.#replaced.resolve();
    return told;
  }

  async #leaveGiven(told: Promise<void>): Promise<void> {
    const { context, clients, ports, handover } = this.#parts;
    const { logger, memory } = context;
    await told;
    await this.#relay();
    await clients.left();
    memory.stop();
    this.#abort?.[Symbol.dispose]();
    handover.dispose();
    await ports.closeIo();
    await flushLog(logger);
  }

  // Those that go through this process stay as they are, as long as they and option `handoverStay`
  // will.
  async #relay(): Promise<void> {
    const { context: { logger, options }, handover } = this.#parts;
    const { relays } = handover;
    if (relays.length === 0) return;
    const { handoverStay } = options;
    const most = handoverStay === 0 ? "" : `, for ${handoverStay} s at most`;
    logger.info(
      `stays for ${relays.length} clients over TLS, until the last of them is gone${most}; TERM ends it at once`,
    );
    const late = handoverStay === 0 ? undefined : setTimeout(() => {
      const left = relays.filter((relay) => !relay.isOver);
      logger.warn(
        `closes the ${left.length} clients over TLS that are left after ${handoverStay} s (handoverStay)`,
      );
      for (const relay of left) relay.end();
    }, handoverStay * 1000);
    await Promise.all(relays.map(({ done }) => done));
    clearTimeout(late);
  }

  /** When it began, as the first of all that have taken its place. */
  age(): { readonly startedAt: Date; readonly listeningSince: number } {
    return {
      startedAt: this.#startedAt ?? new Date(),
      listeningSince: this.#listeningSince,
    };
  }

  /** Leaves as option `lameDuck` says. A second call waits for the first. */
  close(): Promise<void> {
    const { lameDuck } = this.#parts.context.options;
    return this.leave(lameDuck === 0 ? undefined : lameDuck);
  }

  /** Leaves without waiting for clients that move, or what is queued. */
  closeNow(): Promise<void> {
    this.#parts.duck.end();
    this.#parts.drain.end();
    for (const relay of this.#parts.handover.relays) relay.end();
    return this.leave();
  }

  /** Leaves; over so many seconds where they are told. */
  leave(seconds?: number): Promise<void> {
    if (this.#closing) return this.#closing;
    this.#parts.handover.close();
    const isDuck = seconds !== undefined && this.#state === "serving" &&
      this.#parts.context.sessions.size + this.#parts.clients.handshakes > 0;
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
    const { context, duck, ports } = this.#parts;
    const { logger, options, sessions } = context;
    const { lameDuckNotice } = options;
    this.#state = "leaving";
    context.cluster?.tell();
    logger.info(
      `not ready any more; in ${lameDuckNotice} s no client is let in, and over ${seconds} s those that are there have to move`,
    );
    await duck.wait(lameDuckNotice);
    ports.closeOuter();
    await duck.run(seconds);
    const { asked, late, closed } = context.counters.moves;
    logger.info(
      `clients asked to move: ${asked}, of them closed after their time: ${late}; closed without: ${closed}; left: ${sessions.size}`,
    );
  }

  async #close(): Promise<void> {
    const { context, clients, links, door, ports } = this.#parts;
    const { clusterCommands, lending, watches } = this.#parts;
    const { drain, handover, running } = this.#parts;
    const { queue, dispatcher, logger, cluster } = context;
    const listened = ports.outer !== undefined;
    ports.closeOuter();
    this.#state = "draining";
    cluster?.tell();
    links.leave();
    if (!drain.isOver) {
      clients.stopReading();
      await drain.wait(context.options.drainTimeout);
    }
    const { left } = drain;
    context.counters.abandoned += left;
    if (left > 0) {
      logger.warn(`leaves with ${left} tasks that were not finished`);
    }
    ports.closeInner();
    watches.stop();
    queue.room.open();
    dispatcher.close();
    context.fanOut.finish();
    clients.close();
    context.clientLimits.stop();
    door.close();
    clusterCommands?.close();
    lending?.stop();
    context.logins?.close();
    links.close();
    await cluster?.leave();
    await running.ended();
    handover.dispose();
    await ports.closeIo();
    context.memory.stop();
    this.#abort?.[Symbol.dispose]();
    this.#state = "closed";
    if (listened) logger.info("closed");
    await flushLog(logger);
  }
}

// What the others of its cluster are told: who leaves still has clients.
function memberState(state: GatewayStats["state"]): MemberState {
  if (state === "new") return "starting";
  return state === "serving" ? "serving" : "draining";
}
