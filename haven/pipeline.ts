// Pipeline: the way of a request through hooks and handler. All of an app that a request meets is
// here.

import { BoxError, RET } from "@maple/box";
import {
  describeError,
  type LogFields,
  type Logger,
} from "@maple/box/internal";
import { answerWith } from "./answer_with.ts";
import { Connection } from "./connection.ts";
import {
  type Hook,
  HookList,
  type LogSource,
  type ThrowHandler,
} from "./hooks.ts";
import { isPending } from "./outcome.ts";
import { Reply } from "./reply.ts";
import { faultAnswer } from "./fault_answer.ts";
import {
  type AnyRequest,
  AppRequest,
  pendingReplies,
  type RequestHost,
  setRoute,
} from "./request.ts";
import { type Route, Router } from "./router.ts";
import { nobody, type ServedUsers } from "./served_users.ts";

/** The way of a request through hooks and handler, the same one on every kind of server. */
export class Pipeline<R extends AnyRequest>
  implements RequestHost, LogSource, ThrowHandler {
  /** Where faults are logged. */
  logger: Logger;
  /** Whether a second answer to a request is an error. */
  readonly respondOnce: boolean;
  /** The users that the app can reach; the kind of app sets it. */
  users: ServedUsers<object> = nobody(() =>
    new Error("Nobody here knows of users")
  );
  /** Called with each request whose handler, or a hook before it, has a fault. */
  onFault: ((request: R) => void) | undefined;
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
  /** Called with all that handlers, hooks and timers throw. */
  readonly error: HookList<[request: R | undefined, error: unknown]>;

  readonly #silent = new Set<string>();
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
    // What these throw must not come back to them.
    this.error = new HookList("error", {
      onThrow: (what, error, request) => this.#conclude(what, error, request),
    });
  }

  /**
   * Handles a request: calls hooks and handler, answers faults. It neither throws nor rejects.
   *
   * @param route What the router has for the request's cmd.
   * @returns A promise when something has to be awaited: it resolves when the request is finished.
   * Else `undefined`: it is.
   */
  handle(request: R, route: Route<R> | undefined): Promise<void> | undefined {
    setRoute(request, route);
    if (route === undefined) {
      this.logger.warn(`No route for ${request}`, { conn: request.connId });
      this.#answerFault(request, RET.INVALID_CMD);
      return pendingReplies(request);
    }
    if (
      !this.#firstSeen || this.#firstRunning !== undefined ||
      this.#hooked(route)
    ) {
      return this.#handleHooked(request, route);
    }
    try {
      const outcome = route.handler(request);
      if (isPending(outcome)) return this.#finish(request, route, outcome);
      answerWith(request, outcome);
    } catch (error) {
      const waiting = this.#handlerThrew(request, error);
      if (waiting) return waiting.then(() => pendingReplies(request));
      return pendingReplies(request);
    }
    if (!request.responded) this.#missAnswer(request, route);
    return pendingReplies(request);
  }

  /**
   * Deals with what a hook or timer has thrown: the error hooks see it, a thrown answer is given,
   * everything else is logged.
   */
  onThrow(
    what: string,
    error: unknown,
    about: unknown,
  ): Promise<void> | undefined {
    if (this.error.empty) return this.#conclude(what, error, about);
    const request = about instanceof AppRequest ? about as R : undefined;
    const waiting = this.error.run(request, error);
    if (!waiting) return this.#conclude(what, error, about);
    return waiting.then(() => this.#conclude(what, error, about));
  }

  #hooked({ hooks }: Route<R>): boolean {
    return !this.beforeRequest.empty || !this.afterRequest.empty ||
      (hooks !== undefined &&
        !(hooks.beforeRequest.empty && hooks.afterRequest.empty));
  }

  async #finish(
    request: R,
    route: Route<R>,
    outcome: PromiseLike<unknown>,
  ): Promise<void> {
    try {
      answerWith(request, await outcome);
      if (!request.responded) this.#missAnswer(request, route);
    } catch (error) {
      await this.#handlerThrew(request, error);
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
      if (!request.interrupted) {
        answerWith(request, await route.handler(request));
      }
    } catch (thrown) {
      error = thrown ?? new Error(`${thrown} was thrown`);
      await this.#handlerThrew(request, error);
    }
    await pendingReplies(request);
    await hooks?.afterRequest.run(request, error);
    await this.afterRequest.run(request, error);
    await pendingReplies(request);
    if (error === undefined && !request.responded && !request.interrupted) {
      this.#missAnswer(request, route);
    }
  }

  #first(request: R): Promise<void> | undefined {
    if (!this.#firstSeen) {
      this.#firstSeen = true;
      this.#firstRunning = this.beforeFirstRequest.run(request)
        ?.then(() => this.#firstRunning = undefined);
    }
    return this.#firstRunning;
  }

  // A client that waits for an answer and gets none is a mistake that nothing else shows.
  #missAnswer(request: R, { endpoint, answers }: Route<R>): void {
    if (!answers || request.connId === undefined) return;
    if (this.#silent.has(endpoint)) return;
    this.#silent.add(endpoint);
    this.logger.warn(
      `${request} was not answered, which is told once; let the handler return or reply an answer, or route it with { answers: false }`,
      { conn: request.connId },
    );
  }

  #handlerThrew(request: R, error: unknown): Promise<void> | undefined {
    const answered = request.responded;
    if (this.error.empty) return this.#answerThrow(request, error, answered);
    const waiting = this.error.run(request, error);
    if (!waiting) return this.#answerThrow(request, error, answered);
    return waiting.then(() => this.#answerThrow(request, error, answered));
  }

  #answerThrow(request: R, error: unknown, answered: boolean): undefined {
    const conn = { conn: request.connId };
    if (error instanceof Reply) {
      if (!answered) return this.#answerReply(request, error);
      this.logger.warn(
        `${request} was answered before: the Reply that was thrown then is not sent`,
        conn,
      );
      return;
    }
    if (isBadBody(error)) {
      this.logger.warn(`${request} makes no sense: ${error.message}`, conn);
      return this.#answerFault(request, RET.BAD_REQUEST);
    }
    this.logger.error(
      `The handler of ${request} threw: ${describeError(error)}`,
      conn,
    );
    this.onFault?.(request);
    this.#answerFault(request, RET.INTERNAL);
  }

  // What was thrown outside of a handler.
  #conclude(what: string, error: unknown, about: unknown): undefined {
    if (error instanceof Reply && about instanceof AppRequest) {
      about.interrupt();
      return this.#answerReply(about as R, error);
    }
    if (isBadBody(error)) {
      this.logger.warn(`${what} threw: ${error.message}`, fieldsOf(about));
    } else {
      this.logger.error(
        `${what} threw: ${describeError(error)}`,
        fieldsOf(about),
      );
    }
  }

  #answerReply(request: R, { answer }: Reply<object>): undefined {
    if (request.responded) return;
    try {
      answerWith(request, answer);
    } catch (error) {
      this.logger.error(
        `Cannot answer ${request}: ${describeError(error)}`,
        { conn: request.connId },
      );
      this.onFault?.(request);
      this.#answerFault(request, RET.INTERNAL);
    }
  }

  #answerFault(request: R, ret: number): undefined {
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

// The client's fault, not the handler's.
function isBadBody(error: unknown): error is BoxError {
  return error instanceof BoxError && error.code === "body";
}

// What a hook is called with first is a request, a connection, the app or a gateway's name.
function fieldsOf(about: unknown): LogFields {
  if (about instanceof Connection) return { conn: about.id };
  return {
    conn: (about as { connId?: LogFields["conn"] } | undefined)?.connId,
  };
}

async function runUntilInterrupted<R extends AnyRequest>(
  functions: readonly Hook<[request: R]>[],
  request: R,
): Promise<void> {
  for (const fn of functions) {
    if (request.interrupted) return;
    await fn(request);
  }
}
