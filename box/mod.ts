/**
 * Frames: what maple's clients, servers, gateways, workers and triggers put on the wire, and what
 * reads and writes it.
 *
 * - {@linkcode Box} is the frame between a client and a server; {@linkcode boxClass} makes box
 *   classes with a header of your own; {@linkcode LineBox} is a line of text.
 * - {@linkcode Task} is the frame between a gateway and its workers and triggers.
 * - {@linkcode FrameReader} cuts a stream of bytes into frames, {@linkcode Outbox} collects what is
 *   to be written, and {@linkcode TcpClient} is a client made of both.
 * - {@linkcode Client} is one that stays connected, by WebSocket, TCP or TLS.
 *
 * @example A client
 * ```ts
 * import { Box, TcpClient } from "@maple/box";
 *
 * async function greet(): Promise<void> {
 *   await using client = new TcpClient(Box, "127.0.0.1", 29000, { timeout: 3 });
 *   await client.connect();
 *   console.log(await client.request({ cmd: 1, body: "hello" }));
 * }
 * ```
 *
 * @module
 */

export * from "./frames_mod.ts";
export { TcpClient } from "./net/tcp_client.ts";
export type { RequestOptions, TcpClientOptions } from "./net/tcp_client.ts";
export type { BoxHandler } from "./net/inbox.ts";
export { Client } from "./net/deno_client.ts";
export type { DenoClientOptions } from "./net/deno_client.ts";
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
