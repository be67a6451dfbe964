// The protobuf body of QUERY: what a worker, trigger or monitor wants to know of a gateway.
//
//   message Query { repeated int64 uids = 1; repeated string names = 2; bool members = 3;
//                   int64 after = 4; int32 limit = 5; }

import { BoxError } from "./errors.ts";
import { type Int64, isInt64 } from "./int64.ts";
import { shown } from "./options.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";
import { Task, TaskCmd } from "./task.ts";

/** A question to a gateway: about these uids, or these groups, or else about all users. */
export interface Query {
  /** Uids: which of them are logged in. */
  readonly uids: readonly Int64[];
  /** Groups: how many connections they have. */
  readonly names: readonly string[];
  /** Whether the users of these groups are told as well. */
  readonly members: boolean;
  /** Of lists of users those with a greater uid are told, in their order. */
  readonly after: Int64;
  /** How many at most; 0 = as many as the gateway gives. */
  readonly limit: number;
}

/** How many uids or names one question may be about, and how many users an answer tells. */
export const QUERY_MAX = 10_000;

/**
 * The body of `QUERY`.
 *
 * @throws {BoxError} `value` when a uid is no 64-bit integer, a name no text, or `limit` no count.
 */
export function encodeQuery(query: Partial<Query>): Uint8Array {
  const { uids = [], names = [], members = false, after = 0, limit = 0 } =
    query;
  const out = new ProtobufWriter();
  for (const uid of [...uids, after]) {
    if (!isInt64(uid)) throw unfit(`uids are 64-bit integers`, uid);
  }
  out.int64List(1, uids);
  for (const name of names) {
    if (typeof name !== "string") {
      throw unfit("the name of a group is text", name);
    }
    out.string(2, name, true);
  }
  if (members) out.int64(3, 1);
  out.int64(4, after);
  if (!Number.isInteger(limit) || limit < 0 || limit > QUERY_MAX) {
    throw unfit(`limit is a whole number from 0 to ${QUERY_MAX}`, limit);
  }
  out.int64(5, limit);
  return out.finish();
}

/** The task `QUERY`. */
export function queryTask(query: Partial<Query>): Task {
  return new Task({ cmd: TaskCmd.QUERY, body: encodeQuery(query) });
}

/**
 * Reads the body of `QUERY`.
 *
 * @throws {BoxError} `frame` when the bytes are no such message, or it is about more than
 * `QUERY_MAX` uids or names.
 */
export function decodeQuery(body: Uint8Array): Query {
  const uids: Int64[] = [];
  const names: string[] = [];
  let members = false;
  let after: Int64 = 0;
  let limit = 0;
  const reader = new ProtobufReader(body, "Query");
  while (reader.nextField()) {
    switch (reader.field) {
      case 1:
        reader.int64List(uids, QUERY_MAX);
        break;
      case 2:
        if (names.length >= QUERY_MAX) {
          throw new BoxError(
            "frame",
            `Cannot decode Query of ${body.length} bytes: it has more than ${QUERY_MAX} names`,
          );
        }
        names.push(reader.string());
        break;
      case 3:
        members = reader.int64() !== 0;
        break;
      case 4:
        after = reader.int64();
        break;
      case 5:
        limit = Math.min(Math.max(0, Number(reader.int64())), QUERY_MAX);
        break;
      default:
        reader.skip();
    }
  }
  return { uids, names, members, after, limit };
}

function unfit(expected: string, got: unknown): BoxError {
  return new BoxError("value", `Cannot ask: ${expected}, got ${shown(got)}`);
}
