/**
 * What `@maple/worker` needs of this package and users do not: the inside of an app, the way of a
 * request through it. It may change with any version.
 *
 * @module
 */

export { AppCore } from "./app_core.ts";
export { AppLife } from "./app_life.ts";
export type { LifeOptions, LifeParts } from "./app_life.ts";
export type { AppHook, BlueprintParts } from "./blueprint_parts.ts";
export type { ConnectionInit } from "./connection.ts";
export type { Flavour, FlavourApp } from "./flavour.ts";
export type { HandoverPlace } from "./handover/place.ts";
export { IN_MEMORY } from "./in_memory.ts";
export type {
  ConnectInMemory,
  MemoryConnection,
  MemoryEnd,
} from "./in_memory.ts";
export type { RequestClient } from "./haven_request.ts";
export { HookList } from "./hooks.ts";
export type { Hook, HookOrder, LogSource, ThrowHandler } from "./hooks.ts";
export type { Ports, ResolvedListen, ResolvedRun } from "./resolve_options.ts";
export { Pipeline } from "./pipeline.ts";
export { asNumber } from "./as_number.ts";
export type { RequestHost, RequestRoute, ResponseHook } from "./request.ts";
export { Router } from "./router.ts";
export type { BlueprintHooks, Route, RouteOrigin } from "./router.ts";
export type { Done, ServedUsers } from "./served_users.ts";
export { Timers } from "./timers.ts";
export type { TimerSpec } from "./timers.ts";
