// AnyApp: a haven server or a worker, for modules that register what they do on either.

import type {
  AskOptions,
  Int64,
  ReceiptOptions,
  UsersOptions,
  WriteReceipt,
} from "@maple/box";
import type { Logger } from "@maple/box/internal";
import type { BlueprintFor } from "./blueprint_parts.ts";
import type { AnyRequest, AppRequest } from "./request.ts";
import type { Routes } from "./routes.ts";

/**
 * A haven server or a worker: a function that takes it registers handlers, hooks and timers on
 * either. See `App` for what they do.
 *
 * @typeParam R The app's requests; with the common form of them it takes any app.
 *
 * @example
 * ```ts
 * import type { AnyApp } from "@maple/haven";
 *
 * export function register(app: AnyApp): void {
 *   app.route(1, (request) => {
 *     request.loginClient(request.box.json<{ uid: number }>().uid);
 *     return { ret: 0 };
 *   });
 *   app.closeClient((request) => {
 *     app.writeToUsers([[[-1], { cmd: 2, body: `user ${request.uid} is gone` }]]);
 *   });
 *   app.repeatTimer(60, () => app.writeToUsers([[[-1], { cmd: 3 }]]));
 * }
 * ```
 */
export interface AnyApp<R extends AnyRequest = AppRequest> extends Routes<R> {
  /** Where the app logs to. */
  readonly logger: Logger;
  /** Which of the app's processes or threads this is. */
  readonly workerIndex: number;
  /** Whether this is the first of them. */
  readonly isFirst: boolean;
  /** Registers a blueprint. */
  registerBlueprint(blueprint: BlueprintFor<R>): this;
  /** Calls `fn` when the app starts. */
  startWorker(fn: () => unknown): this;
  /** Calls `fn` when the app has stopped taking requests. */
  stopWorker(fn: () => unknown): this;
  /** Calls `fn` when a client has connected. */
  createClient(fn: (request: R) => unknown): this;
  /** Calls `fn` when a client is gone. */
  closeClient(fn: (request: R) => unknown): this;
  /** Calls `fn` when a client is gone that was in groups, with their names. */
  leaveGroups(fn: (request: R, names: readonly string[]) => unknown): this;
  /** Calls `fn` with the first request that has a route. */
  beforeFirstRequest(fn: (request: R) => unknown): this;
  /** Calls `fn` before an answer is sent. */
  beforeResponse(fn: (request: R, response: R["box"]) => unknown): this;
  /** Calls `fn` after an answer was sent. */
  afterResponse(
    fn: (request: R, response: R["box"], sent: boolean) => unknown,
  ): this;
  /** Calls `fn` with all that is thrown in the app. */
  error(fn: (request: R | undefined, error: unknown) => unknown): this;
  /** Calls `fn` every so many seconds while the app runs. */
  repeatTimer(seconds: number, fn: () => unknown): this;
  /** Sends messages to users, and tells what became of it. */
  writeToUsers(
    rows: Parameters<R["writeToUsers"]>[0],
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  /** The same without a receipt. */
  writeToUsers(rows: Parameters<R["writeToUsers"]>[0]): boolean;
  /** Closes the connections of users, and tells how many were closed. */
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
  /** Sends messages to the members of groups. */
  writeToGroups(rows: Parameters<R["writeToGroups"]>[0]): boolean;
  /** The same, and what became of it. */
  writeToGroups(
    rows: Parameters<R["writeToGroups"]>[0],
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  /** Makes the connections of users join a group. */
  joinGroup(name: string, uids: readonly Int64[]): boolean;
  /** Makes them leave it. */
  leaveGroup(name: string, uids: readonly Int64[]): boolean;
  /** Closes the connections of the members of a group. */
  closeGroup(name: string): boolean;
  /** The same, and how many were closed. */
  closeGroup(name: string, options: ReceiptOptions): Promise<WriteReceipt>;
  /** Which of the users are logged in. */
  online(uids: readonly Int64[], options?: AskOptions): Promise<Int64[]>;
  /** Users that are logged in, page by page. */
  users(options?: UsersOptions): Promise<Int64[]>;
  /** How many connections are in a group. */
  groupSize(name: string, options?: AskOptions): Promise<number>;
  /** All users who are logged in on connections of a group. */
  groupMembers(name: string, options?: AskOptions): Promise<Int64[]>;
}
