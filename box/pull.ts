// What we added to the wire between a gateway and its workers and triggers, in places that the
// originals do not look at: written and read here, for both sides.

import { type ListedGateway, readGatewayList } from "./gateway_list.ts";
import { readInt32, writeInt32 } from "./int32.ts";
import {
  addFlag,
  hasFlag,
  isForNobody,
  Task,
  TaskCmd,
  TaskFlag,
  TaskOffset,
} from "./task.ts";

const MAX_INT32 = 2 ** 31 - 1;
// Microseconds and milliseconds go into the low half of `custom`, which has 64 bits.
const CUSTOM_LOW = TaskOffset.custom + 4;
const MAX_IDENTITY_BYTES = 4096;
const MAX_TEXT = 100;
// A thousand gateways, however long their names are.
const MAX_GREETING_BYTES = 512 * 1024;

/** What a worker or trigger tells of itself, as JSON; an original one tells nothing. */
export interface PeerIdentity {
  /** What the program is called. */
  name?: string;
  /** Its process id. */
  pid?: number;
  /** The machine it runs on; left out where the program may not know it. */
  host?: string;
  /** The version of its library. */
  version?: string;
  /** How many tasks it works on at a time. */
  concurrency?: number;
  /** Which of its master's children it is, from 1; left out where it is none. */
  index?: number;
  /** Whether it runs chained tasks one after the other, see {@linkcode isChained}. */
  chains?: boolean;
  /** Whether it goes by receipts, and so wants to know when no more come, see `farewell`. */
  receipts?: boolean;
  /** Whether it wants to know in which groups a client was that is gone. */
  groups?: boolean;
}

/** What a gateway tells a worker or trigger of ours: that it has let it in, and its limits. */
export interface Greeting {
  /** The version of the gateway. */
  readonly version?: string;
  /** The number of its node. */
  readonly node?: number;
  /** Bytes of the longest Task that it takes. */
  readonly innerFrameMax?: number;
  /** Bytes that may wait for one client. */
  readonly outboxMax?: number;
  /** Whether it may give chained tasks, see {@linkcode isChained}. */
  readonly chains?: boolean;
  /** What proves that it knows the peer's secret, in base64. */
  readonly mac?: string;
  /** Whether it gives receipts and answers questions. */
  readonly receipts?: boolean;
  /** The name of the cluster that it is one of, whose gateways are as one; else it is alone. */
  readonly cluster?: string;
  /** The gateways of the cluster that it knows of, itself as well; told again when they change. */
  readonly gateways?: readonly ListedGateway[];
  /** Whether it hears nothing of the others at present: then the list lacks some that are there. */
  readonly alone?: boolean;
  /** The number that it drew at its start: another one is another life. It is in the header. */
  readonly tag?: number;
}

/** The body of a worker's first ASK and of a trigger's hello. */
export function encodeIdentity(identity: PeerIdentity): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(identity));
}

/** Reads it; undefined where nothing is told, or nothing that can be read. */
export function decodeIdentity(body: Uint8Array): PeerIdentity | undefined {
  if (body.length === 0 || body.length > MAX_IDENTITY_BYTES) return undefined;
  const told = parseObject(body);
  if (!told) return undefined;
  const identity: PeerIdentity = {};
  for (const name of ["name", "host", "version"] as const) {
    const text = told[name];
    if (typeof text === "string") identity[name] = text.slice(0, MAX_TEXT);
  }
  for (const name of ["pid", "concurrency", "index"] as const) {
    const number = told[name];
    if (Number.isSafeInteger(number)) identity[name] = number as number;
  }
  for (const name of ["chains", "receipts", "groups"] as const) {
    if (told[name] === true) identity[name] = true;
  }
  return identity;
}

/** The delivery id: of a task, of what acknowledges it, of its answer; 0 where there is none. */
export function deliveryIdOf(frame: Uint8Array): number {
  return readInt32(frame, TaskOffset.ret);
}

/**
 * Makes a task that is being written at `at` the delivery of that id.
 *
 * @param again Whether it was delivered before, to a worker that was lost.
 * @param chained Whether the worker holds others of its client, which come before it.
 */
export function writeDelivery(
  target: Uint8Array,
  at: number,
  deliveryId: number,
  again: boolean,
  chained: boolean,
): void {
  writeInt32(target, at + TaskOffset.ret, deliveryId);
  if (again) addFlag(target, at, TaskFlag.REDELIVERED);
  if (chained) addFlag(target, at, TaskFlag.CHAINED);
}

/**
 * Whether a task is chained: it came while the connection held others of the same client, and is
 * run when these are finished. Only workers get such that say that they can do so.
 */
export function isChained(task: Uint8Array): boolean {
  return hasFlag(task, TaskFlag.CHAINED);
}

/** Whether a task was delivered before, to a worker that was lost. */
export function isRedelivered(task: Uint8Array): boolean {
  return hasFlag(task, TaskFlag.REDELIVERED);
}

/**
 * Makes an ASK that is being written at `at` one of ours.
 *
 * @param deliveryId The task that it acknowledges; 0 = none.
 * @param tookMs Milliseconds that the task took; 0 = not told.
 * @param unrun Whether the task is given back: it was chained, and has not been begun.
 */
export function writeAsk(
  target: Uint8Array,
  at: number,
  deliveryId: number,
  tookMs: number,
  unrun: boolean,
): void {
  writeInt32(target, at + TaskOffset.ret, deliveryId);
  addFlag(target, at, TaskFlag.EXPLICIT_ACK);
  if (unrun) addFlag(target, at, TaskFlag.CHAINED);
  const tookUs = Math.min(Math.ceil(tookMs * 1000), MAX_INT32);
  writeInt32(target, at + CUSTOM_LOW, tookUs);
}

/** Whether an ASK is one of ours: with delivery id 0 it acknowledges nothing. */
export function isExplicit(ask: Uint8Array): boolean {
  return hasFlag(ask, TaskFlag.EXPLICIT_ACK);
}

/** Whether an ASK of ours gives a chained task back that has not been begun. */
export function isUnrun(ask: Uint8Array): boolean {
  return hasFlag(ask, TaskFlag.CHAINED);
}

/** Milliseconds that the acknowledged task took, as an ASK of ours tells; 0 = not told. */
export function tookMsOf(ask: Uint8Array): number {
  return Math.max(0, readInt32(ask, CUSTOM_LOW)) / 1000;
}

/**
 * Addresses an answer that is being written at `at`: the delivery id, the node, the tag and the
 * connection of its task, which say which task is answered and whose it is.
 */
export function addressAnswer(
  task: Uint8Array,
  target: Uint8Array,
  at: number,
): void {
  copy(task, TaskOffset.ret, TaskOffset.clientIp, target, at);
  copy(task, TaskOffset.connId, TaskOffset.uid, target, at);
}

/**
 * "I want no more tasks": CLEAR_CLIENT_TASKS for no client at all, which an original gateway drops
 * as it drops every frame for a client that it does not know. Ours takes the credits back and sends
 * the frame back, behind the last task.
 */
export function withdrawal(): Uint8Array {
  return new Task({ cmd: TaskCmd.CLEAR_CLIENT_TASKS }).pack();
}

/** Whether a frame is a withdrawal, or its echo. */
export function isWithdrawal(frame: Uint8Array): boolean {
  return isAboutNobody(frame, TaskCmd.CLEAR_CLIENT_TASKS);
}

/**
 * Makes a client's header that was written at `at` a recall, from a gateway to a worker that runs
 * chains: CLEAR_CLIENT_TASKS for the client, of whose chained tasks those are to be given back that
 * have not been begun.
 */
export function writeRecall(target: Uint8Array, at: number): void {
  writeInt32(target, at + TaskOffset.packetLen, TaskOffset.body);
  writeInt32(target, at + TaskOffset.cmd, TaskCmd.CLEAR_CLIENT_TASKS);
}

/** Whether a frame from a gateway is a recall, or confirms that a chain has ended. */
export function isRecall(frame: Uint8Array): boolean {
  return readInt32(frame, TaskOffset.cmd) === TaskCmd.CLEAR_CLIENT_TASKS &&
    !isForNobody(frame);
}

/**
 * Marks a packed command of a worker that changes what its client's next tasks are: a login, a
 * logout, a close, a clear. The worker gives chained tasks of the client back, and those that still
 * come, until the gateway has confirmed.
 */
export function endChain(command: Uint8Array): void {
  addFlag(command, 0, TaskFlag.CHAINED);
}

/** Whether a command wants this confirmed, or a frame from the gateway confirms it. */
export function endsChain(frame: Uint8Array): boolean {
  return hasFlag(frame, TaskFlag.CHAINED);
}

/** The confirmation: all tasks of the client that come behind it were given out later. */
export function chainEnded(command: Uint8Array): Uint8Array {
  const frame = command.slice(0, TaskOffset.body);
  writeRecall(frame, 0);
  return frame;
}

/**
 * "Are you there?": LOGOUT_CLIENT for no client at all, which a worker of ours sends back.
 *
 * @param intervalMs Milliseconds until the next one, by which the worker knows when the gateway has
 * vanished.
 */
export function ping(intervalMs: number): Uint8Array {
  const frame = new Task({ cmd: TaskCmd.LOGOUT_CLIENT }).pack();
  writeInt32(frame, CUSTOM_LOW, Math.min(Math.ceil(intervalMs), MAX_INT32));
  return frame;
}

/** Whether a frame is a ping, or its echo. */
export function isPing(frame: Uint8Array): boolean {
  return isAboutNobody(frame, TaskCmd.LOGOUT_CLIENT) &&
    !hasFlag(frame, TaskFlag.EXPLICIT_ACK);
}

/** Milliseconds until the next ping; 0 = not told. */
export function pingIntervalMs(frame: Uint8Array): number {
  return Math.max(0, readInt32(frame, CUSTOM_LOW));
}

/**
 * How a trigger of ours opens a connection: as a ping with the flag of our ASKs, and who it is. An
 * original gateway drops it.
 */
export function hello(identity: PeerIdentity): Uint8Array {
  return new Task({
    cmd: TaskCmd.LOGOUT_CLIENT,
    flags: TaskFlag.EXPLICIT_ACK,
    body: encodeIdentity(identity),
  }).pack();
}

/** Whether a frame is a trigger's hello. */
export function isHello(frame: Uint8Array): boolean {
  return isAboutNobody(frame, TaskCmd.LOGOUT_CLIENT) &&
    hasFlag(frame, TaskFlag.EXPLICIT_ACK);
}

/** What a gateway answers to the first ASK of a worker of ours and to a trigger's hello. */
export function greet({ tag = 0, ...told }: Greeting): Uint8Array {
  return new Task({ cmd: TaskCmd.GREETING, tag, body: { ...told } }).pack();
}

/**
 * Reads a greeting; undefined when the frame is none. What cannot be read in it counts as not told.
 */
export function decodeGreeting(frame: Uint8Array): Greeting | undefined {
  if (readInt32(frame, TaskOffset.cmd) !== TaskCmd.GREETING) return undefined;
  const body = frame.subarray(TaskOffset.body);
  const told = body.length > MAX_GREETING_BYTES ? undefined : parseObject(body);
  const { version, node, innerFrameMax, outboxMax, chains, mac, receipts } =
    told ?? {};
  const { cluster, gateways, alone } = told ?? {};
  const tag = readInt32(frame, TaskOffset.tag);
  return {
    ...(typeof version === "string" && { version: version.slice(0, MAX_TEXT) }),
    ...(Number.isSafeInteger(node) && { node: node as number }),
    ...(isLimit(innerFrameMax) && { innerFrameMax }),
    ...(isLimit(outboxMax) && { outboxMax }),
    ...(chains === true && { chains }),
    ...(typeof mac === "string" && { mac: mac.slice(0, MAX_TEXT) }),
    ...(receipts === true && { receipts }),
    ...(isName(cluster) && { cluster, gateways: readGatewayList(gateways) }),
    ...(isName(cluster) && alone === true && { alone }),
    ...(tag !== 0 && { tag }),
  };
}

/**
 * The last RECEIPT on a connection, for no frame at all: what has got no receipt by then was not
 * taken, and will not be.
 */
export function farewell(): Uint8Array {
  return new Task({ cmd: TaskCmd.RECEIPT }).pack();
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_TEXT;
}

function isLimit(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number > 0;
}

function isAboutNobody(frame: Uint8Array, cmd: number): boolean {
  return readInt32(frame, TaskOffset.cmd) === cmd && isForNobody(frame);
}

function parseObject(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function copy(
  source: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): void {
  for (let i = from; i < to; i++) target[at + i] = source[i]!;
}
