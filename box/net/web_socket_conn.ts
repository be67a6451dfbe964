// WebSocketConn: the bytes of the boxes on a WebSocket connection as a Conn: a step between the
// connection below and the frames of whoever reads.

import type { IpRange } from "../ip_range.ts";
import type { ByteSink, Conn, ConnPiece } from "./conn.ts";
import { forwardedClient } from "./forwarded_for.ts";
import { type HeadReader, Preamble, type Verdict } from "./preamble.ts";
import {
  type WebSocketControls,
  WebSocketDecoder,
} from "./web_socket_decoder.ts";
import { WebSocketFault } from "./web_socket_fault.ts";
import {
  answerHandshake,
  type HandshakeAnswer,
  type HandshakeOptions,
  HEAD_MAX_BYTES,
  headEnd,
  refuseHandshake,
} from "./web_socket_handshake.ts";
import type { WebSocketPiece } from "./web_socket_piece.ts";

/** Settings of {@linkcode WebSocketConn.open}. */
export interface WebSocketOpenOptions extends HandshakeOptions {
  /** Seconds that the head of the request may take. @default {10} */
  readonly timeout?: number;
  /**
   * Proxies, one of which has sent the request: X-Forwarded-For has to tell whom it speaks for.
   * @default none
   */
  readonly forwardedBy?: readonly IpRange[];
  /** Whether the client that it names may come in. @default any */
  readonly admits?: (client: string) => boolean;
}

/** What is told of an open WebSocket. */
export interface WebSocketEvents {
  /** A ping came, whose payload is valid during the call only. */
  onPing(payload: Uint8Array): void;
  /** The client closes; its frames before that were given out. */
  onCloseFrame(code: number, reason: string): void;
  /** The client breaks the protocol; its frames before that were given out. */
  onFault(fault: WebSocketFault): void;
}

/** What is told of a request by way of a proxy that does not say for whom it speaks. */
export const NOT_FORWARDED: string =
  "neither a PROXY header nor an X-Forwarded-For that can be read tells whom it speaks for";

/** What is told of a request by way of a proxy that speaks for one who may not come in. */
export const NOT_ADMITTED: string = "its address may not connect now";

// Most heads fit; browsers with many cookies send more.
const HEAD_BYTES = 1024;
const NOTHING: Uint8Array = new Uint8Array(0);
const HANDSHAKE_TIMEOUT = 10;

/**
 * The bytes of the boxes on a WebSocket connection. It exists once its handshake is done, and takes
 * the frames of RFC 6455 apart where the sink wants the bytes: it has no buffer of its own.
 */
export class WebSocketConn implements Conn, ByteSink, WebSocketControls {
  readonly #conn: Conn;
  readonly #decoder: WebSocketDecoder = new WebSocketDecoder(this);
  #events: WebSocketEvents | undefined;
  #sink: ByteSink | undefined;
  #space: Uint8Array = NOTHING;
  #heard = false;
  #paused = false;
  // What is to be told when the frames before it are given out.
  #closeFrame: WebSocketPiece["closeFrame"];
  #fault: WebSocketFault | undefined;

  private constructor(conn: Conn) {
    this.#conn = conn;
  }

  /**
   * Reads the request of the handshake and answers it.
   *
   * @param conn The connection below, which belongs to this object from now on.
   * @returns The open WebSocket; undefined when there is none: `onRefused` was told why before, and
   * the connection has ended.
   */
  static async open(
    conn: Conn,
    options: WebSocketOpenOptions,
    onRefused: (message: string) => void,
  ): Promise<WebSocketConn | undefined> {
    const opened = await Preamble.open(
      conn,
      requestReader(options),
      ({ message }) => onRefused(message),
    );
    if (!opened) return undefined;
    const { client } = opened.verdict;
    if (client !== undefined) {
      opened.conn.remoteAddr = { transport: "tcp", hostname: client, port: 0 };
    }
    return new WebSocketConn(opened.conn);
  }

  /** Address and port of the other side. */
  get remoteAddr(): Deno.NetAddr {
    return this.#conn.remoteAddr;
  }

  /**
   * Whether something came since the last call; or it was not read from, so that nothing could
   * come.
   */
  takeSignOfLife(): boolean {
    const heard = this.#heard || this.#paused;
    this.#heard = false;
    return heard;
  }

  /** What another process needs to go on with it. */
  give(): ConnPiece | undefined {
    const below = this.#conn.give?.();
    if (!below) return undefined;
    const closeFrame = this.#closeFrame;
    const fault = this.#fault;
    return {
      ...below,
      webSocket: {
        ...this.#decoder.give(),
        heard: this.#heard,
        pingSteps: 0,
        unanswered: 0,
        ...(closeFrame && { closeFrame }),
        ...(fault &&
          { fault: { code: fault.closeCode, message: fault.message } }),
      },
    };
  }

  /** A WebSocket on which another process has stood there. */
  static from(conn: Conn, piece: WebSocketPiece): WebSocketConn {
    const webSocket = new WebSocketConn(conn);
    webSocket.#decoder.takeOver(piece);
    webSocket.#heard = piece.heard;
    webSocket.#closeFrame = piece.closeFrame;
    if (piece.fault) {
      const { code, message } = piece.fault;
      webSocket.#fault = new WebSocketFault(code, message);
    }
    if (piece.closeFrame ?? piece.fault) webSocket.#decoder.end();
    return webSocket;
  }

  /** Sets who is told of control frames and faults; before `run`. */
  listen(events: WebSocketEvents): void {
    this.#events = events;
  }

  /** Gives the payload of what comes to the sink. */
  run(sink: ByteSink): Promise<void> {
    this.#sink = sink;
    return this.#conn.run(this);
  }

  /** Writes some of the bytes, which are frames of a WebSocket already. */
  write(bytes: Uint8Array): number | Promise<number> {
    return this.#conn.write(bytes);
  }

  /** Tells the other side that nothing more comes. */
  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** Closes it at once. */
  close(): void {
    this.#conn.close();
  }

  /** For the connection below. */
  next(): Promise<void> | undefined {
    const wait = this.#sink!.next();
    this.#paused = wait !== undefined;
    if (wait) return wait;
    if (this.#closeFrame || this.#fault) this.#tell();
    return undefined;
  }

  /** For the connection below. */
  space(): Uint8Array {
    return this.#space = this.#sink!.space();
  }

  /** For the connection below. */
  filled(count: number, read: number = count): void {
    this.#heard = true;
    const left = this.#decoder.decode(this.#space, 0, count);
    const { fault } = this.#decoder;
    if (fault && !this.#closeFrame) this.#fault = fault;
    this.#sink!.filled(left, read);
  }

  /** For the connection below. */
  ended(error?: unknown): Promise<void> {
    return this.#sink!.ended(error);
  }

  /** For the decoder. */
  onPing(payload: Uint8Array): void {
    this.#events!.onPing(payload);
  }

  /** For the decoder. */
  onPong(): void {}

  /** For the decoder. */
  onCloseFrame(code: number, reason: string): void {
    this.#closeFrame = { code, reason };
  }

  #tell(): void {
    const [closeFrame, fault] = [this.#closeFrame, this.#fault];
    this.#closeFrame = this.#fault = undefined;
    if (closeFrame) {
      this.#events!.onCloseFrame(closeFrame.code, closeFrame.reason);
    } else this.#events!.onFault(fault!);
  }
}

type RequestVerdict = HandshakeAnswer & Verdict & {
  /** For whom a proxy speaks. */
  readonly client?: string;
};

// The head of a connection that is to become a WebSocket.
function requestReader(
  options: WebSocketOpenOptions,
): HeadReader<RequestVerdict> {
  const { timeout = HANDSHAKE_TIMEOUT, forwardedBy, admits } = options;
  return {
    usualBytes: HEAD_BYTES,
    maxBytes: HEAD_MAX_BYTES,
    timeout,
    read(head) {
      const bytes = headEnd(head);
      if (bytes < 0) return undefined;
      const answer = answerHandshake(head.subarray(0, bytes), options);
      if (!answer.accepted || !forwardedBy) return { ...answer, bytes };
      const list = answer.headers.get("x-forwarded-for") ?? "";
      const client = forwardedClient(list, forwardedBy);
      if (client === undefined) {
        return { ...refuseHandshake(400, NOT_FORWARDED), bytes };
      }
      return admits === undefined || admits(client)
        ? { ...answer, bytes, client }
        : { ...refuseHandshake(403, NOT_ADMITTED), bytes };
    },
    giveUp(why, { length: bytes }) {
      const answer = why === "late"
        ? refuseHandshake(408, `no request within ${timeout} s`)
        : why === "long"
        ? refuseHandshake(
          431,
          `the request is longer than ${HEAD_MAX_BYTES} bytes`,
        )
        : refuseHandshake(400, "it was closed before its request was whole");
      return { ...answer, bytes };
    },
  };
}
