// Message: what gateways tell each other, as bytes: a header of 24 bytes and a body.

import {
  readInt32,
  readInt64,
  writeInt32,
  writeInt64,
} from "@maple/box/internal";

/**
 * What a message is: `hello` = a gateway tells that it is there, and how it is; `bye` = it leaves;
 * `claim` = it wants a node id; `command` = a Task of a worker or trigger to be carried out there
 * as well; `part` = the answer to one that was asked; `logins` = users who have logged in; `task` =
 * a task that a worker there is to have; `task-end` = what became of it.
 */
export type MessageKind =
  | "hello"
  | "bye"
  | "claim"
  | "command"
  | "part"
  | "logins"
  | "task"
  | "task-end";

/** What stands before the body. */
export interface MessageHead {
  /** What it is. */
  readonly kind: MessageKind;
  /** The number of the gateway that has sent it. */
  readonly node: number;
  /** What that gateway drew at its start: it tells apart its lives. */
  readonly id: number;
  /** Which of the sender's messages it is: the pieces of one have the same number. */
  readonly number: number;
  /** Which of its pieces this is, from 0. */
  readonly piece: number;
  /** How many pieces it has. */
  readonly pieces: number;
}

/** The bytes before the body. */
export const HEAD_BYTES = 24;

// Grows when older gateways would misread newer ones.
const VERSION = 1;
const KINDS: readonly MessageKind[] = [
  "hello",
  "bye",
  "claim",
  "command",
  "part",
  "logins",
  "task",
  "task-end",
];

const At = { kind: 1, piece: 2, pieces: 4, node: 8, id: 12, number: 20 };

/** Draws the number that tells apart the lives of gateways. */
export function drawId(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high % 2 ** 20) * 2 ** 32 + low + 1;
}

/** One message, or a piece of one. */
export function encodeMessage(head: MessageHead, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(HEAD_BYTES + body.length);
  message[0] = VERSION;
  message[At.kind] = KINDS.indexOf(head.kind) + 1;
  writeInt16(message, At.piece, head.piece);
  writeInt16(message, At.pieces, head.pieces);
  writeInt32(message, At.node, head.node);
  writeInt64(message, At.id, head.id);
  writeInt32(message, At.number, head.number);
  message.set(body, HEAD_BYTES);
  return message;
}

/** Reads the head of a message; undefined where it is none that this version knows. */
export function decodeHead(message: Uint8Array): MessageHead | undefined {
  if (message.length < HEAD_BYTES || message[0] !== VERSION) return undefined;
  const kind = KINDS[message[At.kind]! - 1];
  const [piece, pieces] = [
    readInt16(message, At.piece),
    readInt16(message, At.pieces),
  ];
  const id = readInt64(message, At.id);
  if (!kind || typeof id !== "number" || piece >= pieces) return undefined;
  return {
    kind,
    node: readInt32(message, At.node),
    id,
    number: readInt32(message, At.number),
    piece,
    pieces,
  };
}

/** A message as it leaves: in pieces of which none is longer than `maxBytes`. */
export function* piecesOf(
  head: Omit<MessageHead, "piece" | "pieces">,
  body: Uint8Array,
  maxBytes: number,
): Generator<Uint8Array> {
  const room = maxBytes - HEAD_BYTES;
  const pieces = Math.max(1, Math.ceil(body.length / room));
  for (let piece = 0; piece < pieces; piece++) {
    const part = body.subarray(piece * room, (piece + 1) * room);
    yield encodeMessage({ ...head, piece, pieces }, part);
  }
}

function readInt16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}

function writeInt16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}
