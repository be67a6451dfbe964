// App: what a haven server and a worker have in common: routes, hooks, blueprints and timers.

import { createLogger, flushLog, type Logger } from "@maple/box/internal";
import type { BlueprintFor, BlueprintParts } from "./blueprint_parts.ts";
import { HavenError } from "./errors.ts";
import { type Hook, HookList, type HookOrder } from "./hooks.ts";
import { Pipeline } from "./pipeline.ts";
import type { AppRequest } from "./request.ts";
import type { Handler } from "./router.ts";
import type { Routes } from "./routes.ts";
import { checkSeconds, Timers } from "./timers.ts";

/** Settings that every kind of app takes. */
export interface AppOptions {
  /** Where faults are logged. @default a logger to stderr */
  logger?: Logger;
  /** Whether a second answer to a request is an error. @default {true} */
  respondOnce?: boolean;
}

/** A hook that blueprints find by its name. */
interface BlueprintTarget {
  add(fn: Hook<readonly unknown[]>, from: "blueprint"): void;
}

/**
 * Routes, hooks, blueprints and timers, and the way of a request through them. A haven server and a
 * worker are made of it; what they add is where requests come from.
 *
 * Hooks, timers and blueprints are registered before the app starts; routes at any time. A hook may
 * be async: what comes after it waits. A hook that throws is logged, and all goes on as if it had
 * not; except beforeRequest hooks, see there.
 *
 * @typeParam R The app's requests.
 */
export abstract class App<R extends AppRequest<object>> implements Routes<R> {
  /**
   * The way of a request through hooks and handler; servers give it to the requests that they make.
   */
  protected readonly pipeline: Pipeline<R>;

  readonly #hooks = new Map<string, BlueprintTarget>();
  readonly #blueprints = new Set<string>();
  readonly #timers: Timers;
  readonly #startWorker: HookList<[app: this]>;
  readonly #stopWorker: HookList<[app: this]>;
  #started = false;

  /**
   * Makes an app without routes.
   *
   * @param role What stands in the lines of the default logger: `haven`, `worker`.
   * @param options See {@linkcode AppOptions}.
   */
  constructor(role: string, options: AppOptions = {}) {
    const { logger = createLogger({ role }), respondOnce = true } = options;
    const pipeline = new Pipeline<R>(logger, respondOnce);
    this.pipeline = pipeline;
    this.#timers = new Timers(pipeline);
    this.#startWorker = this.hookList("startWorker");
    this.#stopWorker = this.hookList("stopWorker", "blueprintsFirst");
    for (
      const list of [
        pipeline.beforeFirstRequest,
        pipeline.beforeRequest,
        pipeline.afterRequest,
        pipeline.beforeResponse,
        pipeline.afterResponse,
      ]
    ) {
      this.#hooks.set(list.name, list);
    }
  }

  /** Where the app logs to. */
  get logger(): Logger {
    return this.pipeline.logger;
  }

  /** Sets where the app logs to, when that is known only as it runs. */
  protected set logger(logger: Logger) {
    this.pipeline.logger = logger;
  }

  /** The names of the blueprints, in the order of registration. */
  get blueprints(): readonly string[] {
    return [...this.#blueprints];
  }

  /**
   * Serves a cmd. Routes may be added while the app runs.
   *
   * A box class without `cmd` field, as `LineBox`, has cmd 0: `route(0, handler)` serves all its
   * boxes.
   *
   * @param cmd A 32-bit integer.
   * @param handler Called with each request; what it throws is logged and answered with
   * `RET.INTERNAL`.
   * @param endpoint The route's name in logs. @default the handler's name, or `cmd_N`
   * @throws {HavenError} `route` when `cmd` is no 32-bit integer or has another handler.
   */
  route(cmd: number, handler: Handler<R>, endpoint?: string): this {
    this.pipeline.router.add(cmd, handler, { endpoint });
    return this;
  }

  /**
   * Registers a blueprint: its routes, hooks and timers become the app's. Nothing can be added to
   * it afterwards.
   *
   * @throws {HavenError} `blueprint` when the app has one of that name; `hook` when the blueprint
   * uses a hook that this kind of app does not have; `route` when a cmd has another handler;
   * `state` when the app has started. Then nothing of it is registered.
   */
  registerBlueprint(blueprint: BlueprintFor<R>): this {
    this.#beforeStart("registerBlueprint");
    const { name } = blueprint;
    const parts = blueprint.seal();
    this.#checkBlueprint(name, parts);
    const beforeRequest = new HookList<[request: R]>(
      `${name}.beforeRequest`,
      this,
    );
    const afterRequest = new HookList<[request: R, error: unknown]>(
      `${name}.afterRequest`,
      this,
    );
    for (const fn of parts.beforeRequest) beforeRequest.add(fn);
    for (const fn of parts.afterRequest) afterRequest.add(fn);
    const origin = { blueprint: name, hooks: { beforeRequest, afterRequest } };
    for (const { cmd, handler, endpoint } of parts.routes) {
      this.pipeline.router.add(cmd, handler, { ...origin, endpoint });
    }
    for (const { hook, fn } of parts.appHooks) {
      this.#hooks.get(hook)!.add(fn, "blueprint");
    }
    for (const timer of parts.timers) this.#timers.add(timer);
    this.#blueprints.add(name);
    return this;
  }

  /** Calls `fn` when the app starts, before it takes requests. */
  startWorker(fn: (app: this) => unknown): this {
    return this.addHook(this.#startWorker, fn);
  }

  /** Calls `fn` when the app has stopped taking requests. */
  stopWorker(fn: (app: this) => unknown): this {
    return this.addHook(this.#stopWorker, fn);
  }

  /**
   * Calls `fn` with the first request that has a route, once in the life of the app; requests that
   * come meanwhile wait.
   */
  beforeFirstRequest(fn: (request: R) => unknown): this {
    return this.addHook(this.pipeline.beforeFirstRequest, fn);
  }

  /**
   * Calls `fn` before the handler of every request that has a route. It may `request.interrupt()`:
   * the handler is not run. What it throws counts as thrown by the handler: logged, answered with
   * `RET.INTERNAL`, given to the afterRequest hooks.
   */
  beforeRequest(fn: (request: R) => unknown): this {
    return this.addHook(this.pipeline.beforeRequest, fn);
  }

  /**
   * Calls `fn` after the handler, also when that was not run or threw; `error` is what was thrown,
   * or `undefined`.
   */
  afterRequest(fn: (request: R, error: unknown) => unknown): this {
    return this.addHook(this.pipeline.afterRequest, fn);
  }

  /** Calls `fn` before an answer is sent; it may change the box. */
  beforeResponse(fn: (request: R, response: R["box"]) => unknown): this {
    return this.addHook(this.pipeline.beforeResponse, fn);
  }

  /** Calls `fn` after an answer was sent; `sent` is false when the connection was gone. */
  afterResponse(
    fn: (request: R, response: R["box"], sent: boolean) => unknown,
  ): this {
    return this.addHook(this.pipeline.afterResponse, fn);
  }

  /**
   * Calls a function again and again while the app runs, for the first time `seconds` after the
   * start. While a call is still going on (its promise is not resolved), the next is left out. What
   * it throws is logged. It must not await the app's end: that waits for it.
   *
   * @param seconds The time from one call to the next.
   * @returns A function that takes what is to be called.
   * @throws {HavenError} `option` when `seconds` is not 0.001 to 2147483.647; `state` when the app
   * has started.
   *
   * @example
   * ```ts ignore
   * app.repeatTimer(60)(() => removeIdleTables());
   * ```
   */
  repeatTimer(seconds: number): (fn: () => unknown) => this {
    checkSeconds(seconds);
    return (fn) => {
      this.#beforeStart("repeatTimer");
      this.#timers.add({ seconds, fn });
      return this;
    };
  }

  /**
   * Makes a hook that this kind of app has beside the common ones; blueprints find it by its name.
   *
   * @param name As the public method that adds to it.
   * @param order Whose functions are called first. @default {"appFirst"}
   */
  protected hookList<A extends readonly unknown[]>(
    name: string,
    order?: HookOrder,
  ): HookList<A> {
    const list = new HookList<A>(name, this.pipeline, order);
    this.#hooks.set(name, list);
    return list;
  }

  /**
   * Adds a function to a hook.
   *
   * @throws {HavenError} `state` when the app has started.
   */
  protected addHook<A extends readonly unknown[]>(
    list: HookList<A>,
    fn: Hook<A>,
  ): this {
    this.#beforeStart(list.name);
    list.add(fn);
    return this;
  }

  /**
   * Calls the startWorker hooks, then starts the timers. Requests are handled from then on.
   *
   * @throws {HavenError} `state` when the app runs already.
   */
  protected async start(): Promise<void> {
    this.#beforeStart("start");
    this.#started = true;
    await this.#startWorker.run(this);
    this.#timers.start();
  }

  /**
   * Ends the timers, waits for those that are being called, then calls the stopWorker hooks. No
   * effect when the app does not run.
   */
  protected async stop(): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    await this.#timers.stop();
    await this.#stopWorker.run(this);
    await flushLog(this.logger);
  }

  /**
   * Handles a request: calls hooks and handler, answers faults. It neither throws nor rejects.
   *
   * @returns A promise when something has to be awaited: it resolves when the request is finished.
   * Else `undefined`: it is.
   */
  protected handle(request: R): Promise<void> | undefined {
    return this.pipeline.handle(request);
  }

  #checkBlueprint(name: string, parts: BlueprintParts<R>): void {
    if (this.#blueprints.has(name)) {
      throw new HavenError(
        "blueprint",
        `Cannot register blueprint "${name}": the app has one of that name`,
      );
    }
    for (const { hook, method } of parts.appHooks) {
      if (this.#hooks.has(hook)) continue;
      throw new HavenError(
        "hook",
        `Cannot register blueprint "${name}": it uses ${method}, and a ${this.constructor.name} has no hook ${hook}`,
      );
    }
    for (const { cmd, handler, endpoint } of parts.routes) {
      this.pipeline.router.check(cmd, handler, { endpoint, blueprint: name });
    }
  }

  #beforeStart(what: string): void {
    if (!this.#started) return;
    throw new HavenError(
      "state",
      `Cannot call ${what}: the app has started; register everything but routes before`,
    );
  }
}
