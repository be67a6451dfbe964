// AppCore: the inside of an app, which a kind of app works with and its users do not see.

import {
  createLogger,
  flushLog,
  type LogFormat,
  type Logger,
} from "@maple/box/internal";
import type { AppHook } from "./blueprint_parts.ts";
import { HavenError } from "./errors.ts";
import { type Hook, HookList, type HookOrder } from "./hooks.ts";
import { Pipeline } from "./pipeline.ts";
import type { AnyRequest } from "./request.ts";
import { Timers } from "./timers.ts";

/** Settings that every kind of app takes. */
export interface AppOptions {
  /** Where faults are logged. @default a logger to stderr */
  logger?: Logger;
  /**
   * Whether a second answer to a request is an error; where that is allowed, a handler may answer
   * any number of times. @default {true}
   */
  respondOnce?: boolean;
}

/** A hook that blueprints find by its name. */
interface BlueprintTarget {
  add(fn: Hook<readonly unknown[]>, from: "blueprint"): void;
}

/**
 * The inside of an app: the way of its requests, its hooks and timers, and whether it has started.
 *
 * @typeParam R The app's requests.
 */
export class AppCore<R extends AnyRequest> {
  /** The way of a request through hooks and handler. */
  readonly pipeline: Pipeline<R>;
  /** The timers. */
  readonly timers: Timers;
  /** Called when the app starts. */
  readonly startWorker: HookList<[app: unknown]>;
  /** Called when it has stopped taking requests. */
  readonly stopWorker: HookList<[app: unknown]>;
  /** Called when a client has connected. */
  readonly createClient: HookList<[request: R]>;
  /** Called when a client is gone. */
  readonly closeClient: HookList<[request: R]>;
  /** Called when one is gone that was in groups. */
  readonly leaveGroups: HookList<[request: R, names: readonly string[]]>;

  /** Which of the app's processes or threads this is, from 1; 0 = none that works. */
  workerIndex = 0;
  /** Whether it leaves. */
  leaving = false;
  readonly #ownLogger: boolean;
  readonly #hooks = new Map<string, BlueprintTarget>();
  #started = false;

  /**
   * Makes the inside of an app without routes and hooks.
   *
   * @param role What stands in the lines of the default logger: `haven`, `worker`.
   * @param options See {@linkcode AppOptions}.
   */
  constructor(role: string, options: AppOptions = {}) {
    const { logger = createLogger({ role }), respondOnce = true } = options;
    const pipeline = new Pipeline<R>(logger, respondOnce);
    this.pipeline = pipeline;
    this.#ownLogger = options.logger === undefined;
    this.timers = new Timers(pipeline);
    this.startWorker = this.hookList("startWorker");
    this.stopWorker = this.hookList("stopWorker", "blueprintsFirst");
    this.createClient = this.hookList("createClient");
    this.closeClient = this.hookList("closeClient", "blueprintsFirst");
    this.leaveGroups = this.hookList("leaveGroups", "blueprintsFirst");
    for (
      const list of [
        pipeline.beforeFirstRequest,
        pipeline.beforeRequest,
        pipeline.afterRequest,
        pipeline.beforeResponse,
        pipeline.afterResponse,
        pipeline.error,
      ]
    ) {
      this.#hooks.set(list.name, list);
    }
  }

  /** Makes the logger for the role that this process has; a logger of the user's stays. */
  makeLogger(
    role: string,
    { debug, logFormat }: { debug: boolean; logFormat: LogFormat },
  ): Logger {
    if (this.#ownLogger) {
      const level = debug ? "DEBUG" : "INFO";
      this.pipeline.logger = createLogger({ role, level, format: logFormat });
    }
    return this.pipeline.logger;
  }

  /**
   * Makes a hook that this kind of app has beside the common ones; blueprints find it by its name.
   *
   * @param name As the public method that adds to it.
   * @param order Whose functions are called first. @default {"appFirst"}
   */
  hookList<A extends readonly unknown[]>(
    name: string,
    order?: HookOrder,
  ): HookList<A> {
    const list = new HookList<A>(name, this.pipeline, order);
    this.#hooks.set(name, list);
    return list;
  }

  /**
   * Adds a function of the app to a hook.
   *
   * @throws {HavenError} `state` when the app has started.
   */
  addHook<A extends readonly unknown[]>(list: HookList<A>, fn: Hook<A>): void {
    this.checkNotStarted(list.name);
    list.add(fn);
  }

  /** Whether this kind of app has a hook of that name. */
  hasHook(name: string): boolean {
    return this.#hooks.has(name);
  }

  /** Adds a function of a blueprint to a hook that there is. */
  addBlueprintHook({ hook, fn }: AppHook): void {
    this.#hooks.get(hook)!.add(fn, "blueprint");
  }

  /**
   * Does nothing before the app has started.
   *
   * @throws {HavenError} `state` afterwards.
   */
  checkNotStarted(what: string): void {
    if (!this.#started) return;
    throw new HavenError(
      "state",
      `Cannot call ${what}: the app has started; register everything but routes before`,
    );
  }

  /**
   * Calls the startWorker hooks, then starts the timers. Requests are handled from then on.
   *
   * @throws {HavenError} `state` when the app runs already.
   */
  async start(app: unknown): Promise<void> {
    this.checkNotStarted("start");
    this.#started = true;
    await this.startWorker.run(app);
    this.timers.start();
  }

  /**
   * Ends the timers, waits for those that are being called, then calls the stopWorker hooks. No
   * effect when the app does not run.
   */
  async stop(app: unknown): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    await this.timers.stop();
    await this.stopWorker.run(app);
    await flushLog(this.pipeline.logger);
  }
}
