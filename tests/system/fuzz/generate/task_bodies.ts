// The bodies that fit the commands of workers and triggers: boxes, messages in protobuf, JSON.

import {
  encodeCloseUsers,
  encodeGroups,
  encodeRspToGroups,
  encodeRspToUsers,
  type Int64,
  TaskCmd,
} from "@maple/box";
import { encodeQuery } from "@maple/box/internal";
import { joined } from "../../../box/support.ts";
import type { Random } from "../../../helpers/random.ts";
import { box, some } from "./boxes.ts";

/** What a peer may say. */
export interface TaskKinds {
  /** Whether it means real clients, and asks for tasks. */
  readonly harms: boolean;
  /** Whether it asks for tasks which it must not get. @default {false} */
  readonly asks?: boolean;
}

const GROUPS = ["a", "table:7", "ü", "g".repeat(128), "\u0000", " "];
// Where nobody is: a ban is meant to keep out whom it names.
const NOWHERE = ["192.0.2.7", "2001:db8::1", "::ffff:192.0.2.9", "x", "", 7];

/** The body of a command, mostly one that fits. */
export function bodyOf(
  random: Random,
  cmd: number,
  kinds: TaskKinds,
): Uint8Array | string {
  if (random.next() < 0.05) return random.bytes(random.between(0, 40));
  switch (cmd) {
    case TaskCmd.WRITE_TO_USERS:
      return withUnknown(random, usersBody(random, kinds));
    case TaskCmd.CLOSE_USERS:
      return withUnknown(random, encodeCloseUsers(selection(random, kinds)));
    case TaskCmd.JOIN_GROUPS:
    case TaskCmd.LEAVE_GROUPS:
    case TaskCmd.CLOSE_GROUPS:
      return withUnknown(random, groupsBody(random, kinds));
    case TaskCmd.WRITE_TO_GROUPS:
      return withUnknown(random, toGroupsBody(random, kinds));
    case TaskCmd.QUERY:
      return withUnknown(random, query(random, kinds));
    case TaskCmd.BAN:
      return JSON.stringify({
        address: random.pick(NOWHERE),
        seconds: random.pick([0, 1, 5, 0.5, -1, 1e9, 1e308, "1"]),
      });
    case TaskCmd.DRAIN:
      // Of other nodes: this one is to stay.
      return JSON.stringify({
        node: random.pick([77_777_777, -55_555_555, 1e308, "1"]),
        seconds: random.pick([0, 1, 0.5, -1, 1e308, "1"]),
      });
    default:
      return box(random);
  }
}

function groupsBody(random: Random, kinds: TaskKinds): Uint8Array {
  return encodeGroups({
    names: some(random, (random) => random.pick(GROUPS)),
    uids: random.next() < 0.3 ? [] : selection(random, kinds).uids,
  });
}

function toGroupsBody(random: Random, kinds: TaskKinds): Uint8Array {
  return encodeRspToGroups(some(random, (random) => {
    const { userdata, exclude } = selection(random, kinds);
    const names = some(random, (random) => random.pick(GROUPS));
    return { names, userdata, exclude, buf: box(random) };
  }));
}

function query(random: Random, kinds: TaskKinds): Uint8Array {
  return encodeQuery({
    uids: random.next() < 0.5 ? [] : selection(random, kinds).uids,
    names: random.next() < 0.5 ? [] : [random.pick(GROUPS)],
    members: random.next() < 0.5,
    after: random.pick([0, 0, 5, -1]),
    limit: random.pick([0, 1, 100, 10_000]),
  });
}

/** A uid, of a hostile client or anybody. */
export function uid(random: Random): Int64 {
  return random.next() < 0.8 ? random.between(-3, 20) : random.signed(64);
}

// Of one that is to harm nobody, users that hostile clients are.
function selection(
  random: Random,
  { harms }: TaskKinds,
): { uids: Int64[]; userdata: number; exclude: Int64[] } {
  const one = () => harms ? uid(random) : random.between(1, 20);
  return {
    uids: some(random, one),
    userdata: random.pick([0, 0, 1, 3]),
    exclude: random.next() < 0.7 ? [] : some(random, one),
  };
}

function usersBody(random: Random, kinds: TaskKinds): Uint8Array {
  return encodeRspToUsers(
    some(
      random,
      (random) => ({ ...selection(random, kinds), buf: box(random) }),
    ),
  );
}

// At times with fields that nobody knows, of every wire type.
function withUnknown(random: Random, body: Uint8Array): Uint8Array {
  if (random.next() < 0.8) return body;
  const field = Uint8Array.from(random.pick([
    [0x78, 1],
    [0x79, 1, 2, 3, 4, 5, 6, 7, 8],
    [0x7a, 3, 1, 2, 3],
    [0x7b, 0x7c],
    [0x7d, 1, 2, 3, 4],
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0x07],
  ]));
  return joined([field, body, field]);
}
