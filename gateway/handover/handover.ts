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
import { EarlyClientCopy } from "./early_copy.ts";
import type { LinkNo } from "../queue/queued_task.ts";
import {
  COPIES_SINCE,
  LAYOUTS,
  type Offer,
  type ProcessCounts,
} from "./format.ts";
import { whyNot } from "./needs.ts";
import type { HandoverHost } from "./handover_host.ts";
import { type Heard, lackingOf, untilHeard } from "./heard.ts";
import { describeOffer, headerOf, identityOf, offerOf } from "./offer.ts";
import { checkSocket, isLeft, listenAt } from "./listen_at.ts";
import { StateReader } from "./read_state.ts";
import { type Given, writeState } from "./write_state.ts";

/** What the program around a gateway hands over. */
export interface ProgramPiece {
  /** Gives it, as something that is JSON. */
  giveProgram: () => unknown;
  /** What the program before has given; undefined where none has. */
  readonly program: unknown;
  /**
   * Whether the program does nothing else when another process has all: then it lets others have
   * the processor before it lets go of the sockets.
   */
  endsThen: boolean;
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

// What the process before has sent over the bus leaves within that.
const LEFT_MS = 3000;

/** How a gateway takes the place of another, and is asked for its own. */
export class Handover implements ProgramPiece {
  /** What the program around the gateway has to hand over. */
  giveProgram: () => unknown = () => undefined;
  /** Whether its program does nothing else when all is given. */
  endsThen = false;
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
    const taking = await Taking.ask<Offer>(this.#open(), path, {
      whose: `the gateway at ${path}`,
      fail,
      hello: { version: config.version, pid: Deno.pid },
      timeoutMs: handoverTimeout * 1000,
      whyNot: (offer) => this.#whyNot(offer),
    });
    if (!taking) checkSocket(path);
    return taking;
  }

  /**
   * Waits until all comes to this process as well that the others of the cluster send.
   *
   * @throws {GatewayError} with one line, when that does not come about.
   */
  async untilHeard(taking: Taking<Offer>): Promise<void> {
    const { cluster } = this.#host.parts.context;
    if (cluster) await untilHeard(taking, cluster);
  }

  /** What another gateway has, and what this one would change, in lines. */
  describe(offer: Offer): string[] {
    return describeOffer(offer, this.#host.parts.context.options);
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
    const header = (noOf: LinkNo) =>
      headerOf(this.#host, {
        ...{ offer: this.#offer, wall: this.#wall, noOf },
        ...{ handovers: this.stats, program: this.giveProgram() },
      });
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
    const own = identityOf(context);
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
        offer: () => this.#offer,
        copy: () => this.giveEarly(),
        answer: (question) => lackingOf(context.cluster, question as Heard),
        write: (sink) => this.write(sink),
        onGiven: (by) => this.#onGiven(by),
      },
    });
  }

  get #offer(): Offer {
    return offerOf(this.#host, this.#generation, this.#door !== undefined);
  }

  #onGiven({ pid }: LocalPeer): Promise<void> {
    tellServiceManager(`MAINPID=${pid}`, this.#host.parts.context.logger);
    const { linger } = this.#host.parts.context.options;
    const { sockets } = this.given;
    const stays = sockets.some((socket) => socket instanceof RelaySocket);
    if (this.endsThen && !stays) this.#open().comeLast();
    for (const socket of sockets) {
      if (socket instanceof RelaySocket) socket.restMs = linger * 1000;
      socket.release();
    }
    this.isGiven = true;
    return this.#host.onGiven();
  }
}
