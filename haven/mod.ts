/**
 * A server for real-time clients, in the manner of Flask; and the routes, hooks and blueprints that
 * it shares with the workers of maple, so that its handlers can move behind a gateway unchanged.
 *
 * - {@linkcode Haven} is the server: TCP and WebSocket clients, one event loop in this process.
 *   {@linkcode GHaven} serves in several processes, {@linkcode THaven} in several threads.
 * - {@linkcode HavenRequest} is what its handlers get, {@linkcode Connection} is one client.
 * - {@linkcode App} is the common part of a server and a worker: `route`, the hooks,
 *   `registerBlueprint`, `repeatTimer`.
 * - {@linkcode Blueprint} is a part of an application in a module of its own.
 * - {@linkcode AppRequest} is what handlers get, {@linkcode Reply} is an answer that is thrown from
 *   anywhere below them.
 * - {@linkcode AnyApp} is what a module takes that registers what it does on a server or a worker
 *   alike, {@linkcode Routes} what one takes that registers on a blueprint as well.
 * - `testClient` of `@maple/haven/testing` tests an app in memory.
 *
 * @example A server
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { Haven } from "@maple/haven";
 *
 * const app = new Haven(Box);
 * app.route(1, (request) => ({ body: request.box.body }));
 * await app.run("127.0.0.1", 7777);
 * ```
 *
 * @example A module of handlers, for any kind of app
 * ```ts
 * import { type AppRequest, Blueprint } from "@maple/haven";
 *
 * export const chat = new Blueprint("chat")
 *   .beforeRequest(knowUser)
 *   .route(1, say);
 *
 * function knowUser(request: AppRequest) {
 *   if (request.box.sn === 0) return request.interrupt({ ret: 1 });
 *   request.state.user = `user ${request.box.sn}`;
 * }
 *
 * function say(request: AppRequest) {
 *   return { body: `${request.state.user} says ${request.box.text()}` };
 * }
 * ```
 *
 * @module
 */

export type { AnyApp } from "./any_app.ts";
export type { Answer, Returned } from "./answer.ts";
export { App } from "./app.ts";
export type { AppOptions } from "./app_core.ts";
export { Blueprint } from "./blueprint.ts";
export type { ConnOf } from "./blueprint.ts";
export type { BlueprintFor } from "./blueprint_parts.ts";
export { Connection } from "./connection.ts";
export { HavenError } from "./errors.ts";
export type { HavenErrorCode } from "./errors.ts";
export { GHaven } from "./ghaven.ts";
export { Haven } from "./haven.ts";
export type { HavenOptions } from "./haven.ts";
export { HavenRequest } from "./haven_request.ts";
export type { HavenListenOptions, HavenRunOptions } from "./options.ts";
export { Reply } from "./reply.ts";
export { AppRequest } from "./request.ts";
export type { AnyRequest } from "./request.ts";
export type { Handler, RouteOptions } from "./router.ts";
export type { Routes } from "./routes.ts";
export type { UntypedState } from "./state.ts";
export type { Kept } from "./kept.ts";
export type { HavenStats } from "./stats.ts";
export { THaven } from "./thaven.ts";

// What the signatures above name.
export type {
  AskOptions,
  BodyInput,
  BoxClass,
  BoxData,
  BoxFields,
  BoxInit,
  BoxOf,
  GroupsRow,
  Int64,
  ReceiptOptions,
  UsersOptions,
  UsersRow,
  WriteReceipt,
} from "@maple/box";
export type {
  AddressCount,
  CloseKind,
  IoKind,
  LogFields,
  LogFormat,
  Logger,
  OnUnhandled,
  RateAction,
  RateKind,
} from "@maple/box/internal";
