// Master: starts the children, processes or threads, watches them, replaces them.

import type { Logger, LogLevel } from "../log/logger.ts";
import type { Child, ChildEnd, ChildStart } from "./child.ts";
import {
  BEAT_MS,
  type Control,
  ControlServer,
  type ControlServerHandler,
} from "./control.ts";
import { Place, type PlaceContext } from "./place.ts";
import { stopLimitMs } from "./leaving.ts";
import type { ProcessStatus } from "./process_status.ts";
import { GAVE_ALL, Reload } from "./reload.ts";
import type { Relay } from "./siblings.ts";
import { WatchedChild } from "./watched_child.ts";

/** What a master goes by. */
export interface MasterOptions {
  /** How many children there are. */
  readonly workers: number;
  /** Milliseconds for which a child's event loop may be blocked; 0 = any. */
  readonly workTimeoutMs: number;
  /** The option that says so, for the log; empty where there is none. @default {"workTimeout"} */
  readonly workTimeoutOption?: string;
  /** Milliseconds in which a child leaves in order. */
  readonly stopTimeoutMs: number;
  /** Milliseconds in which one ends that has handed all to another. @default {stopTimeoutMs} */
  readonly replacedTimeoutMs?: number;
  /** Milliseconds in which the new children of a reload are ready. */
  readonly reloadTimeoutMs: number;
  /**
   * Whether a new child takes over all that the old one holds: a reload then replaces one after the
   * other, and the note of a child is for that one alone. @default {false}
   */
  readonly handsOver?: boolean;
  /** Whether a second stop asks the children to hurry, instead of killing them. @default {false} */
  readonly hurries?: boolean;
}

/** What a master works with. */
export interface MasterContext {
  /**
   * Starts a child.
   *
   * @throws {Error} with one line that says why it cannot be started.
   */
  readonly startChild: (start: ChildStart) => Child;
  /** Where it logs. */
  readonly logger: Logger;
  /** Opens the lines to the children. @default at a port of loopback */
  readonly openControl?: (handler: ControlServerHandler) => Control;
  /** What a new child is told first of all. @default nothing */
  readonly firstTold?: (index: number) => unknown;
  /**
   * Called in place of starting another child when one was lost, with how it ended.
   * @default another is started
   */
  readonly onLoss?: (child: WatchedChild, end: ChildEnd) => void;
  /** Called when a child has ended. */
  readonly onEnd?: (child: WatchedChild) => void;
}

/** Starts the children, watches them, replaces them. */
export class Master {
  readonly #options: MasterOptions;
  readonly #context: MasterContext;
  readonly #logger: Logger;
  readonly #control: Control;
  readonly #places: readonly Place[];
  // By their tokens: those of the places, the new ones of a reload, the old ones that leave.
  readonly #children = new Map<string, WatchedChild>();
  readonly #watch: ReturnType<typeof setInterval>;
  readonly #allReady: Promise<void>;
  #setAllReady!: () => void;
  readonly #allEnded: Promise<void>;
  #setAllEnded!: () => void;
  #over: Promise<void> | undefined;
  #logLevel: LogLevel | undefined;
  // Where nothing is handed over, what one child has left is for all.
  #note: string | undefined;
  // How many messages were passed on.
  #relayed = 0;
  #stopping = false;
  #hurried = false;
  readonly #reload: Reload;
  // Children whose place another one takes or has taken.
  readonly #replaced = new Set<WatchedChild>();

  /**
   * Starts the children.
   *
   * @throws {Error} when one cannot be started. Later that is logged, and tried again.
   */
  constructor(options: MasterOptions, context: MasterContext) {
    const { logger } = context;
    this.#options = options;
    this.#context = context;
    this.#logger = logger;
    this.#allReady = new Promise((resolve) => this.#setAllReady = resolve);
    this.#allEnded = new Promise((resolve) => this.#setAllEnded = resolve);
    const handler: ControlServerHandler = {
      onMessage: (token, message) => {
        const child = this.#children.get(token);
        if (!child) return;
        child.heard(message);
        if (message.note !== undefined) this.#note = message.note;
        if (message.replace !== undefined) {
          this.#replace(child, message.replace);
        }
        if (message.token !== undefined) this.#greet(token, child);
        if (message.relay) this.#relay(token, message.relay);
        if (message.mark) this.#control.send(token, { marked: this.#relayed });
        if (message.given) this.#onGiven(child);
      },
      onGone: (token) => this.#children.get(token)?.lineGone(),
    };
    this.#control = context.openControl?.(handler) ??
      new ControlServer(logger, handler);
    this.#watch = setInterval(() => this.#look(), BEAT_MS);
    const place: PlaceContext = {
      start: (index) => this.#start(index),
      onReady: () => this.#onReady(),
      logger,
    };
    this.#places = Array.from(
      { length: options.workers },
      (_, index) => new Place(index + 1, place),
    );
    this.#reload = new Reload(this.#places, {
      options,
      logger,
      start: (index) => this.#start(index),
      stop: (child) => this.#stopChild(child),
      lose: (child, end) => this.#lose(child, end),
      stopping: () => this.#stopping,
    });
    try {
      for (const place of this.#places) place.fill();
    } catch (error) {
      this.stopNow();
      void this.#control.close();
      throw error;
    }
  }

  /** Resolves when each child, or another in its place, has been ready. */
  ready(): Promise<void> {
    return this.#allReady;
  }

  /** Whether it stops, or has. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Whether a child works in each place, and nobody has asked them to stop. */
  get healthy(): boolean {
    return !this.#stopping && this.processes().every(({ ready }) => ready);
  }

  /** The children, by their places; after a reload the new ones. */
  processes(): ProcessStatus[] {
    return this.#places.map(({ child, restarts }, index) => ({
      index: index + 1,
      ready: child?.working ?? false,
      silent: child?.silent ?? false,
      restarts,
      stats: child?.stats,
    }));
  }

  /** Sets the least level that all children log, those that are started later included. */
  setLogLevel(level: LogLevel): void {
    this.#logLevel = level;
    for (const token of this.#children.keys()) this.#tellLogLevel(token);
  }

  /** Tells all children something of the program. */
  tell(told: unknown): void {
    this.#control.sendAll(this.#children.keys(), { told });
  }

  /** Resolves when the master was stopped and the last child has ended. */
  ended(): Promise<void> {
    return this.#over ??= this.#allEnded.then(() => this.#control.close());
  }

  /** Lets all children leave in order, then ends. A second call has them hurry, or kills them. */
  stop(): void {
    if (this.#stopping) {
      if (!this.#options.hurries || this.#hurried) return this.stopNow();
      this.#hurried = true;
      this.#control.sendAll(this.#children.keys(), { hurry: true });
      return;
    }
    this.#endStarting();
    this.#logger.info("stopping: the processes finish what they hold");
    for (const child of this.#children.values()) {
      // What it still has to do is of those that have its place, and done when these have left.
      if (this.#hasPlace(child)) this.#stopChild(child);
      else child.killAfter(stopLimitMs(this.#options.stopTimeoutMs));
    }
  }

  /** Kills all children and ends. */
  stopNow(): void {
    this.#endStarting();
    for (const child of this.#children.values()) {
      child.kill("stop at once", true);
    }
  }

  /**
   * Starts new children from the code on disk; when all are ready, the old ones leave. If they
   * can't be started or are not ready within `reloadTimeout`, they are ended and the old ones stay.
   * Where the new ones take over what the old ones hold, that is done in one place after the other,
   * and ends at the first in which it cannot be done.
   *
   * Called while a reload is under way, it has another follow: what runs in the end is the code
   * that was on disk at the last call.
   *
   * @returns When no reload is under way any more.
   */
  async reload(): Promise<void> {
    if (this.#stopping) {
      this.#logger.warn("no reload: stopping");
      return;
    }
    await this.#reload.run();
  }

  /**
   * Starts another child in each place, one after the other; each takes over by itself what the one
   * before holds, which then ends. It stops at the first that does not.
   *
   * @param onReplaced Called with each that has.
   * @returns Why it has stopped; undefined when all are replaced.
   */
  async replaceEach(onReplaced: () => void): Promise<string | undefined> {
    for (const [at, place] of this.#places.entries()) {
      const old = place.child;
      if (old) this.#replaced.add(old);
      const why = this.#stopping ? "stopping" : await this.#replaceIn(at);
      if (why === undefined) {
        onReplaced();
        continue;
      }
      // It goes on; or it has died, and nobody has what it held.
      const hasDied = old !== undefined && !this.#replaced.delete(old);
      if (hasDied && place.child === old && !this.#stopping) {
        this.#context.onEnd?.(old);
        place.onLoss(`${old.name} ended while it was replaced`);
      }
      return why;
    }
    return undefined;
  }

  async #replaceIn(at: number): Promise<string | undefined> {
    let fresh: WatchedChild;
    try {
      fresh = this.#start(at + 1);
    } catch (error) {
      return (error as Error).message;
    }
    if (!await fresh.ready) {
      return `new ${fresh.name} ended with ${
        (await fresh.ended).how
      } before it was ready`;
    }
    const old = this.#places[at]!.handOver(fresh);
    // It ends by itself, and is asked to in case that it still has something.
    const { stopTimeoutMs, replacedTimeoutMs = stopTimeoutMs } = this.#options;
    old?.stop(stopLimitMs(replacedTimeoutMs));
    return undefined;
  }

  // A child that stands still gets no more than its line holds; the others do not wait for it.
  #relay(from: string, { message, echo }: Relay): void {
    const no = ++this.#relayed;
    const others = [...this.#children.keys()].filter((token) => token !== from);
    const full = this.#control.sendAll(others, {
      relayed: { message, own: false, no },
    });
    for (const token of full) {
      const { name, hears } = this.#children.get(token)!;
      if (!hears) continue;
      this.#logger.warn(
        `${name} is not told what another tells all: it does not read`,
      );
    }
    if (!echo) return;
    // Those that do not read are among them: what they have to tell is missing. Where one takes the
    // place of another, one of the two answers.
    const places = Array.from(
      this.#children.values(),
      ({ index, hears }) => hears ? [String(index)] : [],
    );
    const told = [...new Set(places.flat())];
    this.#control.send(from, { relayed: { message, own: true, no, told } });
  }

  #greet(token: string, { index }: WatchedChild): void {
    const told = this.#context.firstTold?.(index);
    if (told !== undefined) this.#control.send(token, { told });
    this.#tellLogLevel(token);
  }

  #tellLogLevel(token: string): void {
    const logLevel = this.#logLevel;
    if (logLevel !== undefined) this.#control.send(token, { logLevel });
  }

  // Whether no other one has the place of a child of replaceEach.
  #hasPlace(child: WatchedChild): boolean {
    return !this.#replaced.has(child) ||
      this.#places[child.index - 1]!.child === child;
  }

  #stopChild(child: WatchedChild): void {
    child.stop(stopLimitMs(this.#options.stopTimeoutMs));
  }

  #endStarting(): void {
    this.#stopping = true;
    clearInterval(this.#watch);
    for (const place of this.#places) place.close();
    if (this.#children.size === 0) this.#setAllEnded();
  }

  #start(index: number): WatchedChild {
    const child = new WatchedChild(
      index,
      this.#context.startChild({
        index,
        controlPort: this.#control.port,
        note: this.#options.handsOver
          ? this.#places[index - 1]!.child?.note
          : this.#note,
      }),
    );
    this.#children.set(child.token, child);
    this.#logger.info(`${child.name} started`);
    child.ended.then((end) => this.#onEnd(child, end));
    return child;
  }

  #onReady(): void {
    if (this.#places.every(({ wasReady }) => wasReady)) this.#setAllReady();
  }

  #onEnd(child: WatchedChild, end: ChildEnd): void {
    this.#children.delete(child.token);
    // What it held is that one's which takes its place; where that does not, it is told later.
    if (this.#replaced.delete(child)) {
      this.#logger.info(`${child.name} ended: ${end.how}`);
      if (this.#stopping && this.#children.size === 0) this.#setAllEnded();
      return;
    }
    this.#context.onEnd?.(child);
    const place = this.#places[child.index - 1]!;
    if (!this.#stopping && place.child === child) {
      const { onLoss } = this.#context;
      // Who takes its place may have all that it held.
      const waits = this.#options.handsOver || onLoss;
      if (!waits || !this.#reload.takesEnd(place, end)) this.#lose(child, end);
      return;
    }
    const line = `${child.name} ended: ${end.how}`;
    if (end.clean) this.#logger.info(line);
    else this.#logger.warn(line);
    if (this.#stopping && this.#children.size === 0) this.#setAllEnded();
  }

  // During a reload that is told by how the reload ends.
  #onGiven(child: WatchedChild): void {
    const place = this.#places[child.index - 1]!;
    const isLost = place.child === child;
    if (isLost && !this.#reload.fills(place)) this.#lose(child, GAVE_ALL);
  }

  // What it held nobody has.
  #lose(child: WatchedChild, end: ChildEnd): void {
    const { onLoss } = this.#context;
    if (onLoss) onLoss(child, end);
    else if (!child.hasEnded) this.#replace(child, end.how);
    else {
      this.#places[child.index - 1]!.onLoss(`${child.name} ended: ${end.how}`);
    }
  }

  // It asks for no more work: another is started before it has left.
  #replace(child: WatchedChild, why: string): void {
    const place = this.#places[child.index - 1]!;
    if (this.#stopping || place.child !== child) return;
    place.onLoss(`${child.name} leaves: ${why}`);
    this.#stopChild(child);
  }

  #look(): void {
    const { workTimeoutMs, workTimeoutOption = "workTimeout" } = this.#options;
    const option = workTimeoutOption && ` (${workTimeoutOption})`;
    for (const child of this.#children.values()) {
      child.look();
      if (workTimeoutMs === 0) continue;
      if (child.quietMs <= workTimeoutMs + BEAT_MS) continue;
      child.kill(
        `its event loop was blocked for more than ${
          workTimeoutMs / 1000
        } s${option}`,
      );
    }
  }
}
