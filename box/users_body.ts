// The two protobuf bodies: RspToUsers (messages to users) and CloseUsers (users to disconnect).
//
//   message RspToUsers {
//     message Row { repeated int64 uids = 1; bytes buf = 2; int64 userdata = 3;
//                   repeated int64 exclude = 4; }
//     repeated Row rows = 1;
//   }
//   message CloseUsers { repeated int64 uids = 1; int64 userdata = 2; repeated int64 exclude = 3; }

import { BoxError } from "./errors.ts";
import { type Int64, isInt64 } from "./int64.ts";
import {
  checkIntegers,
  decodeRow,
  encodeRows,
  readRows,
} from "./message_rows.ts";
import { shown } from "./options.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

/** Uids with a meaning of their own in a list of uids. */
export const SpecialUid = {
  /** All logged-in connections. */
  LOGGED_IN: -1,
  /** All connections. */
  ALL: -2,
  /** All connections that are not logged in. */
  NOT_LOGGED_IN: -3,
} as const;

/** Whom a message is for, or who is to be disconnected. */
export interface UserSelection {
  /** Uids, positive or of {@linkcode SpecialUid}. */
  uids: readonly Int64[];
  /** Only connections whose userdata has all these bits; 0 selects everybody. */
  userdata: Int64;
  /** Uids that are left out. */
  exclude: readonly Int64[];
}

/** One message and the users it is for. */
export interface UserMessage extends UserSelection {
  /** One whole box, as raw bytes. */
  buf: Uint8Array;
}

/**
 * The body of `WRITE_TO_USERS`.
 *
 * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Box, decodeRspToUsers, encodeRspToUsers } from "@maple/box";
 *
 * const buf = new Box({ cmd: 9, body: "hi" }).pack();
 * const body = encodeRspToUsers([{ buf, uids: [1, 2], userdata: 0, exclude: [] }]);
 * assertEquals(decodeRspToUsers(body)[0]?.uids, [1, 2]);
 * ```
 */
export function encodeRspToUsers(rows: readonly UserMessage[]): Uint8Array {
  return encodeRows(rows, (out, { uids }) => {
    checkIntegers(uids);
    out.int64List(1, uids);
  });
}

/**
 * Reads the body of `WRITE_TO_USERS`. Repeated fields may be packed or not; unknown fields are
 * skipped; `buf` is a view.
 *
 * @throws {BoxError} `frame` when the bytes are no such message.
 */
export function decodeRspToUsers(body: Uint8Array): UserMessage[] {
  const rows: UserMessage[] = [];
  readRspToUsers(body, (row) => rows.push(row) > 0);
  return rows;
}

/**
 * Calls `visit` for the rows of a body of `WRITE_TO_USERS` one by one, until it answers false; so a
 * hostile body of millions of empty rows takes no memory.
 *
 * @returns Where the row begins for which it did; the length of the body when there was none.
 * @throws {BoxError} `frame` when the bytes that come next are no row.
 */
export function readRspToUsers(
  body: Uint8Array,
  visit: (row: UserMessage) => boolean,
): number {
  return readRows(
    body,
    "RspToUsers",
    (bytes) => {
      const uids: Int64[] = [];
      const row = decodeRow(bytes, "RspToUsers.Row", uids, readUids);
      return visit({ uids, ...row });
    },
  );
}

function readUids(reader: ProtobufReader, uids: Int64[]): void {
  reader.int64List(uids);
}

/**
 * The body of `CLOSE_USERS`.
 *
 * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer.
 */
export function encodeCloseUsers(selection: UserSelection): Uint8Array {
  const { uids, userdata, exclude } = selection;
  checkIntegers(uids);
  checkIntegers([userdata]);
  checkIntegers(exclude);
  const out = new ProtobufWriter();
  out.int64List(1, uids);
  out.int64(2, userdata);
  out.int64List(3, exclude);
  return out.finish();
}

/**
 * Reads the body of `CLOSE_USERS`, see {@linkcode decodeRspToUsers}.
 *
 * @throws {BoxError} `frame` when the bytes are no such message.
 */
export function decodeCloseUsers(body: Uint8Array): UserSelection {
  let userdata: Int64 = 0;
  const uids: Int64[] = [];
  const exclude: Int64[] = [];
  const reader = new ProtobufReader(body, "CloseUsers");
  while (reader.nextField()) {
    switch (reader.field) {
      case 1:
        reader.int64List(uids);
        break;
      case 2:
        userdata = reader.int64();
        break;
      case 3:
        reader.int64List(exclude);
        break;
      default:
        reader.skip();
    }
  }
  return { uids, userdata, exclude };
}

/**
 * Does nothing when a user can be logged in so.
 *
 * @throws {BoxError} `value` when the uid is no positive 64-bit integer, or userdata no 64-bit one.
 */
export function checkLogin(uid: Int64, userdata: Int64): void {
  if (!isInt64(uid) || uid <= 0) {
    throw new BoxError(
      "value",
      `Cannot log in: a uid is a positive integer, got ${shown(uid)}`,
    );
  }
  if (isInt64(userdata)) return;
  throw new BoxError(
    "value",
    `Cannot log in: userdata is a 64-bit integer, got ${shown(userdata)}`,
  );
}
