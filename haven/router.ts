// Router: which handler serves which cmd.

import type { Returned } from "./answer.ts";
import { HavenError } from "./errors.ts";
import type { HookList } from "./hooks.ts";
import type { AnyRequest, AppRequest } from "./request.ts";

/** What serves a cmd. What it returns is the answer, see {@linkcode Returned}. */
export type Handler<R extends AnyRequest> = (
  request: R,
) => R extends AppRequest<infer F, object> ? Returned<F> : never;

/** How a cmd is served. */
export interface RouteOptions {
  /**
   * The name of the route, in log lines and error messages. @default the handler's name, or `cmd_N`
   */
  endpoint?: string | undefined;
  /**
   * Whether its requests are answered; the first one that is not is logged. false for commands to
   * which clients expect no answer, or one that comes later. @default {true}
   */
  answers?: boolean | undefined;
}

/** The hooks of one blueprint on one app, which only its own requests see. */
export interface BlueprintHooks<R> {
  /** Before the handler. */
  readonly beforeRequest: Pick<HookList<[request: R]>, "empty" | "functions">;
  /** After the handler. */
  readonly afterRequest: Pick<
    HookList<[request: R, error: unknown]>,
    "empty" | "run"
  >;
}

/** Where a route belongs. */
export interface RouteOrigin<R extends AnyRequest> extends RouteOptions {
  /** The name of the blueprint that the route is part of; it is put before the endpoint. */
  blueprint?: string | undefined;
  /** The blueprint's own hooks. */
  hooks?: BlueprintHooks<R> | undefined;
}

/** A cmd and what serves it. */
export interface Route<R extends AnyRequest> {
  /** The command number. */
  readonly cmd: number;
  /** The name, `blueprint.endpoint` for a blueprint's route. */
  readonly endpoint: string;
  /** The name of the blueprint that the route is part of. */
  readonly blueprint: string | undefined;
  /** The blueprint's own hooks. */
  readonly hooks: BlueprintHooks<R> | undefined;
  /** Whether its requests are answered. */
  readonly answers: boolean;
  /** What serves the cmd. */
  readonly handler: Handler<R>;
}

/** The routes of an app or blueprint. */
export class Router<R extends AnyRequest> {
  readonly #routes = new Map<number, Route<R>>();

  /** The routes in the order of registration. */
  get routes(): readonly Route<R>[] {
    return [...this.#routes.values()];
  }

  /**
   * Adds a route. The same handler may be given for its cmd again: the later endpoint and blueprint
   * hold.
   *
   * @throws {HavenError} `route` when `cmd` is no 32-bit integer or has another handler.
   */
  add(cmd: number, handler: Handler<R>, origin: RouteOrigin<R> = {}): void {
    this.check(cmd, handler, origin);
    const { blueprint, hooks, answers = true } = origin;
    const endpoint = endpointOf(cmd, handler, origin);
    const route = { cmd, endpoint, blueprint, hooks, answers, handler };
    this.#routes.set(cmd, route);
  }

  /**
   * Does nothing when the route can be added.
   *
   * @throws {HavenError} as {@linkcode Router.add} would.
   */
  check(cmd: number, handler: Handler<R>, origin: RouteOrigin<R> = {}): void {
    const endpoint = endpointOf(cmd, handler, origin);
    if (!Number.isInteger(cmd) || cmd < -(2 ** 31) || cmd >= 2 ** 32) {
      throw new HavenError(
        "route",
        `Cannot route "${endpoint}": cmd must be a 32-bit integer, got ${cmd}`,
      );
    }
    const taken = this.#routes.get(cmd);
    if (taken !== undefined && taken.handler !== handler) {
      throw new HavenError(
        "route",
        `Cannot route cmd ${cmd} to "${endpoint}": it has a handler already, "${taken.endpoint}"`,
      );
    }
  }

  /** The route of a cmd. */
  find(cmd: number): Route<R> | undefined {
    return this.#routes.get(cmd);
  }
}

/** The options of a route, of which `endpoint` may be given alone. */
export function routeOptions(
  options: string | RouteOptions | undefined,
): RouteOptions {
  return typeof options === "string" ? { endpoint: options } : options ?? {};
}

function endpointOf<R extends AnyRequest>(
  cmd: number,
  handler: Handler<R>,
  { endpoint, blueprint }: RouteOrigin<R>,
): string {
  const name = endpoint || handler.name || `cmd_${cmd}`;
  return blueprint === undefined ? name : `${blueprint}.${name}`;
}
