// Routes: what an app and a blueprint have in common, for modules that register handlers on either.

import type { AnyRequest, AppRequest } from "./request.ts";
import type { Handler, RouteOptions } from "./router.ts";

/**
 * The least common form of a server, a worker and a blueprint: a function that takes it registers
 * the same handlers on any of them.
 *
 * @example Handlers for any kind of app
 * ```ts
 * import type { AppRequest, Routes } from "@maple/haven";
 *
 * export function register(app: Routes): void {
 *   app.route(1, echo);
 * }
 *
 * function echo(request: AppRequest) {
 *   return { body: request.box.body };
 * }
 * ```
 */
export interface Routes<R extends AnyRequest = AppRequest> {
  /** Serves a cmd; see `App.route`. */
  route(
    cmd: number,
    handler: Handler<R>,
    options?: string | RouteOptions,
  ): this;
  /** Calls `fn` before the handler; on a blueprint for its own routes only. */
  beforeRequest(fn: (request: R) => unknown): this;
  /**
   * Calls `fn` after the handler, with what was thrown or `undefined`; on a blueprint for its own
   * routes only.
   */
  afterRequest(fn: (request: R, error: unknown) => unknown): this;
}
