/**
 * A client for browsers, Node and Deno: {@linkcode Client}, which stays connected, and the frames
 * that it speaks. It needs nothing of Deno.
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

export * from "./frames_mod.ts";
export { Client } from "./net/client.ts";
export type {
  ClientOptions,
  ClientRequestOptions,
  ClientSession,
  ClientState,
} from "./net/client.ts";
export type {
  ClientConnection,
  ClientConnectionEvents,
  Connector,
  ConnectorOptions,
  WebSocketClass,
  WebSocketLike,
} from "./net/client_connection.ts";
export type { BoxHandler } from "./net/inbox.ts";
