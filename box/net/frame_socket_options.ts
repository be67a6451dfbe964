// What a FrameSocket can be told.

import type { BufferMeter } from "../buffer_pool.ts";
import type { Framing } from "../framing.ts";

/**
 * How many of the frames that came together may be handled before what that gave to send is sent.
 */
export interface Pace {
  /** So many. */
  readonly frames: number;
  /** Or those that take so many milliseconds, as far as somebody calls `readClock` meanwhile. */
  readonly ms: number;
}

/** Settings of a {@linkcode FrameSocket}. */
export interface FrameSocketOptions {
  /** How the bytes are cut. */
  framing: Framing;
  /** A longer frame closes the connection. @default {16777216} */
  frameBytes?: number | undefined;
  /** The most bytes that may wait to be written; more closes the connection. @default {16777216} */
  outboxBytes?: number | undefined;
  /** The most bytes of a frame that is sent while nothing waits, see {@linkcode Outbox}. */
  loneBytes?: number | undefined;
  /**
   * Bytes of the smallest buffers, for reading and for writing: see {@linkcode FrameReader} and
   * {@linkcode Outbox}. @default {256}
   */
  bufferBytes?: number | undefined;
  /**
   * true: each frame is in bytes that nothing else writes to; false: a view that is valid during
   * the call only. @default {false}
   */
  ownFrames?: boolean;
  /**
   * For frames whose handling takes long: beyond this, the answers are sent before the next frame
   * is handled, and a side that does not read them gets no more of its frames handled. Without it
   * they are sent when all frames that came together are handled.
   */
  pace?: Pace | undefined;
  /**
   * Milliseconds that a connection which is closed in order may take for its last bytes, both ways,
   * before it is cut. @default {2000}
   */
  lingerMs?: number | undefined;
  /** Told how much memory its buffers take. */
  meter?: BufferMeter | undefined;
}

/**
 * `bufferBytes` of a connection between gateway and worker: what goes over it in one turn of the
 * event loop, when there is much to do.
 */
export const LINK_BUFFER_BYTES: number = 16 * 1024;
