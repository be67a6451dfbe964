// What goes over a line between the parent of several gateway processes and one of them.

import { FrameFault, type Framing } from "@maple/box";
import { type FrameSocket, readInt32, writeInt32 } from "@maple/box/internal";

/** What a frame is. */
export const RelayKind = {
  /** First of all, from a process: the secret that lets it in. */
  secret: 1,
  /** From a process: it takes messages to this node from now on. */
  listen: 2,
  /** A message to all others. */
  publish: 3,
  /** A message to this node. */
  send: 4,
  /** To a process: it is let in. */
  welcome: 5,
  /** To a process: the one that took messages to this node is gone. */
  gone: 6,
} as const;

/** One of {@linkcode RelayKind}. */
export type RelayKind = typeof RelayKind[keyof typeof RelayKind];

/** Bytes before the message: the length with these, the kind, the node. */
export const RELAY_HEAD_BYTES = 9;
/** Bytes of the longest message; the parent holds up all others while it passes one on. */
export const RELAY_MESSAGE_BYTES: number = 256 * 1024;
const KIND_AT = 4;
const NODE_AT = 5;
const EMPTY = new Uint8Array(0);

/** Cuts bytes into these frames. */
export const RELAY_FRAMING: Framing = {
  name: "relayed message",
  frameLength(bytes, start, end) {
    if (end - start < KIND_AT) return 0;
    const length = readInt32(bytes, start);
    return length < RELAY_HEAD_BYTES ? FrameFault.badLength : length;
  },
};

/** One frame. */
export interface RelayFrame {
  readonly kind: number;
  readonly node: number;
  /** A part of the frame's bytes. */
  readonly message: Uint8Array;
}

/**
 * Sends a frame; the bytes of the message are free again when it returns.
 *
 * @returns Whether it is sent.
 */
export function sendRelay(
  socket: FrameSocket,
  { kind, node = 0, message = EMPTY }: {
    readonly kind: RelayKind;
    readonly node?: number;
    readonly message?: Uint8Array;
  },
): boolean {
  const length = RELAY_HEAD_BYTES + message.length;
  const at = socket.reserve(length);
  if (at < 0) return false;
  const { buffer } = socket;
  writeInt32(buffer, at, length);
  buffer[at + KIND_AT] = kind;
  writeInt32(buffer, at + NODE_AT, node);
  buffer.set(message, at + RELAY_HEAD_BYTES);
  return true;
}

/** Reads a frame. */
export function readRelay(frame: Uint8Array): RelayFrame {
  return {
    kind: frame[KIND_AT]!,
    node: readInt32(frame, NODE_AT),
    message: frame.subarray(RELAY_HEAD_BYTES),
  };
}
