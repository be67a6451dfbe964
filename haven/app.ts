// App: what a haven server and a worker have in common: routes, hooks, blueprints and timers.

import type {
  AskOptions,
  Int64,
  ReceiptOptions,
  UsersOptions,
  WriteReceipt,
} from "@maple/box";
import {
  askGroupMembers,
  askGroupSize,
  askOnline,
  askUsers,
  type Logger,
} from "@maple/box/internal";
import type { AnyApp } from "./any_app.ts";
import type { AppCore } from "./app_core.ts";
import type { BlueprintFor, BlueprintParts } from "./blueprint_parts.ts";
import { HavenError } from "./errors.ts";
import { type Hook, HookList } from "./hooks.ts";
import type { AnyRequest } from "./request.ts";
import { type Handler, type RouteOptions, routeOptions } from "./router.ts";
import type { Done } from "./served_users.ts";
import { checkSeconds } from "./timers.ts";

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
export abstract class App<R extends AnyRequest> implements AnyApp<R> {
  readonly #core: AppCore<R>;
  readonly #blueprints = new Set<string>();

  /**
   * Makes an app; the kinds of app do that.
   *
   * @param core The inside of the app, which its class works with as well.
   * @ignore
   */
  constructor(core: AppCore<R>) {
    this.#core = core;
  }

  /** Where the app logs to. */
  get logger(): Logger {
    return this.#core.pipeline.logger;
  }

  /**
   * Which of the app's processes or threads this is, 1 to `workers`; 1 as well where there are none
   * beside this one. Known when the app runs, so in hooks, handlers and timers; 0 before that, and
   * in the master.
   */
  get workerIndex(): number {
    return this.#core.workerIndex;
  }

  /**
   * Whether this is the first of the app's processes or threads, and does not leave: for what one
   * of them should do for all. While a worker is reloaded the new first one begins before the old
   * one leaves, so for that time there are two.
   *
   * @example
   * ```ts ignore
   * app.repeatTimer(60, () => app.isFirst && removeIdleTables());
   * ```
   */
  get isFirst(): boolean {
    return this.#core.workerIndex === 1 && !this.#core.leaving;
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
   * @param handler Called with each request. What it returns is the answer; a `Reply` that it
   * throws as well; what else it throws is logged and answered with `RET.INTERNAL`.
   * @param options The route's name in logs, or more.
   * @throws {HavenError} `route` when `cmd` is no 32-bit integer or has another handler.
   */
  route(
    cmd: number,
    handler: Handler<R>,
    options?: string | RouteOptions,
  ): this {
    this.#core.pipeline.router.add(cmd, handler, routeOptions(options));
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
    const core = this.#core;
    core.checkNotStarted("registerBlueprint");
    const { pipeline } = core;
    const { name } = blueprint;
    const parts = blueprint.seal();
    this.#checkBlueprint(name, parts);
    const beforeRequest = new HookList<[request: R]>(
      `${name}.beforeRequest`,
      pipeline,
    );
    const afterRequest = new HookList<[request: R, error: unknown]>(
      `${name}.afterRequest`,
      pipeline,
    );
    for (const fn of parts.beforeRequest) beforeRequest.add(fn);
    for (const fn of parts.afterRequest) afterRequest.add(fn);
    const hooks = { beforeRequest, afterRequest };
    for (const { cmd, handler, endpoint, answers } of parts.routes) {
      const origin = { blueprint: name, hooks, endpoint, answers };
      pipeline.router.add(cmd, handler, origin);
    }
    for (const appHook of parts.appHooks) core.addBlueprintHook(appHook);
    for (const timer of parts.timers) core.timers.add(timer);
    this.#blueprints.add(name);
    return this;
  }

  /** Calls `fn` when the app starts, before it takes requests. */
  startWorker(fn: (app: this) => unknown): this {
    return this.#add(this.#core.startWorker, fn as Hook<[app: unknown]>);
  }

  /** Calls `fn` when the app has stopped taking requests. */
  stopWorker(fn: (app: this) => unknown): this {
    return this.#add(this.#core.stopWorker, fn as Hook<[app: unknown]>);
  }

  /**
   * Calls `fn` when a client has connected; its requests wait until then. The hook's request has no
   * box worth looking at.
   */
  createClient(fn: (request: R) => unknown): this {
    return this.#add(this.#core.createClient, fn);
  }

  /**
   * Calls `fn` when a client is gone and its last request is finished; `request.uid` and
   * `request.userdata` are as they were.
   */
  closeClient(fn: (request: R) => unknown): this {
    return this.#add(this.#core.closeClient, fn);
  }

  /**
   * Calls `fn` when a client is gone that was in groups, before the closeClient hooks: with the
   * names of these groups, in the order in which it joined them. A worker is told them by gateways
   * of ours.
   */
  leaveGroups(fn: (request: R, names: readonly string[]) => unknown): this {
    return this.#add(this.#core.leaveGroups, fn);
  }

  /**
   * Sends messages to users, from anywhere: a timer for instance; and tells what became of it. See
   * `UsersRow`.
   *
   * @throws {Error} by the promise, when nobody is there to do it: a haven process or thread that
   * does not serve, a worker without gateways; or when the receipt does not come: it may have been
   * done.
   */
  writeToUsers(
    rows: Parameters<R["writeToUsers"]>[0],
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  /** The same without a receipt; false when it does not reach all who serve users. */
  writeToUsers(rows: Parameters<R["writeToUsers"]>[0]): boolean;
  writeToUsers(
    rows: Parameters<R["writeToUsers"]>[0],
    options?: ReceiptOptions,
  ): Done {
    return this.#core.pipeline.users.write(rows, options);
  }

  /**
   * Closes the connections of users, from anywhere, and tells how many were closed.
   *
   * @throws {Error} as `writeToUsers`.
   */
  closeUsers(
    uids: readonly Int64[],
    userdata: Int64 | undefined,
    exclude: readonly Int64[] | undefined,
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  /** The same without a receipt. */
  closeUsers(
    uids: readonly Int64[],
    userdata?: Int64,
    exclude?: readonly Int64[],
  ): boolean;
  closeUsers(
    uids: readonly Int64[],
    userdata: Int64 = 0,
    exclude: readonly Int64[] = [],
    options?: ReceiptOptions,
  ): Done {
    const selection = { uids, userdata, exclude };
    return this.#core.pipeline.users.close(selection, options);
  }

  /** Sends messages to the members of groups, from anywhere; see `GroupsRow`. */
  writeToGroups(rows: Parameters<R["writeToGroups"]>[0]): boolean;
  /** The same, and what became of it; see `writeToUsers`. */
  writeToGroups(
    rows: Parameters<R["writeToGroups"]>[0],
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  writeToGroups(
    rows: Parameters<R["writeToGroups"]>[0],
    options?: ReceiptOptions,
  ): Done {
    return this.#core.pipeline.users.writeToGroups(rows, options);
  }

  /**
   * Makes the connections of users join a group, from anywhere.
   *
   * @param name 1 to 128 bytes of UTF-8.
   * @param uids As in `UsersRow`: positive, or -1, -2, -3.
   * @throws {BoxError} `value` when the name is none, or a uid no 64-bit integer.
   */
  joinGroup(name: string, uids: readonly Int64[]): boolean {
    return this.#core.pipeline.users.joinGroup(name, uids);
  }

  /** Makes the connections of users leave a group, from anywhere; see `joinGroup`. */
  leaveGroup(name: string, uids: readonly Int64[]): boolean {
    return this.#core.pipeline.users.leaveGroup(name, uids);
  }

  /** Closes the connections of the members of a group, from anywhere. */
  closeGroup(name: string): boolean;
  /** The same, and how many were closed; see `closeUsers`. */
  closeGroup(name: string, options: ReceiptOptions): Promise<WriteReceipt>;
  closeGroup(name: string, options?: ReceiptOptions): Done {
    return this.#core.pipeline.users.closeGroup(name, options);
  }

  /**
   * Which of the users are logged in, in the order given, wherever they are connected.
   *
   * @throws {Error} by the promise, when the answer has not come within 2 s.
   */
  online(uids: readonly Int64[], options: AskOptions = {}): Promise<Int64[]> {
    return askOnline(this.#core.pipeline.users, uids, options);
  }

  /**
   * Users that are logged in, in the order of their uids: the first 1,000, or as many as `limit`
   * says; those that follow with the last uid as `after`, until there are none.
   *
   * @throws {Error} as `online`.
   */
  users(options: UsersOptions = {}): Promise<Int64[]> {
    return askUsers(this.#core.pipeline.users, options);
  }

  /**
   * How many connections are in a group, wherever they are.
   *
   * @throws {Error} as `online`.
   */
  groupSize(name: string, options: AskOptions = {}): Promise<number> {
    return askGroupSize(this.#core.pipeline.users, name, options);
  }

  /**
   * All users who are logged in on connections of a group, in the order of their uids. Connections
   * without a user are in none of this.
   *
   * @throws {Error} as `online`.
   */
  groupMembers(name: string, options: AskOptions = {}): Promise<Int64[]> {
    return askGroupMembers(this.#core.pipeline.users, name, options);
  }

  /**
   * Calls `fn` with the first request that has a route, once in the life of the app; requests that
   * come meanwhile wait.
   */
  beforeFirstRequest(fn: (request: R) => unknown): this {
    return this.#add(this.#core.pipeline.beforeFirstRequest, fn);
  }

  /**
   * Calls `fn` before the handler of every request that has a route. It may `request.interrupt()`:
   * the handler is not run. What it throws counts as thrown by the handler: answered, logged, given
   * to the hooks error and afterRequest.
   */
  beforeRequest(fn: (request: R) => unknown): this {
    return this.#add(this.#core.pipeline.beforeRequest, fn);
  }

  /**
   * Calls `fn` after the handler, also when that was not run or threw; `error` is what was thrown,
   * or `undefined`.
   */
  afterRequest(fn: (request: R, error: unknown) => unknown): this {
    return this.#add(this.#core.pipeline.afterRequest, fn);
  }

  /** Calls `fn` before an answer is sent; it may change the box. */
  beforeResponse(fn: (request: R, response: R["box"]) => unknown): this {
    return this.#add(this.#core.pipeline.beforeResponse, fn);
  }

  /** Calls `fn` after an answer was sent; `sent` is false when the connection was gone. */
  afterResponse(
    fn: (request: R, response: R["box"], sent: boolean) => unknown,
  ): this {
    return this.#add(this.#core.pipeline.afterResponse, fn);
  }

  /**
   * Calls `fn` with all that is thrown in the app and not caught: by handlers, hooks and timers;
   * `request` is `undefined` where there is none. It is called before the request is answered with
   * the fault, so it may answer in its own way, or throw a `Reply`. A thrown `Reply` is seen too.
   */
  error(fn: (request: R | undefined, error: unknown) => unknown): this {
    return this.#add(this.#core.pipeline.error, fn);
  }

  /**
   * Calls a function again and again while the app runs, for the first time `seconds` after the
   * start. While a call is still going on (its promise is not resolved), the next is left out. What
   * it throws is logged. It must not await the app's end: that waits for it.
   *
   * Each process and thread of an app has timers of its own.
   *
   * @param seconds The time from one call to the next.
   * @param fn What is called.
   * @throws {HavenError} `option` when `seconds` is not 0.001 to 2147483.647; `state` when the app
   * has started.
   *
   * @example
   * ```ts ignore
   * app.repeatTimer(60, () => removeIdleTables());
   * ```
   */
  repeatTimer(seconds: number, fn: () => unknown): this;
  /** The same with two pairs of parentheses, as decorators of old had them. */
  repeatTimer(seconds: number): (fn: () => unknown) => this;
  repeatTimer(
    seconds: number,
    fn?: () => unknown,
  ): this | ((fn: () => unknown) => this) {
    checkSeconds(seconds);
    const add = (fn: () => unknown) => {
      this.#core.checkNotStarted("repeatTimer");
      this.#core.timers.add({ seconds, fn });
      return this;
    };
    return fn ? add(fn) : add;
  }

  #add<A extends readonly unknown[]>(list: HookList<A>, fn: Hook<A>): this {
    this.#core.addHook(list, fn);
    return this;
  }

  #checkBlueprint(name: string, parts: BlueprintParts<R>): void {
    if (this.#blueprints.has(name)) {
      throw new HavenError(
        "blueprint",
        `Cannot register blueprint "${name}": the app has one of that name`,
      );
    }
    for (const { hook, method } of parts.appHooks) {
      if (this.#core.hasHook(hook)) continue;
      throw new HavenError(
        "hook",
        `Cannot register blueprint "${name}": it uses ${method}, and a ${this.constructor.name} has no hook ${hook}`,
      );
    }
    const { router } = this.#core.pipeline;
    for (const { cmd, handler, endpoint } of parts.routes) {
      router.check(cmd, handler, { endpoint, blueprint: name });
    }
  }
}
