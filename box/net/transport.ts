// Transport: what carries the frames of a connection, TCP or WebSocket.

import type { CloseCause } from "./close_cause.ts";
import type { SocketPiece } from "./socket_piece.ts";

/** Whoever works with the frames of a transport. */
export interface FrameHandler {
  /** One whole frame; how long it is valid, the transport says. */
  onFrame(frame: Uint8Array): void;
  /** The other side wanted a sign of life, of so many bytes, and is given one. */
  onPing?(bytes: number): void;
  /**
   * The other side has ended its sending, and may still read. Without this the connection is
   * closed then, after what was sent before.
   *
   * @returns true to keep it open: the handler closes it when it has sent what was asked for.
   */
  onEnd?(): boolean;
  /** Called exactly once: no frame comes after it and nothing more is sent. It must not throw. */
  onClose(cause: CloseCause): void;
  /**
   * Called exactly once, after `onClose`: the connection has ended for good. It must not throw.
   *
   * @param late Whether the other side was not done reading what was sent before.
   */
  onGone?(late: boolean): void;
}

/** The part of a transport that whoever sends to a client needs. */
export interface Transport {
  /** Whether it is closed or on its way there. */
  readonly closed: boolean;
  /**
   * Sends one packed frame; false when it is not sent. A limit that is passed closes the
   * connection.
   */
  send(frame: Uint8Array): boolean;
  /** Closes it in order: what was sent before is written. */
  close(): void;
}

/** What a session needs of a transport. It is made first and given to its session. */
export interface ServerTransport extends Transport {
  /** The other side's address and port. */
  readonly remoteAddr: Deno.NetAddr;
  /** How many bytes wait to be written. */
  readonly pendingBytes: number;
  /** Whether anything was ever sent on it. */
  readonly hasSent: boolean;
  /** Bytes of a frame that is not whole yet; 0 while it is not read from. */
  readonly partialBytes: number;
  /** How many bytes of memory its buffers take. */
  readonly memoryBytes: number;
  /** Steps of a watch for which bytes wait and none was written; to be called once a step. */
  stalledSteps(): number;
  /** Gives out no more frames. */
  pause(): void;
  /** Gives them out again. */
  resume(): void;
  /** Closes it in order, and says why. */
  close(cause?: CloseCause): void;
  /** Closes it at once; what is not written is dropped. */
  destroy(cause?: CloseCause): void;
  /** What another process needs to go on with it; undefined where none can. */
  give?(): SocketPiece | undefined;
  /** Gives out frames until the connection has ended for good. Never rejects. */
  run(handler: FrameHandler): Promise<void>;
}

/** A transport in which frames can be written in place, without a copy. */
export interface FrameTransport extends ServerTransport {
  /**
   * Makes room for a frame of `count` bytes, to be filled in `buffer` at the returned index before
   * anything else is done; -1 where `send` would give false.
   */
  reserve(count: number): number;
  /** Where bytes for `reserve` go; changes with each call of it. */
  readonly buffer: Uint8Array;
  /** Resolves when all that was sent is written, or it is closed. */
  drained(): Promise<void>;
}
