// FrameReader: bytes in, whole frames out. It knows no sockets.

import {
  acquireBuffer,
  type BufferMeter,
  bufferSize,
  releaseBuffer,
} from "./buffer_pool.ts";
import { BoxError } from "./errors.ts";
import {
  DEFAULT_MAX_FRAME_BYTES,
  FrameFault,
  type Framing,
} from "./framing.ts";
import { refuseRenamed } from "./options.ts";
import { copyOf } from "./slab.ts";

/** Settings of a {@linkcode FrameReader}. */
export interface FrameReaderOptions {
  /** A longer frame is refused before memory is taken for it. @default {16777216} */
  frameBytes?: number | undefined;
  /**
   * Bytes of memory that it has at least, up to 64 KiB: small for connections that are many, large
   * for one that carries much. @default {256}
   */
  bufferBytes?: number | undefined;
  /** Told how much memory its buffer takes. */
  meter?: BufferMeter | undefined;
}

// A connection that is idle keeps the small buffer; one that fills it gets a larger one, up to the
// large size, for as long as it needs it.
const LARGE_BUFFER_BYTES = 64 * 1024;
const QUIET_READS_TO_SHRINK = 16;
const MAGIC_BYTES = 4;
const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * A push decoder with one buffer: fill it with `push`, or let a socket read straight into `space()`
 * and tell with `commit(n)`; then take the frames.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Box, FrameReader } from "@maple/box";
 *
 * const reader = new FrameReader(Box);
 * reader.push(new Box({ cmd: 1, body: "hi" }).pack());
 * for (let frame = reader.next(); frame; frame = reader.next()) {
 *   assertEquals(Box.fromFrame(frame).text(), "hi");
 * }
 * ```
 */
export class FrameReader {
  readonly #framing: Framing;
  readonly #frameBytes: number;
  readonly #least: number;
  readonly #meter: BufferMeter | undefined;
  #buffer: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;
  // Length of the frame at #start once its header is known, else 0; and how many of its bytes were
  // searched in vain.
  #frameLength = 0;
  #seen = 0;
  #wanted: number;
  #room = 0;
  #quietReads = 0;

  /**
   * Makes a reader that holds nothing yet.
   *
   * @param framing How the bytes are cut: a box class, `Task`, `LineBox`.
   * @throws {BoxError} `option` when frameBytes is no positive integer.
   */
  constructor(framing: Framing, options: FrameReaderOptions = {}) {
    const {
      frameBytes = DEFAULT_MAX_FRAME_BYTES,
      bufferBytes = 0,
    } = options;
    if (!Number.isSafeInteger(frameBytes) || frameBytes < 1) {
      throw new BoxError(
        "option",
        `Cannot make a FrameReader: frameBytes must be a positive integer, got ${frameBytes}`,
      );
    }
    // Connections are many, and mistakes are few.
    if ("maxFrameBytes" in options) {
      refuseRenamed(
        options,
        { maxFrameBytes: "frameBytes" },
        (message) => new BoxError("option", message),
      );
    }
    this.#framing = framing;
    this.#frameBytes = frameBytes;
    this.#least = Math.min(bufferSize(bufferBytes), LARGE_BUFFER_BYTES);
    this.#wanted = this.#least;
    this.#meter = options.meter;
  }

  /** How many bytes are held that are not yet taken as frames. */
  get bufferedBytes(): number {
    return this.#end - this.#start;
  }

  /** How many bytes of memory the buffer takes. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** What is held, in bytes of its own. */
  give(): Uint8Array {
    return this.#start === this.#end
      ? EMPTY
      : this.#buffer.slice(this.#start, this.#end);
  }

  /**
   * Free room, at least one byte, for the next bytes. Views that `next` gave are no longer valid
   * after this.
   */
  space(): Uint8Array {
    const held = this.#end - this.#start;
    const length = this.#buffer.length;
    if (held === 0) {
      this.#start = this.#end = 0;
      if (length !== this.#wanted) this.#replace(acquireBuffer(this.#wanted));
    } else if (held === length) {
      // Doubled only as bytes really come: a header that announces much and sends little takes no
      // memory.
      this.#move(acquireBuffer(Math.max(held * 2, this.#wanted)));
    } else if (this.#start > 0) {
      // On a busy connection a part of the next frame is always there: the size has to change with
      // that part in it.
      const enough = Math.max(this.#wanted, held * 2);
      if (length < this.#wanted || length >= enough * 4) {
        this.#move(acquireBuffer(enough));
      } else if (length - this.#end < length / 2) {
        this.#move(this.#buffer);
      }
    }
    this.#room = this.#buffer.length - this.#end;
    return this.#end === 0 ? this.#buffer : this.#buffer.subarray(this.#end);
  }

  /**
   * Tells that the first `count` bytes of `space()` have been filled.
   *
   * @param read How many bytes were read into it, where some of them were taken out since: by this
   * the buffer grows and shrinks. @default {count}
   * @throws {BoxError} `value` when `space()` has not given as many.
   */
  commit(count: number, read: number = count): void {
    const room = this.#room;
    if (!(count >= 0 && count <= read && read <= room)) {
      throw new BoxError(
        "value",
        `Cannot commit ${count} bytes of ${read}: space() gave room for ${room}`,
      );
    }
    this.#end += count;
    this.#room = 0;
    if (read === room) {
      this.#quietReads = 0;
      this.#wanted = Math.min(this.#wanted * 4, LARGE_BUFFER_BYTES);
    } else if (
      this.#wanted > this.#least && read < this.#wanted / 4 &&
      ++this.#quietReads >= QUIET_READS_TO_SHRINK
    ) {
      this.#quietReads = 0;
      this.#wanted /= 4;
    }
  }

  /**
   * Forgets what is held and gives the memory back; views that `next` or `space` gave must not be
   * used any more. It may be filled again.
   */
  clear(): void {
    this.#replace(EMPTY);
    this.#start =
      this.#end =
      this.#frameLength =
      this.#seen =
      this.#room =
        0;
    this.#wanted = this.#least;
  }

  /**
   * Tells that nothing may come for a long time: where nothing is held, the memory that a long
   * frame took is given back. Views that `next` gave are no longer valid after this.
   */
  rest(): void {
    if (this.#end > this.#start || this.#buffer.length <= this.#wanted) return;
    this.#replace(EMPTY);
    this.#start = this.#end = this.#room = 0;
  }

  /** Takes bytes in by copying them. Views that `next` gave are no longer valid after this. */
  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      const space = this.space();
      const count = Math.min(space.length, bytes.length - offset);
      space.set(bytes.subarray(offset, offset + count));
      this.commit(count);
      offset += count;
    }
  }

  /**
   * The next whole frame as a view, valid until the next `space` or `push`; null while there is
   * none.
   *
   * @throws {BoxError} `frame` when the bytes are no frame, `limit` when it is too long; the reader
   * is of no more use then.
   */
  next(): Uint8Array | null {
    const start = this.#start;
    return this.#advance() ? this.#buffer.subarray(start, this.#start) : null;
  }

  /**
   * The next whole frame in bytes that nothing else writes to; null while there is none. Small
   * frames share their `ArrayBuffer` with others: it must not be transferred to another thread, and
   * where it is cloned the others are cloned too.
   *
   * @throws {BoxError} `frame`, as `next`.
   */
  take(): Uint8Array | null {
    const start = this.#start;
    return this.#advance() ? copyOf(this.#buffer, start, this.#start) : null;
  }

  #advance(): boolean {
    const held = this.#end - this.#start;
    if (this.#frameLength === 0) {
      if (held === 0) return false;
      const length = this.#framing.frameLength(
        this.#buffer,
        this.#start,
        this.#end,
        this.#seen,
      );
      if (length < 0 || length > this.#frameBytes) {
        throw this.#fault(length < 0 ? length : FrameFault.tooLong, length);
      }
      if (length === 0) {
        this.#seen = held;
        if (held >= this.#frameBytes) {
          throw this.#fault(FrameFault.tooLong, held);
        }
        return false;
      }
      this.#frameLength = length;
    }
    if (held < this.#frameLength) return false;
    this.#start += this.#frameLength;
    this.#frameLength = 0;
    this.#seen = 0;
    return true;
  }

  #move(target: Uint8Array): void {
    const held = this.#end - this.#start;
    if (target === this.#buffer) {
      target.copyWithin(0, this.#start, this.#end);
    } else {
      target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#replace(target);
    }
    this.#start = 0;
    this.#end = held;
  }

  #replace(buffer: Uint8Array): void {
    this.#meter?.add(buffer.length - this.#buffer.length);
    if (this.#buffer.length > 0) releaseBuffer(this.#buffer);
    this.#buffer = buffer;
  }

  #fault(fault: number, length: number): BoxError {
    const name = this.#framing.name;
    const detail = fault === FrameFault.badMagic
      ? "they do not begin with its magic number"
      : fault === FrameFault.badLength
      ? "the length field is smaller than the header"
      : `${length} bytes are above the limit of ${this.#frameBytes} bytes a frame`;
    return new BoxError(
      fault === FrameFault.tooLong ? "limit" : "frame",
      `Received bytes are no ${name}: ${detail}${
        fault === FrameFault.badMagic ? this.#firstBytes() : ""
      }`,
    );
  }

  // No more than what stands in place of the magic number: enough to know a TLS or HTTP client by,
  // and nothing that a log must not keep.
  #firstBytes(): string {
    const end = Math.min(this.#start + MAGIC_BYTES, this.#end);
    const hex = Array.from(
      this.#buffer.subarray(this.#start, end),
      (byte) => byte.toString(16).padStart(2, "0"),
    );
    return ` (first bytes: ${hex.join(" ")})`;
  }
}
