// Master: starts the children, processes or threads, watches them, replaces them.

import type { Logger, LogLevel } from "../log/logger.ts";
import type { Child, ChildStart } from "./child.ts";
import { BEAT_MS, ControlServer } from "./control.ts";
import type { ProcessStatus } from "./process_status.ts";

// A child that dies this soon after its start makes the next start wait.
const EARLY_DEATH_MS = 10_000;
const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 30_000;
// What a child may take beyond its own stop timeout: to run its stopWorker hooks and to end.
const STOP_GRACE_MS = 2000;

/** What a master goes by. */
export interface MasterOptions {
  /** How many children there are. */
  readonly workers: number;
  /** Milliseconds for which a child's event loop may be blocked; 0 = any. */
  readonly workTimeoutMs: number;
  /** Milliseconds in which a child leaves in order. */
  readonly stopTimeoutMs: number;
  /** Milliseconds in which the new children of a reload are ready. */
  readonly reloadTimeoutMs: number;
}

/** What a master works with. */
export interface MasterContext {
  /** Starts a child. */
  readonly startChild: (start: ChildStart) => Child;
  /** Where it logs. */
  readonly logger: Logger;
}

/** The place of one child. */
interface Slot {
  child: Child | undefined;
  earlyDeaths: number;
  restarts: number;
  restart: ReturnType<typeof setTimeout> | undefined;
}

/** Starts the children, watches them, replaces them. */
export class Master {
  readonly #options: MasterOptions;
  readonly #context: MasterContext;
  readonly #logger: Logger;
  readonly #control: ControlServer;
  readonly #slots: Slot[];
  readonly #children = new Map<string, Child>();
  readonly #readyChildren = new Set<Child>();
  readonly #stats = new Map<Child, unknown>();
  readonly #watch: ReturnType<typeof setInterval> | undefined;
  readonly #readyPlaces = new Set<number>();
  readonly #allReady: Promise<void>;
  #setAllReady!: () => void;
  readonly #allEnded: Promise<void>;
  #setAllEnded!: () => void;
  #logLevel: LogLevel | undefined;
  #stopping = false;
  #reloading = false;

  /** Starts the children. */
  constructor(options: MasterOptions, context: MasterContext) {
    const { logger } = context;
    this.#options = options;
    this.#context = context;
    this.#logger = logger;
    this.#allReady = new Promise((resolve) => this.#setAllReady = resolve);
    this.#allEnded = new Promise((resolve) => this.#setAllEnded = resolve);
    this.#control = new ControlServer(logger, (token, message) => {
      const child = this.#children.get(token);
      if (!child) return;
      child.quietLooks = 0;
      if (message.token !== undefined) this.#tellLogLevel(child);
      if (message.ready) this.#onReady(child);
      if (message.stats !== undefined) this.#stats.set(child, message.stats);
    }, (token) => this.#children.get(token)?.lineGone());
    if (options.workTimeoutMs > 0) {
      this.#watch = setInterval(() => this.#look(), BEAT_MS);
    }
    this.#slots = Array.from({ length: options.workers }, () => ({
      child: undefined,
      earlyDeaths: 0,
      restarts: 0,
      restart: undefined,
    }));
    for (const index of this.#slots.keys()) this.#fill(index);
  }

  /** Resolves when each child, or another in its place, has been ready. */
  ready(): Promise<void> {
    return this.#allReady;
  }

  /** Whether a child is ready in each place, and nobody has asked them to stop. */
  get healthy(): boolean {
    return !this.#stopping && this.processes().every(({ ready }) => ready);
  }

  /** The children, by their places; after a reload the new ones. */
  processes(): ProcessStatus[] {
    return this.#slots.map(({ child, restarts }, index) => ({
      index: index + 1,
      ready: child !== undefined && this.#readyChildren.has(child),
      restarts,
      stats: child && this.#stats.get(child),
    }));
  }

  /** Sets the least level that all children log, those that are started later included. */
  setLogLevel(level: LogLevel): void {
    this.#logLevel = level;
    for (const child of this.#children.values()) this.#tellLogLevel(child);
  }

  /** Resolves when the master was stopped and the last child has ended. */
  async ended(): Promise<void> {
    await this.#allEnded;
    await this.#control.close();
  }

  /** Lets all children leave in order, then ends. A second call kills them. */
  stop(): void {
    if (this.#stopping) {
      this.stopNow();
      return;
    }
    this.#endStarting();
    this.#logger.info("stopping: the processes finish what they hold");
    for (const child of this.#children.values()) this.#stopChild(child);
  }

  /** Kills all children and ends. */
  stopNow(): void {
    this.#endStarting();
    for (const child of this.#children.values()) child.kill("stop at once");
  }

  /**
   * Starts new children from the code on disk; when all are ready, the old ones leave. If they
   * don't within `reloadTimeout`, they are ended and the old ones stay.
   */
  async reload(): Promise<void> {
    if (this.#stopping || this.#reloading) {
      this.#logger.warn(
        `no reload: ${
          this.#stopping ? "stopping" : "the last one is not finished"
        }`,
      );
      return;
    }
    this.#reloading = true;
    this.#logger.info("reloading: starting new processes");
    const fresh = this.#slots.map((_, index) => this.#start(index));
    const fault = await this.#whyNotReady(fresh) ?? this.#whoEnded(fresh);
    this.#reloading = false;
    if (this.#stopping) return;
    if (fault !== undefined) {
      this.#logger.error(
        `reload failed, the old processes stay: ${fault}`,
      );
      for (const child of fresh) child.kill("the reload failed");
      return;
    }
    for (const [index, slot] of this.#slots.entries()) {
      const old = slot.child;
      clearTimeout(slot.restart);
      slot.restart = undefined;
      slot.earlyDeaths = 0;
      slot.child = fresh[index];
      if (old) this.#stopChild(old);
    }
    this.#logger.info("reloaded: the new processes are ready, the old leave");
  }

  #tellLogLevel({ token }: Child): void {
    const logLevel = this.#logLevel;
    if (logLevel !== undefined) this.#control.send(token, { logLevel });
  }

  async #whyNotReady(
    children: readonly Child[],
  ): Promise<string | undefined> {
    const { reloadTimeoutMs } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(
        () =>
          resolve(
            `the new ones were not ready within ${
              reloadTimeoutMs / 1000
            } s (reloadTimeout)`,
          ),
        reloadTimeoutMs,
      );
    });
    const each = children.map(async (child) => {
      if (await child.ready) return undefined;
      return `new ${child.name} ended with ${await child
        .ended} before it was ready`;
    });
    // The first that fails decides; success takes all.
    const failed = Promise.race(
      each.map((one) =>
        one.then((fault) => fault ?? new Promise<never>(() => {}))
      ),
    );
    const all = Promise.all(each).then(() => undefined);
    const fault = await Promise.race([failed, all, late]);
    clearTimeout(timer);
    return fault;
  }

  // One that was ready may be gone before the last one is.
  #whoEnded(children: readonly Child[]): string | undefined {
    const gone = children.find((child) => !this.#children.has(child.token));
    return gone && `new ${gone.name} ended before all were ready`;
  }

  #onReady(child: Child): void {
    child.setReady();
    this.#readyChildren.add(child);
    this.#readyPlaces.add(child.index);
    if (!this.#stopping && this.#readyPlaces.size === this.#slots.length) {
      this.#setAllReady();
    }
  }

  #stopChild(child: Child): void {
    child.stop(this.#options.stopTimeoutMs + STOP_GRACE_MS);
  }

  #endStarting(): void {
    this.#stopping = true;
    clearInterval(this.#watch);
    for (const slot of this.#slots) clearTimeout(slot.restart);
    if (this.#children.size === 0) this.#setAllEnded();
  }

  #fill(index: number): void {
    this.#slots[index]!.child = this.#start(index);
  }

  #start(index: number): Child {
    const child = this.#context.startChild({
      index: index + 1,
      controlPort: this.#control.port,
    });
    this.#children.set(child.token, child);
    this.#logger.info(`${child.name} started`);
    child.ended.then((how) => this.#onEnd(child, how));
    return child;
  }

  #onEnd(child: Child, how: string): void {
    this.#children.delete(child.token);
    this.#readyChildren.delete(child);
    this.#stats.delete(child);
    const line = `${child.name} ended: ${how}`;
    if (this.#stopping) {
      this.#logger.info(line);
      if (this.#children.size === 0) this.#setAllEnded();
      return;
    }
    const index = child.index - 1;
    const slot = this.#slots[index]!;
    if (slot.child !== child) {
      this.#logger.info(line);
      return;
    }
    slot.child = undefined;
    slot.restarts++;
    const early = performance.now() - child.startedAt < EARLY_DEATH_MS;
    const delay = early && slot.earlyDeaths > 0
      ? Math.min(FIRST_DELAY_MS * 2 ** (slot.earlyDeaths - 1), LAST_DELAY_MS)
      : 0;
    slot.earlyDeaths = early ? slot.earlyDeaths + 1 : 0;
    this.#logger.warn(
      `${line}; starting another ${
        delay === 0 ? "at once" : `in ${delay / 1000} s`
      }`,
    );
    slot.restart = setTimeout(() => this.#fill(index), delay);
  }

  // Looks are counted, not clocks compared: a master that was itself suspended must not take its
  // children for dead.
  #look(): void {
    const { workTimeoutMs } = this.#options;
    for (const child of this.#children.values()) {
      if (child.quietLooks === undefined) continue;
      if (++child.quietLooks * BEAT_MS <= workTimeoutMs + BEAT_MS) continue;
      child.kill(
        `its event loop was blocked for more than ${
          workTimeoutMs / 1000
        } s (workTimeout)`,
      );
    }
  }
}
