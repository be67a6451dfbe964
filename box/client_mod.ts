/**
 * A client for browsers, Node and Deno: {@linkcode Client}, which stays connected, and the boxes
 * that it speaks. It needs nothing of Deno, and is small: what servers need is in
 * `@maple/box/frames`.
 *
 * @example In a page
 * ```ts
 * import { Box, Client } from "@maple/box/client";
 *
 * async function greet(): Promise<void> {
 *   await using client = new Client(Box);
 *   await client.connect("wss://game.example/");
 *   const answer = await client.request({ cmd: 1, body: "hello" });
 *   console.log(answer.text());
 * }
 * ```
 *
 * @module
 */

export type { BodyInput, JsonValue } from "./body.ts";
export { Box, MAGIC } from "./box.ts";
export { boxClass } from "./box_class.ts";
export type { BoxFields } from "./box.ts";
export type {
  BoxClass,
  BoxClassOptions,
  BoxInit,
  BoxMethods,
  BoxOf,
} from "./box_class.ts";
export { BoxError } from "./errors.ts";
export type { BoxErrorCode, BoxErrorOptions } from "./errors.ts";
export type { Framing } from "./framing.ts";
export type {
  ByteOrder,
  FieldsOf,
  FieldSpec,
  FieldType,
  FieldValue,
  HeaderSchema,
} from "./header_schema.ts";
export type { Int64 } from "./int64.ts";
export { LineBox } from "./line_box.ts";
export type { LineFields } from "./line_box.ts";
export { RET } from "./ret.ts";
export { Client } from "./net/client.ts";
export type {
  ClientOptions,
  ClientRequestOptions,
  ClientSession,
  ClientState,
} from "./net/client_options.ts";
export type {
  ClientConnection,
  ClientConnectionEvents,
  Connector,
  ConnectorOptions,
  WebSocketClass,
  WebSocketLike,
} from "./net/client_connection.ts";
export type { BoxHandler } from "./net/inbox.ts";
