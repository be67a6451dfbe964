/**
 * Frames: what maple's clients, servers, gateways, workers and triggers put on the wire, and what
 * reads and writes it.
 *
 * - {@linkcode Box} is the frame between a client and a server; {@linkcode boxClass} makes box
 *   classes with a header of your own; {@linkcode LineBox} is a line of text.
 * - {@linkcode Task} is the frame between a gateway and its workers and triggers.
 * - {@linkcode FrameReader} cuts a stream of bytes into frames, {@linkcode Outbox} collects what is
 *   to be written, and {@linkcode TcpClient} is a client made of both.
 *
 * @example A client
 * ```ts
 * import { Box, TcpClient } from "@maple/box";
 *
 * async function greet(): Promise<void> {
 *   await using client = new TcpClient(Box, "127.0.0.1", 29000, { timeout: 3 });
 *   await client.connect();
 *   await client.write({ cmd: 1, sn: 1, body: "hello" });
 *   console.log(await client.read());
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
export type { BoxErrorCode } from "./errors.ts";
export { FrameReader } from "./frame_reader.ts";
export type { FrameReaderOptions } from "./frame_reader.ts";
export { DEFAULT_MAX_FRAME_BYTES, FrameFault } from "./framing.ts";
export type { Framing } from "./framing.ts";
export type {
  ByteOrder,
  FieldsOf,
  FieldSpec,
  FieldType,
  FieldValue,
  HeaderSchema,
} from "./header_schema.ts";
export { toInt64 } from "./int64.ts";
export type { Int64 } from "./int64.ts";
export type {
  BoxData,
  UsersRow,
  WorkerTaskParams,
} from "./gateway_commands.ts";
export { ipFromBytes, ipToBytes } from "./ip_address.ts";
export type { RawIp } from "./ip_address.ts";
export { LineBox } from "./line_box.ts";
export type { LineFields } from "./line_box.ts";
export { Outbox } from "./outbox.ts";
export type { ByteWriter, OutboxOptions } from "./outbox.ts";
export { RET } from "./ret.ts";
export { Task, TaskCmd, TaskFlag, TaskOffset } from "./task.ts";
export type { TaskInit } from "./task.ts";
export { TcpClient } from "./net/tcp_client.ts";
export type { TcpClientOptions } from "./net/tcp_client.ts";
export {
  decodeCloseUsers,
  decodeRspToUsers,
  encodeCloseUsers,
  encodeRspToUsers,
  SpecialUid,
} from "./users_body.ts";
export type { UserMessage, UserSelection } from "./users_body.ts";
