// AppRequest: one received box on its way through an app, and the answer to it.

import {
  type AskOptions,
  type BoxData,
  type BoxFields,
  type BoxInit,
  type BoxOf,
  type GroupsRow,
  type Int64,
  type ReceiptOptions,
  RET,
  type UsersOptions,
  type UsersRow,
  type WriteReceipt,
} from "@maple/box";
import {
  askGroupMembers,
  askGroupSize,
  askOnline,
  askUsers,
  checkGroupNames,
  checkLogin,
  describeError,
  type Logger,
  packTransient,
} from "@maple/box/internal";
import { asNumber } from "./as_number.ts";
import { HavenError } from "./errors.ts";
import { answerBox, answerFrame } from "./answer_frame.ts";
import { faultAnswer } from "./fault_answer.ts";
import { resolved } from "./outcome.ts";
import type { Done, ServedUsers } from "./served_users.ts";
import type { UntypedState } from "./state.ts";

/** What a request needs of its app; a server hands its `pipeline` on. */
export interface RequestHost {
  /** Where faults are logged. */
  readonly logger: Logger;
  /** Whether a second answer to a request is an error. */
  readonly respondOnce: boolean;
  /** The users that the app can reach. */
  readonly users: ServedUsers<object>;
  /** Called before an answer is sent. */
  readonly beforeResponse: ResponseHook<
    [request: AnyRequest, response: BoxOf<object>]
  >;
  /** Called after it. */
  readonly afterResponse: ResponseHook<
    [request: AnyRequest, response: BoxOf<object>, sent: boolean]
  >;
}

/** What a request needs of a `HookList`. */
export interface ResponseHook<A extends readonly unknown[]> {
  /** Whether there is nothing to call. */
  readonly empty: boolean;
  /** Calls the functions; see `HookList.run`. */
  run(...args: A): Promise<void> | undefined;
}

/** A request of any app. */
export type AnyRequest = AppRequest<object, object>;

/** What a request knows of its route. */
export interface RequestRoute {
  /** The route's name. */
  readonly endpoint: string;
  /** The name of the blueprint that it is part of. */
  readonly blueprint: string | undefined;
}

// What the pipeline does to requests and their users must not: functions that reach into the class,
// which a module can have and a public method cannot be.

/** Gives a request its route; for the pipeline. */
export let setRoute: (
  request: AnyRequest,
  route: RequestRoute | undefined,
) => void;

/** What is left to do for a request's answers, if anything; for the pipeline. It never rejects. */
export let pendingReplies: (
  request: AnyRequest,
) => Promise<void> | undefined;

/**
 * One received box, the user of the client that sent it, and all that a handler can do about them:
 * the same on a haven server and on a worker behind a gateway.
 *
 * What the functions that give a boolean do is done in the order of the calls. They give false when
 * it was not done: the client is gone, or the request is about no client.
 *
 * @typeParam F The fields of the box's header.
 * @typeParam S What `state` holds; a `type`, not an `interface`, where modules that do not know it
 * share the app.
 */
export abstract class AppRequest<
  F extends object = BoxFields,
  S extends object = UntypedState,
> {
  static {
    setRoute = (request, route) => request.#route = route;
    pendingReplies = (request) =>
      request.#pending === undefined ? undefined : request.#allSent();
  }

  /**
   * What was received. The bytes of its body do not change; they may share their `ArrayBuffer` with
   * those of other requests, so `slice()` what is kept for hours, and what goes to where whole
   * buffers are cloned: `postMessage`, `structuredClone`, `Deno.Kv`.
   */
  readonly box: BoxOf<F>;

  readonly #host: RequestHost;
  #route: RequestRoute | undefined;
  #state: S | undefined;
  #pending: Promise<unknown> | undefined;
  #responded = false;
  #interrupted = false;

  /**
   * Makes the request; servers do that.
   *
   * @param host The pipeline of the app that handles the request.
   * @param box What was received.
   * @ignore
   */
  constructor(host: RequestHost, box: BoxOf<F>) {
    this.#host = host;
    this.box = box;
  }

  /** The command number; 0 when the box class has no `cmd` field, as `LineBox`. */
  get cmd(): number {
    return Number((this.box as { cmd?: number | bigint }).cmd ?? 0);
  }

  /**
   * The number of the client's connection, as log lines tell it; `undefined` where the request is
   * about no client.
   */
  abstract get connId(): Int64 | undefined;

  /** The client's IP address as text; empty where the request is about no client. */
  abstract get clientAddress(): string;

  /**
   * The user who was logged in on the client's connection when the request came, 0 = none; see
   * {@linkcode AppRequest.loginClient}.
   *
   * @throws {HavenError} `request` for a uid beyond 2^53, which no number holds: apps that have
   * such take {@linkcode AppRequest.uid64}.
   */
  get uid(): number {
    return asNumber("uid", this.uid64);
  }

  /**
   * The same as `uid`, a bigint where it is beyond 2^53. The same user always has the same form, so
   * it can be a key of a `Map`.
   */
  abstract get uid64(): Int64;

  /**
   * The bit mask given at login.
   *
   * @throws {HavenError} `request` for a mask beyond 2^53, see {@linkcode AppRequest.userdata64}.
   */
  get userdata(): number {
    return asNumber("userdata", this.userdata64);
  }

  /** The same as `userdata`, a bigint where it is beyond 2^53. */
  abstract get userdata64(): Int64;

  /**
   * The name of the route, `blueprint.endpoint` for a blueprint's; `undefined` before it is found
   * and for a cmd without route.
   */
  get endpoint(): string | undefined {
    return this.#route?.endpoint;
  }

  /** The name of the blueprint that the route is part of. */
  get blueprint(): string | undefined {
    return this.#route?.blueprint;
  }

  /** What hooks and handler keep for each other during this request; empty at first. */
  get state(): S {
    return this.#state ??= {} as S;
  }

  /** Whether {@linkcode AppRequest.interrupt} was called. */
  get interrupted(): boolean {
    return this.#interrupted;
  }

  /** Whether an answer was given. It may still wait for a beforeResponse hook. */
  get responded(): boolean {
    return this.#responded;
  }

  /**
   * Answers the request, on every kind of server. There is no need to await it: the promise never
   * rejects, and the request counts as finished only when its answers are sent.
   *
   * @param data The fields of the answer, which is then the box's `map` of them; or a box or the
   * packed bytes of one, sent as it is.
   * @returns Whether the answer was handed to the connection; false when that is gone.
   * @throws {HavenError} `request`, when the request was answered before and the app's
   * `respondOnce` is on, or when bytes are not one whole frame. It is thrown at once, not by way of
   * the promise; so is a `BoxError` for fields that the box does not have or hold.
   *
   * @example
   * ```ts
   * import type { AppRequest } from "@maple/haven";
   *
   * function hello(request: AppRequest) {
   *   return request.reply({ ret: 0, body: `hello ${request.box.text()}` });
   * }
   * ```
   */
  reply(data: BoxData<F>): Promise<boolean> {
    const { respondOnce, beforeResponse, afterResponse } = this.#host;
    if (this.#responded && respondOnce) {
      throw new HavenError("request", `Cannot answer ${this} a second time`);
    }
    if (!beforeResponse.empty || !afterResponse.empty) {
      return this.#replyWithHooks(answerBox(this, data));
    }
    const sent = this.send(answerFrame(this, data));
    this.#responded = true;
    return resolved(sent);
  }

  /** The same as {@linkcode AppRequest.reply}. */
  write(data: BoxData<F>): Promise<boolean> {
    return this.reply(data);
  }

  /** The same as {@linkcode AppRequest.reply}. */
  writeToClient(data: BoxData<F>): Promise<boolean> {
    return this.reply(data);
  }

  /**
   * Binds a user to the client's connection. A uid that is bound elsewhere moves here, and the
   * other connection is as if logged out. The requests that come after this one have the `uid`;
   * this one's stays as it is.
   *
   * @param uid Positive.
   * @param userdata A bit mask by which messages to users can be narrowed down. @default {0}
   * @throws {BoxError} `value` when these are no such integers.
   */
  loginClient(uid: Int64, userdata: Int64 = 0): boolean {
    checkLogin(uid, userdata);
    return this.login(uid, userdata);
  }

  /** Unbinds the user of the client's connection. */
  abstract logoutClient(): boolean;

  /** Closes the client's connection, after what was sent to it before. */
  abstract closeClient(): boolean;

  /**
   * The users that it can reach.
   *
   * @ignore
   */
  protected get served(): ServedUsers<object> {
    return this.#host.users;
  }

  /**
   * Sends messages to users, wherever they are connected, and tells what became of it; see
   * {@linkcode UsersRow}.
   *
   * @throws {Error} by the promise, when the receipt does not come: it may have been done.
   */
  writeToUsers(
    rows: readonly UsersRow<F>[],
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  /** The same without a receipt. */
  writeToUsers(rows: readonly UsersRow<F>[]): boolean;
  writeToUsers(rows: readonly UsersRow<F>[], options?: ReceiptOptions): Done {
    return this.served.write(rows, options);
  }

  /**
   * Closes the connections of users, and tells how many were closed; uids, userdata and exclude as
   * in {@linkcode UsersRow}.
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
    return this.served.close(selection, options);
  }

  /**
   * Makes the client's connection join groups. It stays in them over login and logout, until it
   * leaves them or has ended; a group is there while it has a member. A connection may be in 100
   * groups (option `groupsPerClient`); a join of one more is ignored, counted and logged.
   *
   * @param names 1 to 128 bytes of UTF-8 each.
   * @throws {BoxError} `value` when a name is none.
   */
  joinGroup(...names: string[]): boolean {
    checkGroupNames(names);
    return names.length === 0 || this.join(names);
  }

  /**
   * Makes the client's connection leave groups; without names all.
   *
   * @throws {BoxError} `value` when a name is none.
   */
  leaveGroup(...names: string[]): boolean {
    checkGroupNames(names);
    return this.leave(names);
  }

  /** Sends messages to the members of groups, wherever they are connected; see `GroupsRow`. */
  writeToGroups(rows: readonly GroupsRow<F>[]): boolean;
  /** The same, and what became of it; see `writeToUsers`. */
  writeToGroups(
    rows: readonly GroupsRow<F>[],
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  writeToGroups(rows: readonly GroupsRow<F>[], options?: ReceiptOptions): Done {
    return this.served.writeToGroups(rows, options);
  }

  /** Closes the connections of the members of a group, after what was sent to them before. */
  closeGroup(name: string): boolean;
  /** The same, and how many were closed; see `closeUsers`. */
  closeGroup(name: string, options: ReceiptOptions): Promise<WriteReceipt>;
  closeGroup(name: string, options?: ReceiptOptions): Done {
    return this.served.closeGroup(name, options);
  }

  /**
   * Which of the users are logged in, in the order given, wherever they are connected.
   *
   * @throws {Error} by the promise, when the answer has not come within 2 s.
   */
  online(uids: readonly Int64[], options: AskOptions = {}): Promise<Int64[]> {
    return askOnline(this.served, uids, options);
  }

  /**
   * Users that are logged in, in the order of their uids: the first 1,000, or as many as `limit`
   * says; those that follow with the last uid as `after`, until there are none.
   *
   * @throws {Error} as `online`.
   */
  users(options: UsersOptions = {}): Promise<Int64[]> {
    return askUsers(this.served, options);
  }

  /**
   * How many connections are in a group, wherever they are.
   *
   * @throws {Error} as `online`.
   */
  groupSize(name: string, options: AskOptions = {}): Promise<number> {
    return askGroupSize(this.served, name, options);
  }

  /**
   * All users who are logged in on connections of a group, in the order of their uids. Connections
   * without a user are in none of this.
   *
   * @throws {Error} as `online`.
   */
  groupMembers(name: string, options: AskOptions = {}): Promise<Int64[]> {
    return askGroupMembers(this.served, name, options);
  }

  /**
   * In a hook that runs before the handler: the hooks after it and the handler are not run, only
   * those after the handler (afterRequest and the like), so that they can close what was opened.
   * Elsewhere it only answers.
   *
   * @param data The answer; none when left out. See {@linkcode AppRequest.reply}.
   * @returns As `reply`; true when there is nothing to send.
   * @throws {HavenError} as `reply`.
   */
  interrupt(data?: BoxData<F>): Promise<boolean> {
    this.#interrupted = true;
    return data === undefined ? resolved(true) : this.reply(data);
  }

  /** One line for logs: the class, the cmd and the endpoint. */
  toString(): string {
    const endpoint = this.endpoint === undefined
      ? ""
      : `, endpoint: ${this.endpoint}`;
    return `${this.constructor.name} { cmd: ${this.cmd}${endpoint} }`;
  }

  /**
   * Hands an answer to the connection; for servers to define.
   *
   * @param frame A whole packed box, valid during the call only.
   * @returns Whether the connection took it.
   * @throws {Error} when the frame is longer than the connection can ever take.
   */
  protected abstract send(frame: Uint8Array): boolean;

  /** Binds a user to the client's connection; for servers to define. */
  protected abstract login(uid: Int64, userdata: Int64): boolean;

  /** Makes the client's connection join groups; for servers to define. */
  protected abstract join(names: readonly string[]): boolean;

  /** Makes it leave groups, without names all; for servers to define. */
  protected abstract leave(names: readonly string[]): boolean;

  #replyWithHooks(response: BoxOf<F>): Promise<boolean> {
    const responded = this.#responded;
    this.#responded = true;
    const waiting = this.#host.beforeResponse.run(this, response);
    if (waiting !== undefined) {
      return this.#track(waiting.then(() => this.#sendLate(response)));
    }
    try {
      return this.#sendWithHooks(response);
    } catch (error) {
      this.#responded = responded;
      throw error;
    }
  }

  #sendWithHooks(response: BoxOf<F>): Promise<boolean> {
    const sent = this.send(packTransient(response));
    const waiting = this.#host.afterResponse.run(this, response, sent);
    return waiting === undefined
      ? resolved(sent)
      : this.#track(waiting.then(() => sent));
  }

  // The caller has gone on: what cannot be packed is now answered here, not thrown.
  #sendLate(response: BoxOf<F>): Promise<boolean> | boolean {
    try {
      return this.#sendWithHooks(response);
    } catch (error) {
      this.#host.logger.error(
        `Cannot send the answer to ${this}: ${describeError(error)}`,
        { conn: this.connId },
      );
      const fault = faultAnswer(this.box, RET.INTERNAL);
      if (fault !== undefined) {
        this.send(answerFrame(this, fault as BoxInit<object> as BoxInit<F>));
      }
      return false;
    }
  }

  #track(reply: Promise<boolean>): Promise<boolean> {
    this.#pending = this.#pending === undefined
      ? reply
      : Promise.all([this.#pending, reply]);
    return reply;
  }

  async #allSent(): Promise<void> {
    while (this.#pending !== undefined) {
      const pending = this.#pending;
      await pending;
      if (this.#pending === pending) this.#pending = undefined;
    }
  }
}
