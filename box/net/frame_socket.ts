// FrameSocket: one connection that carries frames, the same for every role: read loop, outbox,
// back-pressure and an orderly end.

import { turnNow } from "../clock.ts";
import type { BoxError } from "../errors.ts";
import { FrameReader } from "../frame_reader.ts";
import { describeError } from "../log/describe_error.ts";
import { Outbox } from "../outbox.ts";
import type { CloseCause } from "./close_cause.ts";
import type { ByteSink, Conn } from "./conn.ts";
import type { FrameSocketOptions, Pace } from "./frame_socket_options.ts";
import { Gate } from "./gate.ts";
import type { SocketPiece } from "./socket_piece.ts";
import type { FrameHandler, FrameTransport } from "./transport.ts";

const LEFT: CloseCause = { kind: "peer", message: "closed by the other side" };
const DEFAULT_LINGER_MS = 2000;
// Where this side stops it does not wait longer for those who do not read, or have got all and do
// not close.
const STOP_STEP_MS = 2000;

/** One connection that carries frames. Made with a connection, it runs when `run` is called. */
export class FrameSocket implements FrameTransport, ByteSink {
  readonly #conn: Conn;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #ownFrames: boolean;
  readonly #pace: Pace | undefined;
  readonly #gate = new Gate();
  #handler: FrameHandler | undefined;
  #cause: CloseCause | undefined;
  #destroyed = false;
  readonly #lingerMs: number;
  #stopping = false;
  #hadSent = false;
  #seenMoves = 0;
  #stalledSteps = 0;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;
  #wake: (() => void) | undefined;

  /**
   * Takes a connection over; {@linkcode FrameSocket.run} reads it.
   *
   * @param conn The connection, which belongs to this object from now on.
   * @throws {BoxError} `schema` when a limit is no positive integer.
   */
  constructor(conn: Conn, options: FrameSocketOptions) {
    this.#conn = conn;
    this.#reader = new FrameReader(options.framing, {
      frameBytes: options.frameBytes,
      bufferBytes: options.bufferBytes,
      meter: options.meter,
    });
    this.#outbox = new Outbox(conn, {
      maxBytes: options.outboxBytes,
      maxLoneBytes: options.loneBytes,
      bufferBytes: options.bufferBytes,
      meter: options.meter,
      onError: (error) => this.#fail(error),
    });
    this.#ownFrames = options.ownFrames ?? false;
    this.#pace = options.pace;
    this.#lingerMs = options.lingerMs ?? DEFAULT_LINGER_MS;
  }

  /** Whether it is closed or on its way there. */
  get closed(): boolean {
    return this.#cause !== undefined;
  }

  /** The other side's address and port. */
  get remoteAddr(): Deno.NetAddr {
    return this.#conn.remoteAddr;
  }

  /** How many bytes wait to be written. */
  get pendingBytes(): number {
    return this.#outbox.pendingBytes;
  }

  /** Bytes of a frame that is not whole yet; 0 while it is not read from. */
  get partialBytes(): number {
    const reading = this.#gate.isOpen && !this.closed;
    return reading ? this.#reader.bufferedBytes : 0;
  }

  /** How many bytes of memory its buffers take. */
  get memoryBytes(): number {
    return this.#reader.capacity + this.#outbox.capacity;
  }

  /** Steps of a watch for which bytes wait and none was written; to be called once a step. */
  stalledSteps(): number {
    const { moves } = this.#outbox;
    if (moves !== this.#seenMoves || this.pendingBytes === 0) {
      this.#seenMoves = moves;
      this.#stalledSteps = 0;
    } else this.#stalledSteps++;
    return this.#stalledSteps;
  }

  /** Whether anything was ever sent on it. */
  get hasSent(): boolean {
    return this.#hadSent || this.#outbox.moves > 0 || this.pendingBytes > 0;
  }

  /** Where bytes for {@linkcode FrameSocket.reserve} go; changes with each call of it. */
  get buffer(): Uint8Array {
    return this.#outbox.buffer;
  }

  /**
   * What another process needs to go on with it, as it is; nothing changes here. Undefined where
   * none can: it is closed, or its connection is none that can be handed over.
   */
  give(): SocketPiece | undefined {
    const conn = this.closed ? undefined : this.#conn.give?.();
    if (!conn) return undefined;
    const { socket, remoteAddr: { hostname, port }, unread, webSocket } = conn;
    const { writing = 0 } = conn;
    return {
      socket,
      hostname,
      port,
      unread,
      read: this.#reader.give(),
      unsent: this.#outbox.give().subarray(writing),
      hasSent: this.hasSent,
      paused: !this.#gate.isOpen,
      stalledSteps: this.#stalledSteps,
      webSocket,
    };
  }

  /** Goes on with what another process has given; before `run`. */
  takeOver(piece: SocketPiece): void {
    this.#reader.push(piece.read);
    this.#outbox.takeOver(piece.unsent);
    this.#hadSent = piece.hasSent;
    this.#stalledSteps = piece.stalledSteps;
    if (piece.paused) this.pause();
  }

  /** Stops reading; what was read already is kept. */
  pause(): void {
    this.#gate.shut();
  }

  /** Goes on reading. */
  resume(): void {
    this.#gate.open();
  }

  /**
   * Sends bytes at the end of the turn. Where the limit of the outbox is passed the connection is
   * closed, since the other side does not read. A closed connection sends nothing.
   *
   * @returns false when they are not sent.
   */
  send(bytes: Uint8Array): boolean {
    if (this.#outbox.push(bytes)) return true;
    this.#overflow();
    return false;
  }

  /**
   * The same for a frame of `count` bytes that is written in place, in {@linkcode
   * FrameSocket.buffer} at the returned index, before anything else is done.
   *
   * @returns The index, or -1 where `send` would give false.
   */
  reserve(count: number): number {
    const at = this.#outbox.reserve(count);
    if (at < 0) this.#overflow();
    return at;
  }

  /** Resolves when all that was sent is written, or the connection is closed. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /**
   * Gives out frames until the connection has ended for good. Never rejects. One that was closed
   * before tells its handler so.
   */
  run(handler: FrameHandler): Promise<void> {
    this.#handler = handler;
    if (this.#cause) handler.onClose(this.#cause);
    return this.#conn.run(this);
  }

  /** For the connection: gives out the frames that are there. */
  next(): Promise<void> | undefined {
    if (this.#destroyed) return undefined;
    const wait = this.#deliver();
    if (!wait) this.#reader.rest();
    return wait;
  }

  space(): Uint8Array {
    return this.#reader.space();
  }

  filled(count: number, read: number = count): void {
    if (!this.closed) this.#reader.commit(count, read);
  }

  async ended(error?: unknown): Promise<void> {
    this.#reader.clear();
    if (error !== undefined) return this.#fail(error);
    if (!this.closed && this.#handler!.onEnd?.()) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    // Where nothing is on its way that is all: thousands may leave at the same moment, and the
    // timer of an orderly end costs more than the rest of it.
    if (!this.closed && this.pendingBytes === 0) return this.destroy(LEFT);
    // It may still read: what was sent to it is written, also where this side was closing already.
    this.close(LEFT);
    await this.#outbox.drained();
    this.#cut();
  }

  /**
   * Closes in order: no frame is delivered any more, what was sent is written, then the connection
   * ends. Both together may take `lingerMs`. Only the first call counts; but when this side stops,
   * those who do not read, or have got all and do not close, are not waited for longer than 2 s.
   */
  close(
    cause: CloseCause = { kind: "local", message: "closed by this side" },
  ): void {
    if (cause.kind === "stop") this.#stopping = true;
    if (this.closed) return this.#hurry();
    this.#linger(this.#lingerMs);
    this.#end(cause);
    // The peer reads to the end of what was sent and closes: a connection closed here while bytes
    // of the peer are unread would be reset, and the last message lost. So the read loop goes on
    // and throws away what still comes.
    this.#outbox.drained().then(() => {
      this.#hurry();
      return this.#conn.closeWrite();
    }).catch(() => this.#cut());
  }

  /** Closes at once; what is not written is dropped. */
  destroy(
    cause: CloseCause = { kind: "local", message: "closed by this side" },
  ): void {
    this.#end(cause);
    this.#cut();
  }

  #end(cause: CloseCause): void {
    if (this.#cause) return;
    this.#cause = cause;
    this.#outbox.end();
    this.#wake?.();
    this.#handler?.onClose(cause);
  }

  // No effect on one that is closing, whose last bytes are still on their way.
  #overflow(): void {
    if (this.closed) return;
    this.destroy({
      kind: "outbox",
      message:
        `the other side does not read: ${this.pendingBytes} bytes wait to be sent to it`,
    });
  }

  #linger(leftMs: number): void {
    clearTimeout(this.#lingerTimer);
    const stepMs = this.#stopping ? Math.min(leftMs, STOP_STEP_MS) : leftMs;
    const { moves } = this.#outbox;
    this.#lingerTimer = setTimeout(() => {
      const reads = this.pendingBytes > 0 && this.#outbox.moves !== moves;
      if (reads && leftMs > stepMs) this.#linger(leftMs - stepMs);
      else this.#cut(this.pendingBytes > 0);
    }, stepMs);
  }

  #hurry(): void {
    if (this.#stopping && !this.#destroyed) this.#linger(this.#lingerMs);
  }

  #cut(late = false): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    clearTimeout(this.#lingerTimer);
    this.#outbox.close();
    this.#conn.close();
    this.#handler?.onGone?.(late);
  }

  #fail(error: unknown): void {
    this.destroy({
      kind: "peer",
      message: `broken: ${
        error instanceof Error ? error.message : String(error)
      }`,
    });
  }

  #isDue({ frames, ms }: Pace, handled: number, since: number): boolean {
    return this.pendingBytes > 0 &&
      (handled >= frames || turnNow() - since >= ms);
  }

  // Until the gate opens or the connection ends, whichever is first.
  #waitUntilOpen(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#gate.opened().then(resolve);
    });
  }

  // Gives out the frames that are there; where it has to stop, what it has to wait for.
  #deliver(): Promise<void> | undefined {
    const since = this.#pace ? turnNow() : 0;
    for (let handled = 0; !this.#cause; handled++) {
      if (!this.#gate.isOpen) return this.#waitUntilOpen();
      if (this.#pace && this.#isDue(this.#pace, handled, since)) {
        return this.drained();
      }
      let frame: Uint8Array | null;
      try {
        frame = this.#ownFrames ? this.#reader.take() : this.#reader.next();
      } catch (error) {
        const { message, code } = error as BoxError;
        this.close({ kind: "frame", message, tooLong: code === "limit" });
        return undefined;
      }
      if (!frame) return undefined;
      try {
        this.#handler!.onFrame(frame);
      } catch (error) {
        this.close({
          kind: "error",
          message: `cannot handle its frame: ${
            describeError(error).replaceAll(/\s*\n\s*/g, " ")
          }`,
        });
      }
    }
    return undefined;
  }
}
