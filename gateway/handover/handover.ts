// Handover: how a gateway takes the place of another, and is asked for its own.

import {
  DURATION_BOUNDS,
  HandoverDoor,
  Histogram,
  type LocalPeer,
  Passing,
  RelaySocket,
  type StateSink,
  Taking,
  tellServiceManager,
} from "@maple/box/internal";
import config from "../deno.json" with { type: "json" };
import { fail } from "../errors.ts";
import type { HandoverStats } from "../metrics/stats.ts";
import { copyCounters } from "../metrics/counter_values.ts";
import type { Mark } from "../cluster/standby.ts";
import type { Ports } from "../ports.ts";
import type { Watches } from "../watches.ts";
import { EarlyClientCopy } from "./early_copy.ts";
import type { LinkNo } from "../queue/queued_task.ts";
import {
  type ClusterPieces,
  COPIES_SINCE,
  FORMAT,
  FORMAT_VERSION,
  type Identity,
  LAYOUTS,
  type Offer,
  type ProcessCounts,
  type StateHeader,
} from "./format.ts";
import { changesFrom, needsOf, settingsOf, whyNot } from "./needs.ts";
import { isLeft, listenAt } from "./listen_at.ts";
import type { Parts } from "./parts.ts";
import { StateReader } from "./read_state.ts";
import { type Given, writeState } from "./write_state.ts";

/** What a handover needs of its gateway. */
export interface HandoverHost {
  /** What has something to hand over. */
  readonly parts: Parts;
  /** Where it listens. */
  readonly ports: Ports;
  /** Ends what is on its way to many. */
  finish(): void;
  /** When it began, as the first of all that have taken its place. */
  age(): { readonly startedAt: Date; readonly listeningSince: number };
  /** What its process and those before have counted. */
  counts(): ProcessCounts;
  /** The watches of its clients. */
  readonly watches: Pick<Watches, "clientStepMs" | "hold" | "goOn">;
  /**
   * All of it is another process's.
   *
   * @returns Resolves when what other gateways were sent has left.
   */
  onGiven(): Promise<void>;
}

/** What the program around a gateway hands over. */
export interface ProgramPiece {
  /** Gives it, as something that is JSON. */
  giveProgram: () => unknown;
  /** What the program before has given; undefined where none has. */
  readonly program: unknown;
}

/** What is asked in a cluster before all is taken: whether this process misses anything. */
interface Heard {
  /** Whether the bus reaches it. */
  readonly isUp: boolean;
  /** Where what has come of each other gateway begins. */
  readonly firsts: readonly Mark[];
}

interface Lacking {
  /** Of how many gateways it does; null = of all. */
  readonly lacking: number | null;
}

/** What was taken over that is not of a part. */
export interface Before {
  /** When the gateway began. */
  readonly startedAt: Date;
  /** The same in milliseconds of `performance.now()`. */
  readonly listeningSince: number;
  /** What the processes before have counted. */
  readonly counts: ProcessCounts;
}

// In so long each of the other gateways has said something, or counts as gone.
const HEARD_MS = 10_000;
const HEARD_LOOK_MS = 20;
// What the process before has sent over the bus leaves within that.
const LEFT_MS = 3000;

/** How a gateway takes the place of another, and is asked for its own. */
export class Handover implements ProgramPiece {
  /** What the program around the gateway has to hand over. */
  giveProgram: () => unknown = () => undefined;
  /** What the program before has handed over. */
  program: unknown;
  /** What was handed over, or would have been. */
  given: Given = { sockets: [], left: [] };
  /** Whether another process has all of it. */
  isGiven = false;
  readonly #host: HandoverHost;
  readonly #pauses = new Histogram(DURATION_BOUNDS);
  #generation = 1;
  #since = performance.now();
  #lastPause = 0;
  // When nothing moved any more.
  #wall = 0;
  #passing: Passing | undefined;
  #door: HandoverDoor | undefined;
  #early: EarlyClientCopy | undefined;

  /** @param host Its gateway. */
  constructor(host: HandoverHost) {
    this.#host = host;
  }

  /** How often it was handed over, for statistics. */
  get stats(): HandoverStats {
    return {
      generation: this.#generation,
      generationSeconds: (performance.now() - this.#since) / 1000,
      handoverPause: this.#lastPause,
      handoverPauses: this.#pauses.toJSON(),
    };
  }

  /**
   * Asks the gateway at the path of the options what is there.
   *
   * @returns undefined when none is there, or none is to be asked.
   * @throws {GatewayError} with one line, when its place cannot be taken.
   */
  async ask(): Promise<Taking<Offer> | undefined> {
    const { options } = this.#host.parts.context;
    const { handover: path, handoverTimeout } = options;
    if (path === "") return undefined;
    return await Taking.ask<Offer>(this.#open(), path, {
      whose: `the gateway at ${path}`,
      fail,
      hello: { version: config.version, pid: Deno.pid },
      timeoutMs: handoverTimeout * 1000,
      whyNot: (offer) => this.#whyNot(offer),
    });
  }

  /**
   * Waits until all comes to this process as well that the others of the cluster send.
   *
   * @throws {GatewayError} with one line, when that does not come about.
   */
  async untilHeard(taking: Taking<Offer>): Promise<void> {
    const { cluster } = this.#host.parts.context;
    if (!cluster) return;
    const deadline = performance.now() + HEARD_MS;
    for (;;) {
      const question: Heard = {
        isUp: cluster.bus.isUp,
        firsts: cluster.firsts,
      };
      const { lacking } = await this.#asked<Lacking>(taking, question);
      if (lacking === 0) return;
      if (performance.now() > deadline) {
        const why = lacking === null
          ? "its bus does not reach this process"
          : `of ${lacking} other gateways nothing comes to this process over the bus`;
        taking.refuse(why);
        throw taking.cannot(why);
      }
      await new Promise((resolve) => setTimeout(resolve, HEARD_LOOK_MS));
    }
  }

  async #asked<A>(taking: Taking<Offer>, question: unknown): Promise<A> {
    try {
      return await taking.question<A>(question);
    } catch (cause) {
      throw taking.cannot((cause as Error).message, { cause });
    }
  }

  /** What another gateway has, and what this one would change, in lines. */
  describe(offer: Offer): string[] {
    const { needs, version, pid, generation, leftBehind } = offer;
    const { options } = this.#host.parts.context;
    const changes = changesFrom(offer, settingsOf(options));
    return [
      `gateway ${version}, process ${pid}, generation ${generation}`,
      ...offer.cluster
        ? [`node ${offer.nodeId} of cluster ${offer.cluster}`]
        : [],
      `takes: ${needs.connsMax} clients, ${needs.innerConnsMax} workers and triggers, ${needs.queueMax} tasks that wait (${needs.queueBytes} bytes), ${needs.groupsMax} groups, ${
        offer.listeners.map(({ name }) => name).join(", ")
      } listeners`,
      ...leftBehind > 0
        ? [
          `stays: process ${pid}, for ${leftBehind} clients over TLS that ends in it`,
        ]
        : [],
      `changes: ${changes.length > 0 ? changes.join(", ") : "nothing"}`,
    ];
  }

  /**
   * Takes the clients of the other gateway of which nothing is under way, while it serves them.
   *
   * @returns What takes the rest; to be disposed of where nothing more is taken.
   * @throws {GatewayError} with one line, when they cannot be taken.
   */
  async copy(taking: Taking<Offer>): Promise<StateReader> {
    const reader = this.reader();
    if (taking.offer.formatVersion < COPIES_SINCE) return reader;
    try {
      await taking.copy(reader.early);
    } catch (error) {
      reader.release();
      throw error;
    }
    return reader;
  }

  /**
   * Takes all that the other gateway holds, while nothing else of this process moves; nothing of it
   * moves before `begin` is called.
   *
   * @throws {GatewayError} with one line, when it cannot be taken; its cause is {@linkcode
   * GiverDied} where the other one has died, and nothing is there any more.
   */
  take(
    taking: Taking<Offer>,
    reader: StateReader,
  ): Before & { readonly begin: () => void } {
    const { parts, ports } = this.#host;
    try {
      taking.take(reader);
    } catch (cause) {
      // Not one more byte is written to any of them.
      reader.release();
      throw taking.cannot((cause as Error).message, { cause });
    }
    const header = reader.header!;
    const { listeners, startedAt, listeningSince, wall } = header;
    for (const [no, listener] of listeners.entries()) {
      const descriptor = reader.listeners[no]!;
      if (listener.name === "handover") this.#openDoor(descriptor);
      else if (!ports.adopt(listener, descriptor)) {
        this.#open().close(descriptor);
      }
    }
    this.#generation = header.generation + 1;
    this.#since = performance.now();
    this.#pauses.add(header.parts.handovers.handoverPauses);
    this.program = header.program;
    return {
      startedAt: new Date(startedAt),
      listeningSince: listeningSince + reader.shift,
      counts: header.parts.process,
      begin: () => {
        reader.begin();
        void this.#sendWhenLeft(taking);
        parts.context.counters.handovers++;
        this.#lastPause = Math.max(0, Date.now() - wall) / 1000;
        this.#pauses.observe(this.#lastPause);
        parts.context.logger.info(
          `took the place of process ${header.pid} with ${parts.context.sessions.size} clients and ${parts.links.size} workers and triggers: generation ${this.#generation}, all stood still for ${
            Math.round(this.#lastPause * 1000)
          } ms`,
        );
      },
    };
  }

  // What it has sent comes before what this one sends.
  async #sendWhenLeft(taking: Taking<Offer>): Promise<void> {
    const { cluster } = this.#host.parts.context;
    if (cluster) await taking.left(LEFT_MS);
    taking[Symbol.dispose]();
    cluster?.sendHeld();
  }

  /** What puts into the parts of the gateway what another one has written. */
  reader(): StateReader {
    const { parts, ports, watches } = this.#host;
    const io = ports.openIo().descriptors!;
    return new StateReader(parts, {
      io,
      watchStepMs: () => watches.clientStepMs,
      whyNot: (header) => this.#whyNot(header),
    });
  }

  /**
   * Writes all that the gateway holds. Nothing of the process may move from here on until it is
   * known whose it is.
   */
  write(sink: StateSink): void {
    const { parts, ports } = this.#host;
    this.#wall = Date.now();
    this.#finish();
    const listeners = ports.given().map(({ listener }) => listener.descriptor);
    if (this.#door) listeners.push(this.#door.descriptor);
    const header = (noOf: LinkNo) => this.#header(noOf);
    const early = this.#early;
    this.given = writeState({ parts, header, listeners, early }, sink);
  }

  /**
   * Begins to give clients early: until that ends, `write` writes those as given that are as they
   * were, and what changes all of them at once holds still.
   */
  giveEarly(): EarlyClientCopy {
    const { parts: { context }, watches } = this.#host;
    watches.hold();
    const clocks = { now: performance.now(), wall: Date.now() };
    const watchStepMs = watches.clientStepMs;
    return this.#early = new EarlyClientCopy(context, {
      ...{ ...clocks, watchStepMs, layouts: LAYOUTS, listeners: [] },
    }, () => {
      this.#early = undefined;
      watches.goOn();
    });
  }

  // Ends what cannot go along.
  #finish(): void {
    const { parts: { context, clusterCommands, lending }, finish } = this.#host;
    context.cluster?.finish();
    if (clusterCommands) clusterCommands.finish(finish);
    else finish();
    lending?.finish();
    context.logins?.finish();
  }

  /**
   * Others can ask for the place of this one from now on.
   *
   * @throws {GatewayError} with one line, when the path cannot be listened at.
   */
  listen(): void {
    const { handover: path } = this.#host.parts.context.options;
    if (path === "" || this.#door) return;
    const passing = this.#open();
    this.#openDoor(listenAt(passing, path));
  }

  /** Nobody can ask any more. The path is removed, unless another one has it now. */
  close(): void {
    const isOwn = this.#door !== undefined && !this.isGiven;
    this.#door?.close();
    this.#door = undefined;
    if (isOwn && isLeft(this.#open(), this.#path)) {
      this.#passing?.remove(this.#path);
    }
  }

  /** What goes on through this process, when another one has all else. */
  get relays(): RelaySocket[] {
    if (!this.isGiven) return [];
    return this.given.sockets.filter((socket) => socket instanceof RelaySocket);
  }

  /** To be called when nothing of it is needed any more. */
  dispose(): void {
    this.#passing?.[Symbol.dispose]();
    this.#passing = undefined;
  }

  get #path(): string {
    return this.#host.parts.context.options.handover;
  }

  #open(): Passing {
    return this.#passing ??= Passing.open();
  }

  #whyNot(offer: Offer): string | undefined {
    const { context } = this.#host.parts;
    const { cluster, options } = context;
    const own = this.#identity();
    // Whoever was given no number takes that one.
    const nodeId = cluster && cluster.givenNode === undefined
      ? offer.nodeId
      : own.nodeId;
    return whyNot(offer, { ...own, nodeId }, options);
  }

  #openDoor(descriptor: number): void {
    const { parts: { context }, ports } = this.#host;
    const { handoverTimeout } = context.options;
    this.#door = new HandoverDoor(ports.io!.descriptors!.loop, descriptor, {
      role: "gateway",
      passing: this.#open(),
      timeoutMs: handoverTimeout * 1000,
      logger: context.logger,
      giver: {
        offer: () => this.#offer(),
        copy: () => this.giveEarly(),
        answer: (question) => this.#lacking(question as Heard),
        write: (sink) => this.write(sink),
        onGiven: (by) => this.#onGiven(by),
      },
    });
  }

  #offer(): Offer {
    const { parts: { context, links }, ports } = this.#host;
    const { options, tag, sessions } = context;
    let leftBehind = 0;
    for (const { transport, relayedBy } of sessions.all()) {
      if (relayedBy !== 0) continue;
      if (transport === "tls" || transport === "wss") leftBehind++;
    }
    return {
      format: FORMAT,
      formatVersion: FORMAT_VERSION,
      version: config.version,
      pid: Deno.pid,
      generation: this.#generation,
      ...{ tag, ...this.#identity() },
      needs: needsOf(context, links.all()),
      leftBehind,
      settings: settingsOf(options),
      listeners: [
        ...ports.given().map(({ name, host, listener }) => ({
          name,
          host,
          port: listener.addr.port,
        })),
        ...this.#door ? [{ name: "handover", host: this.#path, port: 0 }] : [],
      ],
      kept: ports.kept(),
    };
  }

  #header(noOf: LinkNo): StateHeader {
    const { parts, age, counts, watches } = this.#host;
    const { context, clients, measures } = parts;
    const { startedAt, listeningSince } = age();
    return {
      ...this.#offer(),
      now: performance.now() - (Date.now() - this.#wall),
      wall: this.#wall,
      startedAt: startedAt.toISOString(),
      listeningSince,
      watchStepMs: watches.clientStepMs,
      layouts: LAYOUTS,
      parts: {
        clients: clients.give(),
        sessions: { peak: context.sessions.peak },
        limits: context.clientLimits.give(),
        queue: context.queue.give(),
        dispatcher: context.dispatcher.give(noOf),
        counters: copyCounters(context.counters),
        measures: measures.give(),
        handovers: this.stats,
        process: counts(),
        cluster: this.#clusterPieces(),
      },
      program: this.giveProgram(),
    };
  }

  #clusterPieces(): ClusterPieces | undefined {
    const { context: { cluster, logins }, clusterCommands } = this.#host.parts;
    return cluster && {
      ...cluster.give(),
      ofLogins: logins!.give(),
      lastGathering: clusterCommands!.gatherings.lastNo,
    };
  }

  #lacking({ firsts, isUp }: Heard): Lacking {
    const { cluster } = this.#host.parts.context;
    return { lacking: cluster?.lacking(firsts, isUp) ?? (cluster ? null : 0) };
  }

  #identity(): Omit<Identity, "tag"> {
    const { options, cluster } = this.#host.parts.context;
    const { nodeId, boxClass, order } = options;
    return {
      ...{ nodeId, order, cluster: cluster?.name ?? "" },
      boxFields: boxClass.fieldNames.join(),
    };
  }

  #onGiven({ pid }: LocalPeer): Promise<void> {
    tellServiceManager(`MAINPID=${pid}`, this.#host.parts.context.logger);
    const { linger } = this.#host.parts.context.options;
    for (const socket of this.given.sockets) {
      if (socket instanceof RelaySocket) socket.restMs = linger * 1000;
      socket.release();
    }
    this.isGiven = true;
    return this.#host.onGiven();
  }
}
