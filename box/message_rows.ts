// What the bodies of messages have in common, be they for users or for groups: rows of a list of
// whom the message is for, the box, and who of them gets it.

import { BoxError } from "./errors.ts";
import { type Int64, isInt64 } from "./int64.ts";
import { shown } from "./options.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

/** What a row has beside the list of whom it is for. */
export interface MessageRow {
  /** One whole box, as raw bytes. */
  buf: Uint8Array;
  /** Only connections whose userdata has all these bits; 0 selects everybody. */
  userdata: Int64;
  /** Uids that are left out. */
  exclude: readonly Int64[];
}

/**
 * The body that has these rows.
 *
 * @param writeFor Writes the list of whom a row is for, as field 1.
 * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer; what `writeFor` throws.
 */
export function encodeRows<Row extends MessageRow>(
  rows: readonly Row[],
  writeFor: (out: ProtobufWriter, row: Row) => void,
): Uint8Array {
  const out = new ProtobufWriter();
  for (const row of rows) {
    checkIntegers([row.userdata]);
    checkIntegers(row.exclude);
    const inner = new ProtobufWriter();
    writeFor(inner, row);
    inner.bytes(2, row.buf);
    inner.int64(3, row.userdata);
    inner.int64List(4, row.exclude);
    out.bytes(1, inner.finish(), true);
  }
  return out.finish();
}

/**
 * Calls `visit` with the bytes of the rows of a body one by one, until it answers false; so a
 * hostile body of millions of empty rows takes no memory.
 *
 * @param name What the body is called in errors.
 * @returns Where the row begins for which it did; the length of the body when there was none.
 * @throws {BoxError} `frame` when the bytes that come next are no row.
 */
export function readRows(
  body: Uint8Array,
  name: string,
  visit: (row: Uint8Array) => boolean,
): number {
  const reader = new ProtobufReader(body, name);
  for (;;) {
    const { offset } = reader;
    if (!reader.nextField()) return offset;
    if (reader.field !== 1) reader.skip();
    else if (!visit(reader.bytes())) return offset;
  }
}

/**
 * Reads a row; unknown fields are skipped, and `buf` is a view.
 *
 * @param name What the row is called in errors.
 * @param readFor Reads one field of the list of whom it is for into `list`.
 * @throws {BoxError} `frame` when the bytes are no row.
 */
export function decodeRow<T>(
  bytes: Uint8Array,
  name: string,
  list: T[],
  readFor: (reader: ProtobufReader, list: T[]) => void,
): MessageRow {
  let buf: Uint8Array = bytes.subarray(0, 0);
  let userdata: Int64 = 0;
  const exclude: Int64[] = [];
  const reader = new ProtobufReader(bytes, name);
  while (reader.nextField()) {
    switch (reader.field) {
      case 1:
        readFor(reader, list);
        break;
      case 2:
        buf = reader.bytes();
        break;
      case 3:
        userdata = reader.int64();
        break;
      case 4:
        reader.int64List(exclude);
        break;
      default:
        reader.skip();
    }
  }
  return { buf, userdata, exclude };
}

/**
 * Does nothing where all are 64-bit integers.
 *
 * @throws {BoxError} `value` where one is none.
 */
export function checkIntegers(values: readonly Int64[]): void {
  for (const value of values) {
    if (isInt64(value)) continue;
    throw new BoxError(
      "value",
      `Cannot select users: uids and userdata are 64-bit integers, got ${
        shown(value)
      }`,
    );
  }
}
