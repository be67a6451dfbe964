// Valid frames of workers and triggers: every command, with bodies that fit it.
//
// What a gateway draws at its start cannot be in a frame that a seed determines. In its place stand
// marks, for which the sender puts what it has seen: see `fill`.

import { Task, TaskCmd } from "@maple/box";
import { encodeIdentity } from "@maple/box/internal";
import type { Random } from "../../../helpers/random.ts";
import { some } from "./boxes.ts";
import { bodyOf, type TaskKinds, uid } from "./task_bodies.ts";

const TAG_MARK = 0x7461_674d;
const DELIVERY_MARK = 0x6465_6c4d;
const CONN_MARK = 0x636f_6e4d;
/** How many clients the marks can mean. */
export const VICTIMS = 4;

/** What the marks stand for. */
export interface Seen {
  /** The gateway's tag. */
  tag: number;
  /** The numbers of the clients' connections. */
  conns: readonly number[];
  /** The id of a task that the connection holds. */
  delivery: number;
}

const UNKNOWN = [-1, 0, 1, 5, 60, 211, 330, 999];

/** Some frames of a worker or a trigger, as a whole conversation. */
export function tasks(random: Random, kinds: TaskKinds): Uint8Array[] {
  const opening = (kinds.harms || kinds.asks) && random.next() < 0.7
    ? some(random, (random) => ask(random, true))
    : random.next() < 0.3
    ? [hello(random)]
    : [];
  return [...opening, ...some(random, (random) => task(random, kinds))];
}

function hello(random: Random): Uint8Array {
  return new Task({
    cmd: TaskCmd.LOGOUT_CLIENT,
    flags: 8,
    body: identity(random),
  }).pack();
}

function identity(random: Random): Uint8Array {
  if (random.next() < 0.2) return random.bytes(random.between(0, 50));
  return encodeIdentity({
    name: random.pick(["fuzz", "", "\x1b[2J\nERROR forged", "n".repeat(3000)]),
    pid: random.between(-1, 99999),
    host: random.pick(["here", "\u0000", "<b>&amp;</b>"]),
    concurrency: random.between(0, 9),
    index: random.between(0, 3),
    chains: random.next() < 0.6,
  });
}

function ask(random: Random, first: boolean): Uint8Array {
  return new Task({
    cmd: TaskCmd.WORKER_ASK_FOR_TASK,
    flags: random.pick([0, 8, 8, 8, 24, 24, 255]),
    ret: first ? 0 : random.pick([0, DELIVERY_MARK, DELIVERY_MARK, 1, -1]),
    custom: random.pick([0, 1, 1000, random.signed(64)]),
    body: first ? identity(random) : "",
  }).pack();
}

function task(random: Random, kinds: TaskKinds): Uint8Array {
  const cmd = random.next() < 0.85
    ? random.pick(Object.values(TaskCmd))
    : random.pick(UNKNOWN);
  if (cmd === TaskCmd.WORKER_ASK_FOR_TASK && (kinds.harms || kinds.asks)) {
    return ask(random, false);
  }
  return new Task({
    cmd: cmd === TaskCmd.WORKER_ASK_FOR_TASK ? 0 : cmd,
    flags: random.pick([0, 0, 1, 2, 4, 8, 16, 32, 64, 255, -1]),
    ret: random.pick([0, 0, DELIVERY_MARK, 1, -1]),
    nodeId: random.pick([0, 0, 1, -1]),
    tag: random.pick([0, ...Array<number>(4).fill(TAG_MARK)]),
    connId: connId(random),
    uid: uid(random),
    userdata: random.pick([0, 0, 1, 3, random.signed(64)]),
    custom: random.pick([0, 0, 7, random.signed(64)]),
    body: bodyOf(random, cmd, kinds),
  }).pack();
}

function connId(random: Random): number | bigint {
  return random.next() < 0.3
    ? random.pick([0, 0, 1, 2, -1, random.signed(64)])
    : BigInt(CONN_MARK) << 32n | BigInt(random.between(0, VICTIMS - 1));
}

/** Puts what was seen where the marks are. */
export function fill(frame: Uint8Array, seen: Seen): Uint8Array {
  const filled = frame.slice();
  const view = new DataView(filled.buffer);
  for (let at = 0; at + 4 <= filled.length; at++) {
    const value = view.getInt32(at);
    if (value === TAG_MARK) view.setInt32(at, seen.tag);
    else if (value === DELIVERY_MARK) view.setInt32(at, seen.delivery);
    else if (value === CONN_MARK && at + 8 <= filled.length) {
      const conn = seen.conns[view.getInt32(at + 4)] ?? 0;
      view.setBigInt64(at, BigInt(conn));
    }
  }
  return filled;
}

/**
 * Whether frames can name everybody: -1, -2 and -3 are varints with eight bytes of ones. Of honest
 * clients it is not promised that a trusted peer cannot reach them so.
 */
export function namesEverybody(bytes: Uint8Array): boolean {
  let ones = 0;
  for (const byte of bytes) {
    ones = byte === 255 ? ones + 1 : 0;
    if (ones === 8) return true;
  }
  return false;
}
