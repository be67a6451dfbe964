// Handover: how a haven server takes the place of the process before it, and is replaced itself.

import {
  type DescriptorIo,
  endedWithin,
  HandoverDoor,
  Passing,
  type StateSink,
  Taking,
} from "@maple/box/internal";
import config from "../deno.json" with { type: "json" };
import { HavenError } from "../errors.ts";
import type { Kept } from "../kept.ts";
import type { Server } from "../server.ts";
import type { ServerApp } from "../server_app.ts";
import type { Timers } from "../timers.ts";
import {
  FORMAT,
  FORMAT_VERSION,
  LAYOUTS,
  type Offer,
  type StateHeader,
} from "./format.ts";
import type { HandoverPlace } from "./place.ts";
import { StateReader } from "./read_state.ts";
import { StateCloner } from "./state_clone.ts";
import { boxFieldsOf, whyNot } from "./why_not.ts";
import { writeState, type Written } from "./write_state.ts";

/** What a handover needs of its server. */
export interface HandoverHost<F extends object, C extends object> {
  /** The app. */
  readonly app: ServerApp<F, C>;
  /** Its timers, which stand still meanwhile. */
  readonly timers: Pick<Timers, "start" | "stop" | "running">;
  /** The application puts into it what is to go along. */
  readonly giveKept: (kept: Kept) => Promise<void> | undefined;
  /** The application takes it. */
  readonly takeKept: (kept: Kept) => Promise<void> | undefined;
  /** Its place. */
  readonly place: HandoverPlace;
  /** Milliseconds that all may stand still. */
  readonly timeoutMs: number;
}

/** What is told of handovers. */
export interface HandoverStats {
  /** Which of the processes it is that have had this place, from 1. */
  readonly generation: number;
  /** Seconds for which all stood still when it took the place; 0 = it took none. */
  readonly handoverPause: number;
}

/** That of a server that has taken no place. */
export const NO_HANDOVER: HandoverStats = { generation: 1, handoverPause: 0 };

const WHOSE = "the haven server that runs";

/** How a haven server takes the place of the process before it, and is replaced itself. */
export class Handover<F extends object, C extends object> {
  readonly #host: HandoverHost<F, C>;
  #stats = NO_HANDOVER;
  #passing: Passing | undefined;
  #server: Server<F, C> | undefined;
  #door: HandoverDoor | undefined;
  #holds = false;
  #heldAt = 0;
  // How much the other processes were told when it was known last that their master has it.
  #settledAt = -1;
  #kept: Kept = {};
  #written: Written<F, C> = { sockets: [], sessions: [] };
  #cloner = new StateCloner();

  /** @param host Its server. */
  constructor(host: HandoverHost<F, C>) {
    this.#host = host;
  }

  /** How often the place was taken. */
  get stats(): HandoverStats {
    return this.#stats;
  }

  /**
   * Asks the process that has the place what is there.
   *
   * @returns undefined when none has it.
   * @throws {HavenError} `listen` when its place cannot be taken.
   */
  async ask(options: NeededOptions): Promise<Taking<Offer> | undefined> {
    const { place: { from }, timeoutMs } = this.#host;
    if (from === undefined) return undefined;
    const taking = await Taking.ask<Offer>(this.#open(), pathOf(from), {
      whose: WHOSE,
      hello: { version: config.version, pid: Deno.pid },
      // It may have to wait for its requests before it hands over.
      timeoutMs: 2 * timeoutMs,
      whyNot: (offer) => this.#whyNot(offer, options),
      fail,
    });
    if (!taking) {
      this.#host.app.logger.warn(
        "the process before this one is gone, and its clients with it",
      );
    }
    return taking;
  }

  /**
   * Takes all that the other process holds, while nothing else of this one moves.
   *
   * @returns What begins all of it.
   * @throws {HavenError} `listen` when it cannot be taken.
   */
  async take(
    server: Server<F, C>,
    taking: Taking<Offer>,
    io: DescriptorIo,
  ): Promise<() => void> {
    const { app, timers, timeoutMs } = this.#host;
    // What they would find before the takeOver hooks is not there yet.
    void timers.stop();
    // From here on what other processes tell waits for the users.
    await server.users.line?.keep();
    const reader = this.reader(server, io);
    try {
      taking.take(reader);
    } catch (cause) {
      // Not one more byte is written to any of them.
      reader.release();
      throw taking.cannot((cause as Error).message, { cause });
    }
    const header = reader.header!;
    for (const [no, piece] of header.listeners.entries()) {
      const descriptor = reader.listeners[no]!;
      if (!server.parts.listeners.adopt(piece, descriptor)) {
        this.#open().close(descriptor);
      }
    }
    const taken = this.#host.takeKept(reader.kept);
    // Clients must not wait for ever, and nobody else has them.
    if (taken && !await endedWithin(taken, timeoutMs)) {
      app.logger.error(
        `a takeOver hook has not ended within ${
          timeoutMs / 1000
        } s (handoverTimeout): all begins without it`,
      );
    }
    return () => {
      timers.start();
      reader.begin();
      const pauseMs = Math.max(0, Date.now() - header.heldAt);
      this.#stats = {
        generation: header.generation + 1,
        handoverPause: pauseMs / 1000,
      };
      app.logger.info(
        `took the place of process ${header.pid} with ${
          clients(reader.clients)
        }: generation ${this.#stats.generation}, all stood still for ${pauseMs} ms`,
      );
    };
  }

  /** What puts into a server what another process has written. */
  reader(server: Server<F, C>, io: DescriptorIo): StateReader<F, C> {
    const { parts } = server;
    return new StateReader(parts, {
      io,
      whyNot: (header) => this.#whyNot(header, parts.options),
      watchStepMs: () => parts.watchStepMs,
    });
  }

  /** Lets others ask for the place of this server from now on. */
  open(server: Server<F, C>, io: DescriptorIo): void {
    const { app, place, timeoutMs } = this.#host;
    this.#server = server;
    const at = `@maple-haven-${crypto.randomUUID()}`;
    const passing = this.#open();
    const descriptor = passing.listen(pathOf(at));
    if (descriptor < 0) {
      app.logger.warn(
        `HUP will not have another process take the clients over: ${
          passing.describe(descriptor)
        }`,
      );
      return;
    }
    this.#door = new HandoverDoor(io.loop, descriptor, {
      role: "haven",
      passing,
      timeoutMs,
      logger: app.logger,
      giver: {
        offer: () => this.#offer(),
        standStill: () => this.#standStill(),
        goOn: () => this.#goOn(),
        write: (sink) => this.write(sink),
        onGiven: () => this.#onGiven(),
      },
    });
    place.leaveNote(at);
  }

  /** Nobody can ask any more; to be called before its server is closed. */
  close(): void {
    this.#goOn();
    this.#door?.close();
    this.#door = undefined;
    this.#passing?.[Symbol.dispose]();
    this.#passing = undefined;
  }

  /** Writes all that the server holds; nothing of it may move until it is known whose it is. */
  write(sink: StateSink, server: Server<F, C> = this.#server!): void {
    const { parts } = server;
    // Who is told of it must not hear of it later than of what the next process tells.
    if (this.#holds && !this.#isSettled(server)) {
      throw new Error("something was sent to users at the last moment");
    }
    const given = parts.listeners.given();
    const wall = Date.now();
    const header: StateHeader = {
      ...this.#offer(server),
      now: performance.now(),
      wall,
      heldAt: this.#heldAt || wall,
      watchStepMs: parts.watchStepMs,
      layouts: LAYOUTS,
      parts: {
        lastId: parts.ids.last,
        counters: structuredClone(parts.counters),
        users: parts.users.give(),
        limits: parts.limits.give(),
      },
    };
    this.#cloner = new StateCloner();
    this.#written = writeState({
      parts,
      header,
      listeners: given.map(({ descriptor }) => descriptor),
      kept: this.#kept,
      cloner: this.#cloner,
    }, sink);
  }

  // No request and no hook runs, and none begins.
  async #standStill(): Promise<string | undefined> {
    const { app, timers, timeoutMs, giveKept } = this.#host;
    const server = this.#server!;
    this.#holds = true;
    this.#heldAt = Date.now();
    const until = performance.now() + timeoutMs;
    server.hold();
    const timersOver = timers.stop();
    let giving: Promise<void> | undefined;
    let gives = false;
    // What had happened when the handOver hooks were called.
    let given = -1;
    this.#settledAt = -1;
    for (;;) {
      const running = server.running();
      const works = timers.running ? [...running, timersOver] : [...running];
      if (gives) works.push(giving!);
      const leftMs = until - performance.now();
      if (works.length === 0) {
        // In a turn of its own: what the turn before has left to do is done.
        await turn();
        if (server.running().length > 0) continue;
        if (!await this.#settled(server, leftMs)) {
          return `not done within ${
            timeoutMs / 1000
          } s (handoverTimeout): what is sent to users of other processes`;
        }
        if (server.running().length > 0) continue;
        // What the hooks of those who came or went meanwhile have changed is to go along as well.
        const happened = server.happened;
        if (given === happened) return undefined;
        if (given >= 0 && leftMs < timeoutMs / 2) {
          app.logger.warn(
            "clients come or go whenever the handOver hooks are called, which take too long: what other hooks have changed since is not handed over",
          );
          return undefined;
        }
        given = happened;
        this.#kept = {};
        giving = giveKept(this.#kept);
        if (giving) {
          gives = true;
          giving.then(() => gives = false);
        } else if (this.#isSettled(server)) return undefined;
        continue;
      }
      if (leftMs > 0 && await endedWithin(Promise.all(works), leftMs)) continue;
      const what = [
        ...running.length > 0
          ? [`requests or hooks of ${clients(running.length)}`]
          : [],
        ...timers.running ? ["a timer"] : [],
        ...gives ? ["a handOver hook"] : [],
      ];
      return `not done within ${timeoutMs / 1000} s (handoverTimeout): ${
        what.join(", ")
      }`;
    }
  }

  // Whether the other processes have been told all that this one has sent to users, and it has done
  // what they have told before: what comes later is the next process's.
  async #settled(server: Server<F, C>, ms: number): Promise<boolean> {
    const until = performance.now() + ms;
    const { line } = server.users;
    while (line && !this.#isSettled(server)) {
      this.#settledAt = line.told;
      const leftMs = until - performance.now();
      if (leftMs <= 0 || !await endedWithin(line.settle(), leftMs)) {
        return false;
      }
    }
    return true;
  }

  #isSettled({ users: { line } }: Server<F, C>): boolean {
    return !line || this.#settledAt === line.told;
  }

  #goOn(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#kept = {};
    this.#heldAt = 0;
    this.#host.timers.start();
    this.#server!.goOn();
  }

  #onGiven(): void {
    const { app, place } = this.#host;
    this.#holds = false;
    const { remark } = this.#cloner;
    if (remark !== undefined) app.logger.warn(remark);
    const { sockets, sessions } = this.#written;
    for (const socket of sockets) socket.release();
    this.#server!.letGo(sessions);
    this.#door?.close();
    this.#written = { sockets: [], sessions: [] };
    place.gaveAll();
  }

  #offer(server: Server<F, C> = this.#server!): Offer {
    const { parts } = server;
    return {
      format: FORMAT,
      formatVersion: FORMAT_VERSION,
      version: config.version,
      pid: Deno.pid,
      generation: this.#stats.generation,
      boxFields: boxFieldsOf(this.#host.app.boxClass),
      needs: {
        connsMax: parts.sessions.size,
        groupsMax: parts.users.groupStats.groups,
        groupsPerClient: parts.users.mostGroups,
      },
      listeners: parts.listeners.given().map(({ piece }) => piece),
    };
  }

  #whyNot(offer: Offer, options: NeededOptions): string | undefined {
    return whyNot(offer, boxFieldsOf(this.#host.app.boxClass), options);
  }

  #open(): Passing {
    return this.#passing ??= Passing.open();
  }
}

type NeededOptions = Parameters<typeof whyNot>[2];

// A name that no file has: it is gone when its process is.
function pathOf(at: string): string {
  return `\0${at.slice(1)}`;
}

function fail(message: string, options?: ErrorOptions): HavenError {
  return new HavenError("listen", message, options);
}

function clients(count: number): string {
  return count === 1 ? "1 client" : `${count} clients`;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
