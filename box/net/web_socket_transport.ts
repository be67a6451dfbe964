// WebSocketTransport: one WebSocket connection that carries frames: the client's as they come, in
// messages cut as it likes; ours each in a binary message.

import type { CloseCause } from "./close_cause.ts";
import { FrameSocket } from "./frame_socket.ts";
import type { FrameSocketOptions } from "./frame_socket_options.ts";
import type { Conn } from "./conn.ts";
import { Preamble } from "./preamble.ts";
import type { SocketPiece } from "./socket_piece.ts";
import type { FrameHandler } from "./transport.ts";
import { WebSocketConn, type WebSocketEvents } from "./web_socket_conn.ts";
import type { WebSocketFault } from "./web_socket_fault.ts";
import {
  WebSocketCode,
  webSocketHeaderBytes,
  WebSocketOpcode,
  writeWebSocketHeader,
} from "./web_socket_frame.ts";

// A control frame has at most 125 bytes, the code takes 2.
const REASON_BYTES = 123;
// Of a client's frame without its payload: the header and the mask.
const PING_BYTES = 6;
// So many pings without a sign of life are taken for the end.
const PINGS = 2;
const NO_CODE = 1005;
const NOTHING: Uint8Array = new Uint8Array(0);

const encoder = new TextEncoder();

/** What carries the frames of a connection that is a WebSocket or none. */
export function transportOf(
  conn: Conn | WebSocketConn,
  options: FrameSocketOptions,
): FrameSocket {
  return conn instanceof WebSocketConn
    ? new WebSocketTransport(conn, options)
    : new FrameSocket(conn, options);
}

/** What carries the frames of a connection that another process has given. */
export function transportFrom(
  piece: SocketPiece,
  options: FrameSocketOptions,
): FrameSocket {
  const { socket, hostname, port, unread, webSocket } = piece;
  const conn = unread.length > 0
    ? Preamble.behind(socket, unread, { transport: "tcp", hostname, port })
    : socket;
  const transport = transportOf(
    webSocket ? WebSocketConn.from(conn, webSocket) : conn,
    options,
  );
  transport.takeOver(piece);
  return transport;
}

/** One WebSocket connection that carries frames. */
export class WebSocketTransport extends FrameSocket implements WebSocketEvents {
  readonly #conn: WebSocketConn;
  #handler: FrameHandler | undefined;
  #hasSent = false;
  #pingSteps = 0;
  #unanswered = 0;
  // The code that the client has closed with, to be given back; or that of its fault.
  #code: number | undefined;

  /**
   * Takes a connection over.
   *
   * @param conn The connection, which belongs to this object from now on.
   */
  constructor(conn: WebSocketConn, options: FrameSocketOptions) {
    super(conn, options);
    this.#conn = conn;
    conn.listen(this);
  }

  /** Gives out frames until the connection has ended for good. */
  override run(handler: FrameHandler): Promise<void> {
    this.#handler = handler;
    return super.run(handler);
  }

  /** What another process needs to go on with it. */
  override give(): SocketPiece | undefined {
    const piece = super.give();
    if (!piece?.webSocket) return undefined;
    piece.webSocket.pingSteps = this.#pingSteps;
    piece.webSocket.unanswered = this.#unanswered;
    return piece;
  }

  /** Goes on with what another process has given. */
  override takeOver(piece: SocketPiece): void {
    super.takeOver(piece);
    this.#hasSent = piece.hasSent;
    this.#pingSteps = piece.webSocket!.pingSteps;
    this.#unanswered = piece.webSocket!.unanswered;
  }

  /** Whether any frame was ever sent on it; pings and pongs are none. */
  override get hasSent(): boolean {
    return this.#hasSent;
  }

  /** Sends a frame as a message of its own. */
  override send(bytes: Uint8Array): boolean {
    const at = this.reserve(bytes.length);
    if (at < 0) return false;
    this.buffer.set(bytes, at);
    return true;
  }

  /** Makes room for a frame, and writes the header of its message before it. */
  override reserve(count: number): number {
    const header = webSocketHeaderBytes(count);
    const at = super.reserve(header + count);
    if (at < 0) return at;
    this.#hasSent = true;
    writeWebSocketHeader(this.buffer, at, count);
    return at + header;
  }

  /**
   * One of the steps of which there are so many between two pings.
   *
   * @returns false when two pings in a row were followed by no sign of life.
   */
  stepPing(steps: number): boolean {
    if (this.closed || ++this.#pingSteps < steps) return true;
    this.#pingSteps = 0;
    // Behind bytes that wait a ping would wait as well.
    if (this.#conn.takeSignOfLife() || this.pendingBytes > 0) {
      this.#unanswered = 0;
    }
    if (this.#unanswered === PINGS) return false;
    this.#unanswered++;
    if (this.pendingBytes === 0) {
      this.#sendControl(WebSocketOpcode.PING, NOTHING);
    }
    return true;
  }

  /** Closes in order, with a close frame that says why. */
  override close(
    cause: CloseCause = { kind: "local", message: "closed by this side" },
  ): void {
    if (!this.closed) this.#sendCloseFrame(cause);
    super.close(cause);
  }

  /** Called by the connection. */
  onPing(payload: Uint8Array): void {
    if (this.closed) return;
    this.#sendControl(WebSocketOpcode.PONG, payload);
    this.#handler?.onPing?.(PING_BYTES + payload.length);
  }

  /** Called by the connection. */
  onCloseFrame(code: number, reason: string): void {
    // It has read all: this is its answer to the close frame, which came last.
    if (this.closed) return this.destroy();
    this.#code = code;
    const why = reason === "" ? "" : `, ${JSON.stringify(reason)}`;
    this.close({
      kind: "peer",
      message: `closed by the other side (${code}${why})`,
    });
  }

  /** Called by the connection. */
  onFault({ closeCode, message }: WebSocketFault): void {
    this.#code = closeCode;
    this.close({ kind: "frame", message: `no WebSocket: ${message}` });
  }

  #sendCloseFrame(cause: CloseCause): void {
    const code = this.#code ?? codeOf(cause);
    // A client that gives no code is given none.
    if (code === NO_CODE) {
      return this.#sendControl(WebSocketOpcode.CLOSE, NOTHING);
    }
    const payload = new Uint8Array(2 + REASON_BYTES);
    payload[0] = code >>> 8;
    payload[1] = code;
    const { written } = encoder.encodeInto(
      // What a handler threw is nobody else's business.
      cause.kind === "peer" || cause.kind === "error" ? "" : cause.message,
      payload.subarray(2),
    );
    this.#sendControl(WebSocketOpcode.CLOSE, payload.subarray(0, 2 + written));
  }

  #sendControl(opcode: number, payload: Uint8Array): void {
    const header = webSocketHeaderBytes(payload.length);
    const at = super.reserve(header + payload.length);
    if (at < 0) return;
    writeWebSocketHeader(this.buffer, at, payload.length, opcode);
    this.buffer.set(payload, at + header);
  }
}

function codeOf({ kind, tooLong }: CloseCause): number {
  if (tooLong) return WebSocketCode.TOO_BIG;
  switch (kind) {
    case "stop":
      return WebSocketCode.GOING_AWAY;
    case "frame":
      return WebSocketCode.PROTOCOL;
    case "outbox":
    case "rate":
      return WebSocketCode.POLICY;
    case "error":
      return WebSocketCode.FAILURE;
    default:
      return WebSocketCode.NORMAL;
  }
}
