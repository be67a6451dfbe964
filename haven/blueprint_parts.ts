// What a blueprint holds, as the app sees it.

import type { Hook } from "./hooks.ts";
import type { AnyRequest } from "./request.ts";
import type { Route } from "./router.ts";
import type { TimerSpec } from "./timers.ts";

/** A function for a hook of the app. */
export interface AppHook {
  /** The app's name for the hook. */
  readonly hook: string;
  /** The blueprint's name for it. */
  readonly method: string;
  /** What is called. */
  readonly fn: Hook<readonly unknown[]>;
}

/** What a blueprint holds; for the app that it is registered on. */
export interface BlueprintParts<R extends AnyRequest> {
  /** The routes, their endpoints without the blueprint's name. */
  readonly routes: readonly Route<R>[];
  /** Called before the handlers of these routes. */
  readonly beforeRequest: readonly Hook<[request: R]>[];
  /** Called after them. */
  readonly afterRequest: readonly Hook<[request: R, error: unknown]>[];
  /** Called for all that the app does. */
  readonly appHooks: readonly AppHook[];
  /** Called while the app runs. */
  readonly timers: readonly TimerSpec[];
}

/**
 * A blueprint that an app with the requests `R` can register: one that was made for them or for
 * their common form.
 */
export interface BlueprintFor<R extends AnyRequest> {
  /** Unique among the blueprints of an app. */
  readonly name: string;
  /**
   * Closes it for additions and gives what it holds.
   *
   * @ignore
   */
  seal(): BlueprintParts<R>;
}
