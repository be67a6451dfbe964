// Task, the frame between a gateway and its workers and triggers.

import { type BodyInput, encodeBody, inspectBody } from "./body.ts";
import { BoxError } from "./errors.ts";
import { checkFrame } from "./framing.ts";
import type { FieldRecord } from "./field_access.ts";
import { HeaderCodec } from "./header_codec.ts";
import { readInt32 } from "./int32.ts";
import { type Int64, readInt64 } from "./int64.ts";
import { MAGIC } from "./box.ts";
import { ipFromBytes } from "./ip_address.ts";

/** The commands of a {@linkcode Task}. */
export const TaskCmd = {
  /** Gateway to worker: a client's frame. */
  CLIENT_REQ: 10,
  /** Gateway to worker: a client connected. */
  CLIENT_CREATED: 15,
  /** Gateway to worker: a client is gone. */
  CLIENT_CLOSED: 20,
  /** Worker or trigger to gateway to worker: the body, a box, is a task for any worker. */
  WRITE_TO_WORKER: 100,
  /** Worker to gateway: give me one task when you have one. */
  WORKER_ASK_FOR_TASK: 210,
  /** Worker or trigger to gateway: send the body to the client. */
  WRITE_TO_CLIENT: 220,
  /** Worker or trigger to gateway: send messages to users; the body is a `RspToUsers`. */
  WRITE_TO_USERS: 230,
  /** Worker or trigger to gateway: close the client. */
  CLOSE_CLIENT: 240,
  /** Worker or trigger to gateway: close users' connections; the body is a `CloseUsers`. */
  CLOSE_USERS: 250,
  /** Worker or trigger to gateway: bind uid and userdata to the client. */
  LOGIN_CLIENT: 260,
  /** Worker or trigger to gateway: unbind them. */
  LOGOUT_CLIENT: 270,
  /** Worker or trigger to gateway: drop the client's requests that still wait. */
  CLEAR_CLIENT_TASKS: 280,
  /** Gateway to a worker or trigger: prove who you are; the body is random. */
  CHALLENGE: 300,
  /** Worker or trigger to gateway: the answer to a challenge. */
  PROOF: 310,
  /**
   * Gateway to a worker or trigger of ours: it is let in. The body tells the gateway's limits, as
   * JSON.
   */
  GREETING: 320,
  /** Gateway to worker or trigger: what became of a frame, or an answer; body: `Receipt`. */
  RECEIPT: 340,
  /**
   * Worker or trigger to gateway: connections join groups; the body is a `Groups`, and without uids
   * it is about the client.
   */
  JOIN_GROUPS: 410,
  /** Worker or trigger to gateway: they leave them; without names all. */
  LEAVE_GROUPS: 420,
  /** Worker or trigger to gateway: send messages to groups; the body is a `RspToGroups`. */
  WRITE_TO_GROUPS: 430,
  /** Worker or trigger to gateway: close the members' connections; the body is a `Groups`. */
  CLOSE_GROUPS: 440,
  /** Worker or trigger to gateway: who is there; body: `Query`. RECEIPT answers it. */
  QUERY: 450,
  /** Admin to gateway: keep an address out for a while; body: JSON. RECEIPT answers it. */
  BAN: 460,
  /** Admin to gateway: leave without haste; body: JSON. RECEIPT answers it. */
  DRAIN: 470,
} as const;

/** The bits of `flags` of a {@linkcode Task}. */
export const TaskFlag = {
  /** The task came from a trigger or a worker, not from a client. */
  INNER: 1,
  /** `clientIp` holds an IPv6 address. */
  IPV6: 2,
  /** The task was delivered before, to a worker that was lost. */
  REDELIVERED: 4,
  /**
   * On an ASK: `ret` 0 acknowledges nothing, only a delivery id does. On LOGOUT_CLIENT for no
   * client: a trigger opens its connection. An original gateway does not look at it.
   */
  EXPLICIT_ACK: 8,
  /**
   * On a task: it is to be run after the tasks of the same client that the connection was given
   * before. What else it says is in `pull.ts`.
   */
  CHAINED: 16,
  /**
   * On a command: it is for this gateway only, which does not pass it on to the others of its
   * cluster. An original gateway does not look at it.
   */
  LOCAL: 32,
  /** The sender wants a RECEIPT. An original gateway does not look at it. */
  RECEIPT_WANTED: 64,
} as const;

/** Where the fields of a Task's header begin, for code that patches headers in place. */
export const TaskOffset = {
  flags: 6,
  packetLen: 8,
  cmd: 12,
  ret: 16,
  nodeId: 20,
  tag: 24,
  clientIp: 28,
  connId: 44,
  uid: 52,
  userdata: 60,
  custom: 68,
  body: 76,
} as const;

const HEADER: HeaderCodec = new HeaderCodec([
  ["magic", "i", MAGIC],
  ["version", "h"],
  ["flags", "h"],
  ["packetLen", "i"],
  ["cmd", "i"],
  ["ret", "i"],
  ["nodeId", "i"],
  ["tag", "i"],
  ["clientIp", "16s"],
  ["connId", "q"],
  ["uid", "q"],
  ["userdata", "q"],
  ["custom", "q"],
]);

const VERSION_AT = 4;

const NO_ADDRESS: Uint8Array = new Uint8Array(16);
const EMPTY: Uint8Array = new Uint8Array(0);

/** What a {@linkcode Task} is made from; what is left out is 0 or empty. */
export interface TaskInit {
  /** See {@linkcode Task.flags}. */
  flags?: number;
  /** See {@linkcode Task.cmd}. */
  cmd?: number;
  /** See {@linkcode Task.ret}. */
  ret?: number;
  /** See {@linkcode Task.nodeId}. */
  nodeId?: number;
  /** See {@linkcode Task.tag}. */
  tag?: number;
  /** See {@linkcode Task.clientIp}. */
  clientIp?: Uint8Array;
  /** See {@linkcode Task.connId}. */
  connId?: Int64;
  /** See {@linkcode Task.uid}. */
  uid?: Int64;
  /** See {@linkcode Task.userdata}. */
  userdata?: Int64;
  /** See {@linkcode Task.custom}. */
  custom?: Int64;
  /** Bytes as they are, a string as UTF-8, anything else as JSON. */
  body?: BodyInput;
}

/**
 * The frame between a gateway and its workers and triggers: a 76-byte header and a body, which for
 * client requests and answers is one whole box.
 *
 * @example The answer to a task
 * ```ts
 * import { Box, Task, TaskCmd } from "@maple/box";
 *
 * function answer(task: Task): Uint8Array {
 *   const box = Box.fromFrame(task.body).map({ body: "done" });
 *   return task.map({ cmd: TaskCmd.WRITE_TO_CLIENT, body: box.pack() }).pack();
 * }
 * ```
 */
export class Task {
  /** The bytes of the header. */
  static readonly headerBytes: number = HEADER.bytes;

  /** Marks a frame. */
  magic: number = MAGIC;
  /** Always 0. */
  version: number = 0;
  /** Bits of {@linkcode TaskFlag}. */
  flags: number;
  /** Bytes of the whole frame, header included; set by `pack`. */
  packetLen: number = 0;
  /** One of {@linkcode TaskCmd}. */
  cmd: number;
  /**
   * The delivery id: > 0 on a task that a gateway hands out, and on the ASK that acknowledges it.
   */
  ret: number;
  /** The gateway node that holds the client. */
  nodeId: number;
  /** The number that the gateway drew at its start; with `connId` it names one connection. */
  tag: number;
  /** The client's address in 16 raw bytes: see {@linkcode Task.clientAddress}. */
  clientIp: Uint8Array;
  /** The client connection, unique in one life of the gateway. */
  connId: Int64;
  /** The user logged in on it, 0 = none. */
  uid: Int64;
  /** The bit mask given at login. */
  userdata: Int64;
  /** Free: what a trigger or worker sets on a task for a worker is handed through. */
  custom: Int64;
  /** For client requests and answers one whole box, as raw bytes. */
  body: Uint8Array;

  /**
   * Makes a task.
   *
   * @param init The fields that are not 0 or empty.
   */
  constructor(init: TaskInit = {}) {
    this.flags = init.flags ?? 0;
    this.cmd = init.cmd ?? 0;
    this.ret = init.ret ?? 0;
    this.nodeId = init.nodeId ?? 0;
    this.tag = init.tag ?? 0;
    this.clientIp = init.clientIp ?? NO_ADDRESS;
    this.connId = init.connId ?? 0;
    this.uid = init.uid ?? 0;
    this.userdata = init.userdata ?? 0;
    this.custom = init.custom ?? 0;
    this.body = init.body === undefined ? EMPTY : encodeBody(init.body);
  }

  /** See `Framing.frameLength`. */
  static frameLength(bytes: Uint8Array, start: number, end: number): number {
    return HEADER.frameLength(bytes, start, end);
  }

  /**
   * Checks the start of `bytes`.
   *
   * @returns `> 0`: the bytes that the first whole frame uses; `0`: more bytes are needed; `< 0`:
   * no frame, see `FrameFault`.
   */
  static check(bytes: Uint8Array, frameBytes?: number): number {
    return checkFrame(Task, bytes, frameBytes);
  }

  /**
   * The task of one whole frame; body and address are views of `frame`.
   *
   * @throws {BoxError} `frame` when `frame` is not exactly one frame.
   */
  static fromFrame(frame: Uint8Array): Task {
    const length = HEADER.frameLength(frame, 0, frame.length);
    if (length !== frame.length || length === 0) {
      throw new BoxError(
        "frame",
        `Cannot unpack a Task: ${frame.length} bytes are not one whole frame (its length: ${length})`,
      );
    }
    const task = new Task();
    // Name by name: in a loop it would take several times as long, see field_access.ts.
    task.magic = readInt32(frame, 0);
    task.version = readInt16(frame, VERSION_AT);
    task.flags = readInt16(frame, TaskOffset.flags);
    task.packetLen = length;
    task.cmd = readInt32(frame, TaskOffset.cmd);
    task.ret = readInt32(frame, TaskOffset.ret);
    task.nodeId = readInt32(frame, TaskOffset.nodeId);
    task.tag = readInt32(frame, TaskOffset.tag);
    task.clientIp = frame.subarray(TaskOffset.clientIp, TaskOffset.connId);
    task.connId = readInt64(frame, TaskOffset.connId);
    task.uid = readInt64(frame, TaskOffset.uid);
    task.userdata = readInt64(frame, TaskOffset.userdata);
    task.custom = readInt64(frame, TaskOffset.custom);
    task.body = frame.subarray(TaskOffset.body);
    return task;
  }

  /** The client's address as text, IPv4 or IPv6; the empty string where there is none. */
  get clientAddress(): string {
    return ipFromBytes(this.clientIp, (this.flags & TaskFlag.IPV6) !== 0);
  }

  /** Whether the task came from a trigger or a worker, not from a client. */
  get inner(): boolean {
    return (this.flags & TaskFlag.INNER) !== 0;
  }

  /** Whether the task was delivered before, to a worker that was lost. */
  get redelivered(): boolean {
    return (this.flags & TaskFlag.REDELIVERED) !== 0;
  }

  /**
   * The whole frame, in bytes of its own; `packetLen` is set to match.
   *
   * @throws {BoxError} `value` when a value does not fit its field.
   */
  pack(): Uint8Array {
    const length = HEADER.bytes + this.body.length;
    const frame = new Uint8Array(length);
    HEADER.write(frame, 0, length, this as unknown as FieldRecord);
    frame.set(this.body, HEADER.bytes);
    return frame;
  }

  /**
   * A task for the same client: `connId`, `tag` and `nodeId` are copied, the rest is from `init`.
   */
  map(init: TaskInit = {}): Task {
    return new Task({
      connId: this.connId,
      tag: this.tag,
      nodeId: this.nodeId,
      ...init,
    });
  }

  /** One readable line; fields that are 0 are left out. */
  toString(): string {
    const fields: [string, Int64 | string][] = [
      ["cmd", cmdName(this.cmd)],
      ["flags", this.flags],
      ["ret", this.ret],
      ["nodeId", this.nodeId],
      ["connId", this.connId],
      ["client", this.clientAddress],
      ["uid", this.uid],
      ["userdata", this.userdata],
      ["custom", this.custom],
    ];
    const shown = fields.filter(([, value]) => value !== 0 && value !== "")
      .map(([name, value]) => `${name}: ${value}, `);
    return `Task { ${shown.join("")}body: ${inspectBody(this.body)} }`;
  }

  /** How `console.log` shows a task. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** How `console.log` shows a task. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

function readInt16(frame: Uint8Array, at: number): number {
  return (frame[at]! << 24 >> 16) | frame[at + 1]!;
}

function cmdName(cmd: number): string {
  for (const [name, value] of Object.entries(TaskCmd)) {
    if (value === cmd) return name;
  }
  return String(cmd);
}

// Those that are in use are in the low byte of the field.
const FLAGS_LOW = TaskOffset.flags + 1;

/** Whether a frame has a flag of {@linkcode TaskFlag}. */
export function hasFlag(frame: Uint8Array, flag: number): boolean {
  return (frame[FLAGS_LOW]! & flag) !== 0;
}

/** Sets a flag of {@linkcode TaskFlag} in the header that begins at `at`. */
export function addFlag(bytes: Uint8Array, at: number, flag: number): void {
  bytes[at + FLAGS_LOW]! |= flag;
}

/** Takes a flag of {@linkcode TaskFlag} out of the header that begins at `at`. */
export function removeFlag(bytes: Uint8Array, at: number, flag: number): void {
  bytes[at + FLAGS_LOW]! &= ~flag;
}

/** Whether a frame is about no client: no connection has the number 0. */
export function isForNobody(frame: Uint8Array): boolean {
  for (let at = TaskOffset.connId; at < TaskOffset.uid; at++) {
    if (frame[at] !== 0) return false;
  }
  return true;
}
