// Pipeline: the way of a request through hooks and handler. All of an app that a request meets is
// here.

import { RET } from "@maple/box";
import { describeError, type Logger } from "@maple/box/internal";
import { type Hook, HookList, type LogSource } from "./hooks.ts";
import { isPending } from "./outcome.ts";
import {
  type AppRequest,
  faultAnswer,
  pendingReplies,
  type RequestHost,
  setRoute,
} from "./request.ts";
import { type Route, Router } from "./router.ts";

/** The way of a request through hooks and handler, the same one on every kind of server. */
export class Pipeline<R extends AppRequest<object>>
  implements RequestHost, LogSource {
  /** Where faults are logged. */
  logger: Logger;
  /** Whether a second answer to a request is an error. */
  readonly respondOnce: boolean;
  /** Called with each request whose handler, or a hook before it, threw. */
  onThrow: ((request: R) => void) | undefined;
  /** The routes. */
  readonly router: Router<R> = new Router();
  /** Called once, before all else that the first request meets. */
  readonly beforeFirstRequest: HookList<[request: R]>;
  /** Called before the handler. */
  readonly beforeRequest: HookList<[request: R]>;
  /** Called after the handler. */
  readonly afterRequest: HookList<[request: R, error: unknown]>;
  /** Called before an answer is sent. */
  readonly beforeResponse: HookList<[request: R, response: R["box"]]>;
  /** Called after an answer was sent. */
  readonly afterResponse: HookList<
    [request: R, response: R["box"], sent: boolean]
  >;

  #firstSeen = false;
  #firstRunning: Promise<void> | undefined;

  /**
   * Makes a pipeline without routes and hooks.
   *
   * @param logger Where faults are logged.
   * @param respondOnce Whether a second answer to a request is an error.
   */
  constructor(logger: Logger, respondOnce: boolean) {
    this.logger = logger;
    this.respondOnce = respondOnce;
    this.beforeFirstRequest = new HookList("beforeFirstRequest", this);
    this.beforeRequest = new HookList("beforeRequest", this);
    this.afterRequest = new HookList("afterRequest", this, "blueprintsFirst");
    this.beforeResponse = new HookList("beforeResponse", this);
    this.afterResponse = new HookList("afterResponse", this, "blueprintsFirst");
  }

  /**
   * Handles a request: finds its route, calls hooks and handler, answers faults. It neither throws
   * nor rejects.
   *
   * @returns A promise when something has to be awaited: it resolves when the request is finished.
   * Else `undefined`: it is.
   */
  handle(request: R): Promise<void> | undefined {
    const route = this.router.find(request.cmd);
    setRoute(request, route);
    if (route === undefined) {
      this.logger.warn(`No route for ${request}`, { conn: request.connId });
      this.#answerFault(request, RET.INVALID_CMD);
    } else if (
      !this.#firstSeen || this.#firstRunning !== undefined ||
      this.#hooked(route)
    ) {
      return this.#handleHooked(request, route);
    } else {
      try {
        const outcome = route.handler(request);
        if (isPending(outcome)) return this.#finish(request, outcome);
      } catch (error) {
        this.#handlerThrew(request, error);
      }
    }
    return pendingReplies(request);
  }

  #hooked({ hooks }: Route<R>): boolean {
    return !this.beforeRequest.empty || !this.afterRequest.empty ||
      (hooks !== undefined &&
        !(hooks.beforeRequest.empty && hooks.afterRequest.empty));
  }

  async #finish(request: R, outcome: PromiseLike<unknown>): Promise<void> {
    try {
      await outcome;
    } catch (error) {
      this.#handlerThrew(request, error);
    }
    await pendingReplies(request);
  }

  async #handleHooked(request: R, route: Route<R>): Promise<void> {
    const { hooks } = route;
    await this.#first(request);
    let error: unknown;
    try {
      await runUntilInterrupted(this.beforeRequest.functions, request);
      if (hooks !== undefined) {
        await runUntilInterrupted(hooks.beforeRequest.functions, request);
      }
      if (!request.interrupted) await route.handler(request);
    } catch (thrown) {
      error = thrown ?? new Error(`${thrown} was thrown`);
      this.#handlerThrew(request, error);
    }
    await pendingReplies(request);
    await hooks?.afterRequest.run(request, error);
    await this.afterRequest.run(request, error);
    await pendingReplies(request);
  }

  #first(request: R): Promise<void> | undefined {
    if (!this.#firstSeen) {
      this.#firstSeen = true;
      this.#firstRunning = this.beforeFirstRequest.run(request)
        ?.then(() => this.#firstRunning = undefined);
    }
    return this.#firstRunning;
  }

  #handlerThrew(request: R, error: unknown): void {
    this.logger.error(
      `The handler of ${request} threw: ${describeError(error)}`,
      { conn: request.connId },
    );
    this.onThrow?.(request);
    this.#answerFault(request, RET.INTERNAL);
  }

  #answerFault(request: R, ret: number): void {
    const answer = faultAnswer(request.box, ret);
    if (answer === undefined || request.responded) return;
    try {
      request.reply(answer);
    } catch (error) {
      this.logger.error(
        `Cannot answer ${request}: ${describeError(error)}`,
        { conn: request.connId },
      );
    }
  }
}

async function runUntilInterrupted<R extends AppRequest<object>>(
  functions: readonly Hook<[request: R]>[],
  request: R,
): Promise<void> {
  for (const fn of functions) {
    if (request.interrupted) return;
    await fn(request);
  }
}
