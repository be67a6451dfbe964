// Blueprint: routes and hooks that belong together, registered on an app as one.

import type { App } from "./app.ts";
import type {
  AppHook,
  BlueprintFor,
  BlueprintParts,
} from "./blueprint_parts.ts";
import { HavenError } from "./errors.ts";
import type { Hook } from "./hooks.ts";
import type { AnyRequest, AppRequest } from "./request.ts";
import {
  type Handler,
  type RouteOptions,
  routeOptions,
  Router,
} from "./router.ts";
import type { Routes } from "./routes.ts";
import { checkSeconds, type TimerSpec } from "./timers.ts";

/** What a connection hook gets: `request.conn`, where requests have one. */
export type ConnOf<R> = R extends { readonly conn: infer C } ? C : unknown;

/**
 * Routes and hooks that belong together: a part of an application in a module of its own. Its
 * endpoints are named `blueprint.endpoint`.
 *
 * `beforeRequest` and `afterRequest` are called for its own routes only; the hooks with `App` in
 * their name for everything that happens on the app. All must be added before the blueprint is
 * registered.
 *
 * @typeParam R The app's requests.
 *
 * @example A blueprint that lets only known users in
 * ```ts
 * import { Blueprint } from "@maple/haven";
 *
 * export const user = new Blueprint("user");
 *
 * user.beforeRequest((request) => {
 *   if (request.box.version < 2) return request.interrupt({ ret: 1 });
 * });
 * user.route(101, () => ({ ret: 0 }), "login");
 * ```
 */
export class Blueprint<R extends AnyRequest = AppRequest>
  implements Routes<R>, BlueprintFor<R> {
  /** Unique among the blueprints of an app. */
  readonly name: string;

  readonly #router = new Router<R>();
  readonly #beforeRequest: Hook<[request: R]>[] = [];
  readonly #afterRequest: Hook<[request: R, error: unknown]>[] = [];
  readonly #appHooks: AppHook[] = [];
  readonly #timers: TimerSpec[] = [];
  #sealed = false;

  /**
   * Makes an empty blueprint.
   *
   * @param name Unique among the blueprints of an app.
   * @throws {HavenError} `blueprint` when the name is empty or has a dot in it.
   */
  constructor(name: string) {
    if (name === "" || name.includes(".")) {
      throw new HavenError(
        "blueprint",
        `Cannot make a blueprint: its name must not be empty or have a dot in it, got "${name}"`,
      );
    }
    this.name = name;
  }

  /**
   * Serves a cmd; see `App.route`.
   *
   * @param options The route's name, which stands behind the blueprint's, or more.
   * @throws {HavenError} `route` when `cmd` is no 32-bit integer or has another handler in this
   * blueprint; `state` when the blueprint is registered.
   */
  route(
    cmd: number,
    handler: Handler<R>,
    options?: string | RouteOptions,
  ): this {
    this.#checkOpen("route");
    this.#router.add(cmd, handler, routeOptions(options));
    return this;
  }

  /** Calls `fn` before the handlers of this blueprint, after the app's own beforeRequest hooks. */
  beforeRequest(fn: (request: R) => unknown): this {
    this.#checkOpen("beforeRequest");
    this.#beforeRequest.push(fn);
    return this;
  }

  /** Calls `fn` after the handlers of this blueprint, before the app's own afterRequest hooks. */
  afterRequest(fn: (request: R, error: unknown) => unknown): this {
    this.#checkOpen("afterRequest");
    this.#afterRequest.push(fn);
    return this;
  }

  /** As the app's startWorker. */
  startAppWorker(fn: (app: App<R>) => unknown): this {
    return this.#add("startWorker", "startAppWorker", fn);
  }

  /** As the app's stopWorker. */
  stopAppWorker(fn: (app: App<R>) => unknown): this {
    return this.#add("stopWorker", "stopAppWorker", fn);
  }

  /** As the app's beforeFirstRequest. */
  beforeAppFirstRequest(fn: (request: R) => unknown): this {
    return this.#add("beforeFirstRequest", "beforeAppFirstRequest", fn);
  }

  /** As the app's beforeRequest: for the requests of all routes. */
  beforeAppRequest(fn: (request: R) => unknown): this {
    return this.#add("beforeRequest", "beforeAppRequest", fn);
  }

  /** As the app's afterRequest: for the requests of all routes. */
  afterAppRequest(fn: (request: R, error: unknown) => unknown): this {
    return this.#add("afterRequest", "afterAppRequest", fn);
  }

  /** As the app's beforeResponse. */
  beforeAppResponse(fn: (request: R, response: R["box"]) => unknown): this {
    return this.#add("beforeResponse", "beforeAppResponse", fn);
  }

  /** As the app's afterResponse. */
  afterAppResponse(
    fn: (request: R, response: R["box"], sent: boolean) => unknown,
  ): this {
    return this.#add("afterResponse", "afterAppResponse", fn);
  }

  /** As the app's error: for all that is thrown in the app. */
  appError(fn: (request: R | undefined, error: unknown) => unknown): this {
    return this.#add("error", "appError", fn);
  }

  /** As createConn of a haven server: a client has connected. */
  createAppConn(fn: (conn: ConnOf<R>) => unknown): this {
    return this.#add("createConn", "createAppConn", fn);
  }

  /** As openConn of a worker: it has attached to a gateway. */
  openAppConn(fn: (conn: ConnOf<R>) => unknown): this {
    return this.#add("openConn", "openAppConn", fn);
  }

  /** As closeConn: of a haven server when a client is gone, of a worker when a gateway is. */
  closeAppConn(fn: (conn: ConnOf<R>) => unknown): this {
    return this.#add("closeConn", "closeAppConn", fn);
  }

  /** As the app's createClient: a client has connected. */
  createAppClient(fn: (request: R) => unknown): this {
    return this.#add("createClient", "createAppClient", fn);
  }

  /** As the app's closeClient: a client is gone. */
  closeAppClient(fn: (request: R) => unknown): this {
    return this.#add("closeClient", "closeAppClient", fn);
  }

  /** As the app's leaveGroups: a client is gone that was in groups. */
  leaveAppGroups(
    fn: (request: R, names: readonly string[]) => unknown,
  ): this {
    return this.#add("leaveGroups", "leaveAppGroups", fn);
  }

  /**
   * As the app's repeatTimer.
   *
   * @param seconds The time from one call to the next.
   * @param fn What is called.
   * @throws {HavenError} `option` when `seconds` is not 0.001 to 2147483.647.
   */
  repeatAppTimer(seconds: number, fn: () => unknown): this;
  /** The same with two pairs of parentheses, as decorators of old had them. */
  repeatAppTimer(seconds: number): (fn: () => unknown) => this;
  repeatAppTimer(
    seconds: number,
    fn?: () => unknown,
  ): this | ((fn: () => unknown) => this) {
    checkSeconds(seconds);
    const add = (fn: () => unknown) => {
      this.#checkOpen("repeatAppTimer");
      this.#timers.push({ seconds, fn });
      return this;
    };
    return fn ? add(fn) : add;
  }

  /**
   * Closes the blueprint for additions and gives what it holds; `registerBlueprint` calls it.
   *
   * @ignore
   */
  seal(): BlueprintParts<R> {
    this.#sealed = true;
    return {
      routes: this.#router.routes,
      beforeRequest: this.#beforeRequest,
      afterRequest: this.#afterRequest,
      appHooks: this.#appHooks,
      timers: this.#timers,
    };
  }

  #add(hook: string, method: string, fn: Hook<never>): this {
    this.#checkOpen(method);
    // The public methods have seen to it that `fn` takes what the hook of that name gives.
    const untyped = fn as Hook<readonly unknown[]>;
    this.#appHooks.push({ hook, method, fn: untyped });
    return this;
  }

  #checkOpen(method: string): void {
    if (!this.#sealed) return;
    throw new HavenError(
      "state",
      `Cannot call ${method} of blueprint "${this.name}": it is registered; add everything before registerBlueprint`,
    );
  }
}
