/**
 * The frames alone, without sockets: what `@maple/box` has but for `TcpClient`. It needs nothing of
 * Deno, so it runs in browsers and in Node as well.
 *
 * @example A frame for a WebSocket
 * ```ts
 * import { Box } from "@maple/box/frames";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new Box({ cmd: 1, sn: 1, body: "hello" }).pack();
 * assertEquals(Box.fromFrame(bytes).text(), "hello");
 * ```
 *
 * @module
 */

export type { BanOptions } from "./ban_body.ts";
export type { DrainOptions } from "./drain_body.ts";
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
export type { BufferMeter } from "./buffer_pool.ts";
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
export type { GroupMessageOptions, GroupsRow } from "./group_commands.ts";
export {
  decodeGroups,
  decodeRspToGroups,
  encodeGroups,
  encodeRspToGroups,
} from "./groups_body.ts";
export type { GroupMessage, GroupSelection } from "./groups_body.ts";
export { ipFromBytes, ipToBytes } from "./ip_address.ts";
export type { RawIp } from "./ip_address.ts";
export { LineBox } from "./line_box.ts";
export type { LineFields } from "./line_box.ts";
export { Outbox } from "./outbox.ts";
export type { ByteWriter, OutboxOptions } from "./outbox.ts";
export type {
  AskOptions,
  ReceiptOptions,
  SendOptions,
  TaskReceipt,
  UsersOptions,
  WriteReceipt,
} from "./receipts.ts";
export { RET } from "./ret.ts";
export { Task, TaskCmd, TaskFlag, TaskOffset } from "./task.ts";
export type { TaskInit } from "./task.ts";
export {
  decodeCloseUsers,
  decodeRspToUsers,
  encodeCloseUsers,
  encodeRspToUsers,
  SpecialUid,
} from "./users_body.ts";
export type { UserMessage, UserSelection } from "./users_body.ts";
