// WebSocketTransport: one WebSocket connection that carries a box in each binary message.

import type { BoxClass } from "../box_class.ts";
import { FrameFault } from "../framing.ts";
import { describeError } from "../log/describe_error.ts";
import type { CloseCause } from "./close_cause.ts";
import type { FrameHandler, ServerTransport } from "./transport.ts";

/** Settings of a {@linkcode WebSocketTransport}. */
export interface WebSocketTransportOptions {
  /** The class of the boxes. */
  readonly boxClass: BoxClass<object>;
  /** A longer box closes the connection. */
  readonly maxFrameBytes: number;
  /**
   * The most bytes that may wait to be sent, and that are kept while the connection is paused; more
   * closes it.
   */
  readonly maxOutboxBytes: number;
}

// Close codes of RFC 6455.
const CODE = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL: 1002,
  UNSUPPORTED: 1003,
  POLICY: 1008,
  TOO_BIG: 1009,
  FAILURE: 1011,
  TRY_LATER: 1013,
} as const;
// How long a closed connection may take for its last bytes before it is forgotten.
const LINGER_MS = 2000;
const MAX_REASON_LENGTH = 100;

/**
 * One WebSocket connection that carries a box in each binary message. It begins when the socket is
 * open.
 */
export class WebSocketTransport implements ServerTransport {
  /** The other side's address and port. */
  readonly remoteAddr: Deno.NetAddr;
  readonly #socket: WebSocket;
  readonly #options: WebSocketTransportOptions;
  readonly #ended: Promise<void>;
  #setEnded!: () => void;
  #handler: FrameHandler | undefined;
  #cause: CloseCause | undefined;
  #paused = false;
  // A WebSocket cannot be told not to read: what comes while it is paused is kept here.
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Takes over a socket.
   *
   * @param socket An open socket, which belongs to this object from now on.
   */
  constructor(
    socket: WebSocket,
    remoteAddr: Deno.NetAddr,
    options: WebSocketTransportOptions,
  ) {
    this.#socket = socket;
    this.remoteAddr = remoteAddr;
    this.#options = options;
    this.#ended = new Promise((resolve) => this.#setEnded = resolve);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#onMessage(data);
    socket.onclose = () => this.#onClose();
  }

  /** Whether it is closed or on its way there. */
  get closed(): boolean {
    return this.#cause !== undefined;
  }

  /** How many bytes wait to be written. */
  get pendingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /**
   * Sends one packed box. Where the limit is passed the connection is closed, since the other side
   * does not read.
   */
  send(frame: Uint8Array): boolean {
    if (this.closed) return false;
    const waiting = this.#socket.bufferedAmount;
    if (waiting + frame.length > this.#options.maxOutboxBytes) {
      this.close({
        kind: "outbox",
        message:
          `the other side does not read: ${waiting} bytes wait to be sent to it`,
      });
      return false;
    }
    // A box is packed into bytes that are not shared with another thread.
    this.#socket.send(frame as Uint8Array<ArrayBuffer>);
    return true;
  }

  /** Gives out no more boxes; what comes is kept, up to the limit. */
  pause(): void {
    this.#paused = true;
  }

  /** Gives out what was kept, and what comes. */
  resume(): void {
    this.#paused = false;
    const kept = this.#kept;
    this.#kept = [];
    this.#keptBytes = 0;
    for (const frame of kept) if (!this.closed) this.#deliver(frame);
  }

  /** Closes in order; only the first call counts. */
  close(
    cause: CloseCause = { kind: "local", message: "closed by this side" },
  ): void {
    this.#close(codeOf(cause), cause);
  }

  /**
   * Closes it as far as it can be: a WebSocket cannot be cut, so that its other side may keep it
   * open.
   */
  destroy(cause?: CloseCause): void {
    this.close(cause);
    this.#setEnded();
  }

  /** Gives out boxes until the connection has ended for good. */
  run(handler: FrameHandler): Promise<void> {
    this.#handler = handler;
    if (this.#cause) handler.onClose(this.#cause);
    return this.#ended;
  }

  #close(code: number, cause: CloseCause): void {
    if (this.closed) return;
    this.#end(cause);
    this.#lingerTimer = setTimeout(this.#setEnded, LINGER_MS);
    const reason = cause.kind === "error" ? "" : cause.message;
    this.#socket.close(code, reason.slice(0, MAX_REASON_LENGTH));
  }

  #end(cause: CloseCause): void {
    if (this.closed) return;
    this.#cause = cause;
    this.#kept = [];
    this.#handler?.onClose(cause);
  }

  #onClose(): void {
    clearTimeout(this.#lingerTimer);
    this.#end({ kind: "peer", message: "closed by the other side" });
    this.#setEnded();
  }

  #onMessage(data: unknown): void {
    if (this.closed) return;
    if (!(data instanceof ArrayBuffer)) {
      this.#refuse(
        CODE.UNSUPPORTED,
        "a text message came, only boxes in binary messages are served",
      );
      return;
    }
    const frame = new Uint8Array(data);
    const { boxClass, maxFrameBytes, maxOutboxBytes } = this.#options;
    const used = boxClass.check(frame, maxFrameBytes);
    if (used === FrameFault.tooLong || frame.length > maxFrameBytes) {
      this.#refuse(
        CODE.TOO_BIG,
        `a message is above the limit of ${maxFrameBytes} bytes a frame`,
      );
    } else if (used !== frame.length || used === 0) {
      this.#refuse(
        CODE.PROTOCOL,
        `a message of ${frame.length} bytes is not one whole ${boxClass.name}`,
      );
    } else if (!this.#paused) {
      this.#deliver(frame);
    } else if ((this.#keptBytes += frame.length) > maxOutboxBytes) {
      this.#refuse(
        CODE.TRY_LATER,
        `more than ${maxOutboxBytes} bytes came while requests wait`,
      );
    } else {
      this.#kept.push(frame);
    }
  }

  #refuse(code: number, message: string): void {
    this.#close(code, { kind: "frame", message });
  }

  #deliver(frame: Uint8Array): void {
    try {
      this.#handler!.onFrame(frame);
    } catch (error) {
      this.close({
        kind: "error",
        message: `cannot handle its frame: ${describeError(error)}`,
      });
    }
  }
}

function codeOf(cause: CloseCause): number {
  switch (cause.kind) {
    case "stop":
      return CODE.GOING_AWAY;
    case "frame":
      return CODE.PROTOCOL;
    case "outbox":
      return CODE.POLICY;
    case "error":
      return CODE.FAILURE;
    default:
      return CODE.NORMAL;
  }
}
