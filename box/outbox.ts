// Outbox: what is to be written to one socket, collected into one write per turn of the event loop.

import {
  acquireBuffer,
  type BufferMeter,
  releaseBuffer,
} from "./buffer_pool.ts";
import { BoxError } from "./errors.ts";
import { atEndOfTurn } from "./turn.ts";

/** The part of a connection that an outbox needs. */
export interface ByteWriter {
  /** Writes some of the bytes and tells how many: at once, or by a promise. */
  write(bytes: Uint8Array): number | Promise<number>;
}

/** Settings of an {@linkcode Outbox}. */
export interface OutboxOptions {
  /** The most bytes that may wait to be written. @default {16777216} */
  maxBytes?: number | undefined;
  /**
   * The most bytes that may wait, where that is more than `maxBytes`, of what is pushed in one turn
   * while nothing waits, and while the other side takes what is written; behind it `maxBytes` may
   * wait. So a side that reads gets what is long as well, or much at once. @default {0}
   */
  maxLoneBytes?: number | undefined;
  /**
   * Bytes of memory that it takes at least when something waits: small for connections that are
   * many, large for one that carries much. @default {256}
   */
  bufferBytes?: number | undefined;
  /** Told how much memory its buffers take. */
  meter?: BufferMeter | undefined;
  /** Called once when a write has failed; nothing more is written then. */
  onError?: (error: unknown) => void;
}

/** What becomes of a write that is not done at once. */
interface WriteCallbacks {
  readonly written: (count: number) => void;
  readonly failed: (error: unknown) => void;
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
// What was more may have been one large frame.
const BEFORE_MAX_BYTES = 256 * 1024;
const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * Collects bytes by copying them and writes them together at the end of the turn, the next lot when
 * the one before is written. While nothing waits it holds no memory.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Outbox } from "@maple/box";
 *
 * const written: number[] = [];
 * const outbox = new Outbox({
 *   write: (bytes) => (written.push(bytes.length), Promise.resolve(bytes.length)),
 * });
 * outbox.push(new Uint8Array(10));
 * outbox.push(new Uint8Array(20));
 * await outbox.drained();
 * assertEquals(written, [30]);
 * ```
 */
export class Outbox {
  readonly #writer: ByteWriter;
  #maxBytes: number;
  #maxLoneBytes: number;
  // Bytes that were pushed at once and let through; no limit counts them.
  #loneBytes = 0;
  readonly #bufferBytes: number;
  readonly #meter: BufferMeter | undefined;
  readonly #onError: ((error: unknown) => void) | undefined;
  #buffer: Uint8Array = EMPTY;
  #length = 0;
  // Bytes of the write before: as much is likely to come again.
  #before = 0;
  #writing: Uint8Array = EMPTY;
  #writingAt = 0;
  #writingLength = 0;
  #moves = 0;
  // When the write began, or more than usual was let through last.
  #seenMoves = 0;
  #scheduled = false;
  #closed = false;
  #drainWaiters: (() => void)[] | undefined;
  #callbacks: WriteCallbacks | undefined;

  /**
   * Makes an empty outbox.
   *
   * @param writer Where the bytes go.
   * @throws {BoxError} `option` when maxBytes is no positive integer.
   */
  constructor(writer: ByteWriter, options: OutboxOptions = {}) {
    const { maxBytes = DEFAULT_MAX_BYTES } = options;
    if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
      throw new BoxError(
        "option",
        `Cannot make an Outbox: maxBytes must be a positive integer, got ${maxBytes}`,
      );
    }
    this.#writer = writer;
    this.#maxBytes = maxBytes;
    this.#maxLoneBytes = options.maxLoneBytes ?? 0;
    this.#bufferBytes = options.bufferBytes ?? 0;
    this.#meter = options.meter;
    this.#onError = options.onError;
  }

  /** How many bytes wait to be written, those under way included. */
  get pendingBytes(): number {
    return this.#length + this.#writingLength - this.#writingAt;
  }

  /** How many bytes of memory its buffers take. */
  get capacity(): number {
    return this.#buffer.length + this.#writing.length;
  }

  /** How often bytes were written: while it does not change, the other side takes none. */
  get moves(): number {
    return this.#moves;
  }

  /**
   * Queues bytes; they may be changed afterwards.
   *
   * @returns false when the outbox has ended or its limit would be passed: nothing is queued then.
   */
  push(bytes: Uint8Array): boolean {
    const at = this.reserve(bytes.length);
    if (at < 0) return false;
    this.#buffer.set(bytes, at);
    return true;
  }

  /**
   * Makes room for `count` bytes, to be filled in {@linkcode Outbox.buffer} at the returned index
   * before anything else is done.
   *
   * @returns The index, or -1 where `push` would give false.
   */
  reserve(count: number): number {
    if (this.#closed) return -1;
    const pending = this.pendingBytes;
    if (pending === 0) this.#loneBytes = 0;
    if (pending + count > this.#maxBytes + this.#loneBytes) {
      // Before it is tried to write, and while the other side takes what is written, nobody can say
      // that it does not read.
      const reads = this.#writingLength === 0 ||
        this.#moves !== this.#seenMoves;
      if (!reads || pending + count > this.#maxLoneBytes) return -1;
      this.#seenMoves = this.#moves;
      this.#loneBytes = pending + count;
    }
    const at = this.#length;
    const length = at + count;
    if (length > this.#buffer.length) this.#grow(length);
    this.#length = length;
    if (!this.#scheduled && this.#writingLength === 0) {
      this.#scheduled = true;
      atEndOfTurn(Outbox.#endTurn, this);
    }
    return at;
  }

  /** Where bytes for {@linkcode Outbox.reserve} go; changes with each call of it. */
  get buffer(): Uint8Array {
    return this.#buffer;
  }

  /**
   * Resolves when nothing waits any more: all is written, a write has failed or the outbox was
   * closed.
   */
  drained(): Promise<void> {
    if (this.pendingBytes === 0 || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      (this.#drainWaiters ??= []).push(resolve);
    });
  }

  /** What waits to be written, in bytes of its own. */
  give(): Uint8Array {
    if (this.pendingBytes === 0) return EMPTY;
    const under = this.#writing.subarray(this.#writingAt, this.#writingLength);
    const given = new Uint8Array(this.pendingBytes);
    given.set(under);
    given.set(this.#buffer.subarray(0, this.#length), under.length);
    return given;
  }

  /** Takes what was to be written elsewhere before; no limit counts it. */
  takeOver(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const maxLoneBytes = this.#maxLoneBytes;
    this.#maxLoneBytes = Math.max(maxLoneBytes, bytes.length);
    this.push(bytes);
    this.#maxLoneBytes = maxLoneBytes;
    this.#loneBytes = bytes.length;
  }

  /** Takes nothing more; what waits is still written. */
  end(): void {
    this.#maxBytes = -Infinity;
    this.#maxLoneBytes = -1;
  }

  /** Drops what waits and takes nothing more. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#meter?.add(-this.#buffer.length);
    if (this.#length > 0) releaseBuffer(this.#buffer);
    this.#buffer = EMPTY;
    this.#length = 0;
    this.#settle();
  }

  static #endTurn(outbox: Outbox): void {
    outbox.#scheduled = false;
    if (outbox.#writingLength > 0 || outbox.#length === 0) return;
    outbox.#seenMoves = outbox.#moves;
    outbox.#start();
    outbox.#write();
  }

  #grow(needed: number): void {
    const usual = this.#length > 0
      ? this.#buffer.length * 2
      : Math.min(this.#before, BEFORE_MAX_BYTES);
    const grown = acquireBuffer(Math.max(needed, usual, this.#bufferBytes));
    if (this.#length > 0) grown.set(this.#buffer.subarray(0, this.#length));
    this.#meter?.add(grown.length - this.#buffer.length);
    if (this.#buffer.length > 0) releaseBuffer(this.#buffer);
    this.#buffer = grown;
  }

  #start(): void {
    this.#writing = this.#buffer;
    this.#writingLength = this.#before = this.#length;
    this.#writingAt = 0;
    this.#buffer = EMPTY;
    this.#length = 0;
  }

  #write(): void {
    try {
      let count: number | Promise<number>;
      do {
        count = this.#writer.write(
          this.#writing.subarray(this.#writingAt, this.#writingLength),
        );
        if (typeof count !== "number") {
          const { written, failed } = this.#callbacks ??= this.#makeCallbacks();
          count.then(written, failed);
          return;
        }
      } while (this.#goesOn(count));
    } catch (error) {
      this.#fail(error);
    }
  }

  // Made when they are needed: connections are many, and where a write is done at once none is.
  #makeCallbacks(): WriteCallbacks {
    return {
      written: (count) => {
        if (this.#goesOn(count)) this.#write();
      },
      failed: (error) => this.#fail(error),
    };
  }

  // So many bytes are written; whether there is more.
  #goesOn(count: number): boolean {
    this.#writingAt += count;
    if (count > 0) this.#moves++;
    if (this.#writingAt < this.#writingLength && !this.#closed) {
      if (count > 0) return true;
      this.#fail(new BoxError("closed", "Cannot write: no byte taken"));
      return false;
    }
    this.#finishWriting();
    if (this.#length > 0) {
      this.#start();
      return true;
    }
    this.#settle();
    return false;
  }

  #fail(error: unknown): void {
    this.#finishWriting();
    const closed = this.#closed;
    this.close();
    if (!closed) this.#onError?.(error);
  }

  #finishWriting(): void {
    this.#meter?.add(-this.#writing.length);
    releaseBuffer(this.#writing);
    this.#writing = EMPTY;
    this.#writingAt = this.#writingLength = 0;
  }

  #settle(): void {
    const waiters = this.#drainWaiters;
    if (!waiters) return;
    this.#drainWaiters = undefined;
    for (const resolve of waiters) resolve();
  }
}
