// The protobuf body of RECEIPT: what became of a frame, or the answer to a QUERY.
//
//   message Receipt {
//     message Group { string name = 1; int64 size = 2; repeated int64 uids = 3; }
//     int64 delivered = 1; repeated int64 offline = 2; repeated int64 online = 3;
//     repeated Group groups = 4; repeated int32 missing_nodes = 5; string error = 6;
//   }

import { writeInt32 } from "./int32.ts";
import type { Int64 } from "./int64.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";
import { TaskCmd, TaskOffset } from "./task.ts";

/** A group as a gateway tells of it. */
export interface GroupCount {
  /** Its name. */
  readonly name: string;
  /** How many connections are in it. */
  readonly size: number;
  /** The users logged in on these, where they were asked for. */
  readonly uids: readonly Int64[];
}

/** What became of a frame, or the answer to a question. */
export interface Receipt {
  /** How many connections took it; for a task 1 when the queue has it. */
  readonly delivered: number;
  /** Of the uids that it was for, or that were asked for, those that are not logged in. */
  readonly offline: readonly Int64[];
  /** Of the uids that were asked for, those that are logged in. */
  readonly online: readonly Int64[];
  /** The groups that were asked for, in the order of the question. */
  readonly groups: readonly GroupCount[];
  /** The nodes of which it does not tell. */
  readonly missingNodes: readonly number[];
  /** Why nothing was done; empty when it was. */
  readonly error: string;
}

/** A receipt that tells of nothing. */
export function noReceipt(): Receipt {
  return {
    ...{ delivered: 0, offline: [], online: [], groups: [] },
    ...{ missingNodes: [], error: "" },
  };
}

/** The body of `RECEIPT`. */
export function encodeReceipt(receipt: Partial<Receipt>): Uint8Array {
  const { delivered, offline, online, groups, missingNodes, error } = {
    ...noReceipt(),
    ...receipt,
  };
  const out = new ProtobufWriter();
  out.int64(1, delivered);
  out.int64List(2, offline);
  out.int64List(3, online);
  for (const { name, size, uids } of groups) {
    const inner = new ProtobufWriter();
    inner.string(1, name);
    inner.int64(2, size);
    inner.int64List(3, uids);
    out.bytes(4, inner.finish(), true);
  }
  out.int64List(5, missingNodes);
  out.string(6, error);
  return out.finish();
}

/**
 * Reads the body of `RECEIPT`.
 *
 * @throws {BoxError} `frame` when the bytes are no such message.
 */
export function decodeReceipt(body: Uint8Array): Receipt {
  let delivered = 0;
  const offline: Int64[] = [];
  const online: Int64[] = [];
  const groups: GroupCount[] = [];
  const missingNodes: Int64[] = [];
  let error = "";
  const reader = new ProtobufReader(body, "Receipt");
  while (reader.nextField()) {
    switch (reader.field) {
      case 1:
        delivered = Number(reader.int64());
        break;
      case 2:
        reader.int64List(offline);
        break;
      case 3:
        reader.int64List(online);
        break;
      case 4:
        groups.push(decodeGroup(reader.bytes()));
        break;
      case 5:
        reader.int64List(missingNodes);
        break;
      case 6:
        error = reader.string();
        break;
      default:
        reader.skip();
    }
  }
  return {
    ...{ delivered, offline, online, groups, error },
    missingNodes: missingNodes.map((node) =>
      Number(BigInt.asIntN(32, BigInt(node)))
    ),
  };
}

/**
 * The RECEIPT for a frame: the header of it, so that its sender knows it again by `custom` or
 * `ret`, and the body.
 */
export function receiptFor(
  frame: Uint8Array,
  receipt: Partial<Receipt>,
): Uint8Array {
  const body = encodeReceipt(receipt);
  const task = new Uint8Array(TaskOffset.body + body.length);
  task.set(frame.subarray(0, TaskOffset.body));
  task.fill(0, TaskOffset.flags, TaskOffset.packetLen);
  writeInt32(task, TaskOffset.packetLen, task.length);
  writeInt32(task, TaskOffset.cmd, TaskCmd.RECEIPT);
  task.set(body, TaskOffset.body);
  return task;
}

function decodeGroup(bytes: Uint8Array): GroupCount {
  let name = "";
  let size = 0;
  const uids: Int64[] = [];
  const reader = new ProtobufReader(bytes, "Receipt.Group");
  while (reader.nextField()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) size = Number(reader.int64());
    else if (reader.field === 3) reader.int64List(uids);
    else reader.skip();
  }
  return { name, size, uids };
}
