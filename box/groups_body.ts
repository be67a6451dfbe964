// The two protobuf bodies about groups: Groups (who joins, leaves or is closed) and RspToGroups
// (messages to groups).
//
//   message Groups { repeated string names = 1; repeated int64 uids = 2; }
//   message RspToGroups {
//     message Row { repeated string names = 1; bytes buf = 2; int64 userdata = 3;
//                   repeated int64 exclude = 4; }
//     repeated Row rows = 1;
//   }

import { BoxError } from "./errors.ts";
import type { Int64 } from "./int64.ts";
import {
  checkIntegers,
  decodeRow,
  encodeRows,
  readRows,
} from "./message_rows.ts";
import { shown } from "./options.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

/** Bytes of the longest name of a group, as UTF-8. */
export const GROUP_NAME_BYTES = 128;
/** Names of groups in one message, or in one of its rows: with more it is refused. */
export const GROUP_NAMES_MAX = 100_000;

/** Groups, and users whose connections join or leave them. */
export interface GroupSelection {
  /** Names of groups: 1 to 128 bytes of UTF-8. */
  names: readonly string[];
  /** Uids as in a `UserSelection`; none where it is about the client that a frame names. */
  uids: readonly Int64[];
}

/** One message and the groups it is for. */
export interface GroupMessage {
  /** Names of groups; who is in several of them gets it once. */
  names: readonly string[];
  /** One whole box, as raw bytes. */
  buf: Uint8Array;
  /** Only connections whose userdata has all these bits; 0 selects everybody. */
  userdata: Int64;
  /** Uids that are left out. */
  exclude: readonly Int64[];
}

const encoder = new TextEncoder();

/**
 * The body of `JOIN_GROUPS`, `LEAVE_GROUPS` and `CLOSE_GROUPS`.
 *
 * @throws {BoxError} `value` when a name is no name of a group, a uid no 64-bit integer, or there
 * are more than 100,000 names.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeGroups, encodeGroups } from "@maple/box";
 *
 * const body = encodeGroups({ names: ["table:7"], uids: [1, 2] });
 * assertEquals(decodeGroups(body), { names: ["table:7"], uids: [1, 2] });
 * ```
 */
export function encodeGroups({ names, uids }: GroupSelection): Uint8Array {
  checkGroupNames(names);
  checkIntegers(uids);
  const out = new ProtobufWriter();
  writeNames(out, names);
  out.int64List(2, uids);
  return out.finish();
}

/**
 * Reads the body of `JOIN_GROUPS`, `LEAVE_GROUPS` and `CLOSE_GROUPS`. Unknown fields are skipped.
 *
 * @throws {BoxError} `frame` when the bytes are no such message, or a name in it is none.
 */
export function decodeGroups(body: Uint8Array): GroupSelection {
  const names: string[] = [];
  const uids: Int64[] = [];
  const reader = new ProtobufReader(body, "Groups");
  while (reader.nextField()) {
    if (reader.field === 1) readNames(reader, names);
    else if (reader.field === 2) reader.int64List(uids);
    else reader.skip();
  }
  return { names, uids };
}

/**
 * The body of `WRITE_TO_GROUPS`.
 *
 * @throws {BoxError} `value` as `encodeGroups`, and when a userdata is no 64-bit integer.
 */
export function encodeRspToGroups(rows: readonly GroupMessage[]): Uint8Array {
  return encodeRows(rows, (out, { names }) => {
    checkGroupNames(names);
    writeNames(out, names);
  });
}

/**
 * Reads the body of `WRITE_TO_GROUPS`; `buf` is a view.
 *
 * @throws {BoxError} `frame` as `decodeGroups`.
 */
export function decodeRspToGroups(body: Uint8Array): GroupMessage[] {
  const rows: GroupMessage[] = [];
  readRspToGroups(body, (row) => rows.push(row) > 0);
  return rows;
}

/**
 * Calls `visit` for the rows of a body of `WRITE_TO_GROUPS` one by one, until it answers false; so
 * a hostile body of millions of empty rows takes no memory.
 *
 * @returns Where the row begins for which it did; the length of the body when there was none.
 * @throws {BoxError} `frame` when the bytes that come next are no row.
 */
export function readRspToGroups(
  body: Uint8Array,
  visit: (row: GroupMessage) => boolean,
): number {
  return readRows(
    body,
    "RspToGroups",
    (bytes) => {
      const names: string[] = [];
      const row = decodeRow(bytes, "RspToGroups.Row", names, readNames);
      return visit({ names, ...row });
    },
  );
}

/**
 * Does nothing where all are names of groups: 1 to 128 bytes of UTF-8.
 *
 * @throws {BoxError} `value` where one is none, or there are more than 100,000 of them.
 */
export function checkGroupNames(names: readonly string[]): void {
  if (names.length > GROUP_NAMES_MAX) {
    throw new BoxError(
      "value",
      `Cannot name ${names.length} groups in one message: at most ${GROUP_NAMES_MAX}`,
    );
  }
  for (const name of names) {
    if (isGroupName(name)) continue;
    throw new BoxError(
      "value",
      `The name of a group is a text of 1 to ${GROUP_NAME_BYTES} bytes of UTF-8, got ${
        typeof name === "string" && name.length > 40
          ? `one that begins with ${shown(name.slice(0, 40))}`
          : shown(name)
      }`,
    );
  }
}

function isGroupName(name: unknown): boolean {
  if (typeof name !== "string" || name === "") return false;
  // A character takes three bytes at most, or a surrogate pair four.
  if (name.length * 3 > GROUP_NAME_BYTES) {
    if (name.length > GROUP_NAME_BYTES) return false;
    if (encoder.encode(name).length > GROUP_NAME_BYTES) return false;
  }
  return name.isWellFormed();
}

function writeNames(out: ProtobufWriter, names: readonly string[]): void {
  for (const name of names) out.string(1, name);
}

function readNames(reader: ProtobufReader, names: string[]): void {
  if (names.length === GROUP_NAMES_MAX) {
    throw reader.error(`more than ${GROUP_NAMES_MAX} names of groups`);
  }
  const name = reader.string();
  if (!isGroupName(name)) {
    throw reader.error(
      `a name of a group that is empty or longer than ${GROUP_NAME_BYTES} bytes`,
    );
  }
  names.push(name);
}
