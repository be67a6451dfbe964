// FrameSocket: one connection that carries frames, the same for every role: read loop, outbox,
// back-pressure and an orderly end.

import { turnNow } from "../clock.ts";
import { describeError } from "../log/describe_error.ts";
import {
  enterFairTurns,
  leaveFairTurns,
  turnToClose,
  turnToRead,
} from "./fair_turns.ts";
import type { Framing } from "../framing.ts";
import { FrameReader } from "../frame_reader.ts";
import { Gate } from "./gate.ts";
import { Outbox } from "../outbox.ts";

/**
 * Why a connection ended:
 *
 * - `peer`: the other side closed it, or it broke
 * - `local`: this side closed it
 * - `frame`: what came was no frame
 * - `idle`: nothing came for too long
 * - `outbox`: the other side did not read what was sent to it
 * - `error`: the handler of its frames threw
 */
export type CloseKind =
  | "peer"
  | "local"
  | "frame"
  | "idle"
  | "outbox"
  | "error";

/** Why a connection ended, for programs and for people. */
export interface CloseCause {
  /** The kind, for counters. */
  readonly kind: CloseKind;
  /** One line for a log. */
  readonly message: string;
}

/** Whoever works with the frames of a {@linkcode FrameSocket}. */
export interface FrameHandler {
  /** One whole frame; see {@linkcode FrameSocketOptions.ownFrames} for how long it is valid. */
  onFrame(frame: Uint8Array): void;
  /** Called exactly once: no frame comes after it and nothing more is sent. It must not throw. */
  onClose(cause: CloseCause): void;
}

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
  maxFrameBytes?: number | undefined;
  /** The most bytes that may wait to be written; more closes the connection. @default {16777216} */
  maxOutboxBytes?: number | undefined;
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
  /** While it is shut, nothing is read. */
  gate?: Gate | undefined;
  /**
   * For frames whose handling takes long: beyond this, the answers are sent before the next frame
   * is handled, and a side that does not read them gets no more of its frames handled. Without it
   * they are sent when all frames that came together are handled.
   */
  pace?: Pace | undefined;
}

/**
 * `bufferBytes` of a connection between gateway and worker: what goes over it in one turn of the
 * event loop, when there is much to do.
 */
export const LINK_BUFFER_BYTES: number = 16 * 1024;

// How long a closed connection may take for its last bytes, both ways, before it is cut.
const LINGER_MS = 2000;

/** One connection that carries frames. Made with a connection, it runs when `run` is called. */
export class FrameSocket {
  readonly #conn: Deno.Conn;
  readonly #handler: FrameHandler;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #ownFrames: boolean;
  readonly #sharedGate: Gate | undefined;
  readonly #pace: Pace | undefined;
  readonly #gate = new Gate();
  #closing = false;
  #destroyed = false;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;
  #wake: (() => void) | undefined;

  /**
   * Takes a connection over; {@linkcode FrameSocket.run} reads it.
   *
   * @param conn The connection, which belongs to this object from now on.
   * @throws {BoxError} `schema` when a limit is no positive integer.
   */
  constructor(
    conn: Deno.Conn,
    handler: FrameHandler,
    options: FrameSocketOptions,
  ) {
    this.#conn = conn;
    this.#handler = handler;
    this.#reader = new FrameReader(options.framing, {
      maxFrameBytes: options.maxFrameBytes,
      bufferBytes: options.bufferBytes,
    });
    this.#outbox = new Outbox(conn, {
      maxBytes: options.maxOutboxBytes,
      bufferBytes: options.bufferBytes,
      onError: (error) => this.#fail(error),
    });
    this.#ownFrames = options.ownFrames ?? false;
    this.#sharedGate = options.gate;
    this.#pace = options.pace;
  }

  /** Whether it is closed or on its way there. */
  get closed(): boolean {
    return this.#closing;
  }

  /** How many bytes wait to be written. */
  get pendingBytes(): number {
    return this.#outbox.pendingBytes;
  }

  /**
   * Where frames can be written in place: see `Outbox.reserve`. Whoever gets -1 calls {@linkcode
   * FrameSocket.overflow}.
   */
  get outbox(): Outbox {
    return this.#outbox;
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
    this.overflow();
    return false;
  }

  /**
   * Closes the connection because its outbox is full; no effect on one that is closing, whose last
   * bytes are still on their way.
   */
  overflow(): void {
    if (this.#closing) return;
    this.destroy({
      kind: "outbox",
      message:
        `the other side does not read: ${this.pendingBytes} bytes wait to be sent to it`,
    });
  }

  /** Resolves when all that was sent is written, or the connection is closed. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /** Reads frames until the connection has ended for good. Never rejects. */
  async run(): Promise<void> {
    enterFairTurns();
    try {
      while (!this.#destroyed) {
        const stop = this.#deliver();
        if (stop) {
          await stop;
          continue;
        }
        const turn = turnToRead();
        if (turn) {
          await turn;
          if (this.#destroyed) break;
        }
        const count = await this.#conn.read(this.#reader.space());
        if (count === null) {
          const last = turnToClose();
          if (last) await last;
          // It may still read: what was sent to it is written, also where this side was closing
          // already.
          this.close({ kind: "peer", message: "closed by the other side" });
          await this.#outbox.drained();
          break;
        }
        if (!this.#closing) this.#reader.commit(count);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      leaveFairTurns();
      this.#reader.clear();
    }
    this.destroy({ kind: "local", message: "closed" });
  }

  /**
   * Closes in order: no frame is delivered any more, what was sent is written, then the connection
   * ends. Both together may take 2 s. Only the first call counts.
   */
  close(
    cause: CloseCause = { kind: "local", message: "closed by this side" },
  ): void {
    if (this.#closing) return;
    this.#lingerTimer = setTimeout(() => this.#cut(), LINGER_MS);
    this.#outbox.end();
    this.#end(cause);
    // The peer reads to the end of what was sent and closes: a connection closed here while bytes
    // of the peer are unread would be reset, and the last message lost. So the read loop goes on
    // and throws away what still comes.
    this.#outbox.drained().then(() => this.#conn.closeWrite()).catch(() =>
      this.#cut()
    );
  }

  /** Closes at once; what is not written is dropped. */
  destroy(
    cause: CloseCause = { kind: "local", message: "closed by this side" },
  ): void {
    this.#end(cause);
    this.#cut();
  }

  #end(cause: CloseCause): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#wake?.();
    this.#handler.onClose(cause);
  }

  #cut(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    clearTimeout(this.#lingerTimer);
    this.#outbox.close();
    this.#conn.close();
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
  #waitFor(gate: Gate): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      gate.opened().then(resolve);
    });
  }

  // Gives out the frames that are there; where it has to stop, what it has to wait for.
  #deliver(): Promise<void> | undefined {
    const since = this.#pace ? turnNow() : 0;
    for (let handled = 0; !this.#closing; handled++) {
      if (!this.#gate.isOpen) return this.#waitFor(this.#gate);
      if (this.#sharedGate && !this.#sharedGate.isOpen) {
        return this.#waitFor(this.#sharedGate);
      }
      if (this.#pace && this.#isDue(this.#pace, handled, since)) {
        return this.drained();
      }
      let frame: Uint8Array | null;
      try {
        frame = this.#ownFrames ? this.#reader.take() : this.#reader.next();
      } catch (error) {
        this.close({ kind: "frame", message: (error as Error).message });
        return undefined;
      }
      if (!frame) return undefined;
      try {
        this.#handler.onFrame(frame);
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
