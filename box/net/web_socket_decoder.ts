// WebSocketDecoder: takes what a WebSocket client sends apart, in place: the headers out, the
// payload unmasked.

import { protocol, WebSocketFault } from "./web_socket_fault.ts";
import {
  clientHeaderBytes,
  FIN,
  headerBytes,
  isCloseCode,
  LENGTH,
  LONGEST_CONTROL,
  LONGEST_HEADER,
  MASKED,
  NO_CODE,
  OPCODE,
  RESERVED,
  WebSocketCode,
  WebSocketOpcode,
} from "./web_socket_frame.ts";
import type { WebSocketPiece } from "./web_socket_piece.ts";

/** What is told of a WebSocket's control frames. */
export interface WebSocketControls {
  /** A ping came, whose payload is valid during the call only. */
  onPing(payload: Uint8Array): void;
  /** A pong came. */
  onPong(): void;
  /** The client closes: its code, 1005 where it gave none. Nothing is decoded after it. */
  onCloseFrame(code: number, reason: string): void;
}

/** Where a decoder stands between two reads. */
export type DecoderPiece = Pick<
  WebSocketPiece,
  "header" | "opcode" | "left" | "mask" | "inMessage" | "control"
>;

const NO_VIEW = new DataView(new ArrayBuffer(0));

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Takes what a WebSocket client sends apart. What it keeps between two reads is a header that was
 * cut in two, or how much of a frame's payload is to come: so messages, however they are cut into
 * frames, become one stream of bytes that takes no memory here.
 */
export class WebSocketDecoder {
  readonly #controls: WebSocketControls;
  // A header that was cut in two, which few are.
  #header: Uint8Array | undefined;
  #headerBytes = 0;
  // Of the present frame.
  #opcode = 0;
  #left = 0;
  // The mask as a little-endian 32-bit integer, turned so that its low byte is the next one's.
  #mask = 0;
  // Whether a message has begun whose last frame is to come.
  #inMessage = false;
  #control: Uint8Array | undefined;
  #controlBytes = 0;
  #closed = false;
  #fault: WebSocketFault | undefined;
  #view: DataView = NO_VIEW;

  /** @param controls Who is told of control frames. */
  constructor(controls: WebSocketControls) {
    this.#controls = controls;
  }

  /** What the client did wrong, if it did; what came before it was decoded. */
  get fault(): WebSocketFault | undefined {
    return this.#fault;
  }

  /** Where it stands between two reads. */
  give(): DecoderPiece {
    const bytes = (from: Uint8Array | undefined, count: number) =>
      from ? toBase64(from.subarray(0, count)) : "";
    return {
      header: bytes(this.#header, this.#headerBytes),
      opcode: this.#opcode,
      left: this.#left,
      mask: this.#mask,
      inMessage: this.#inMessage,
      control: bytes(this.#control, this.#left > 0 ? this.#controlBytes : 0),
    };
  }

  /** Goes on where another stood, which has met no fault and no close frame. */
  takeOver(piece: DecoderPiece): void {
    const header = fromBase64(piece.header);
    if (header.length > 0) {
      this.#header = new Uint8Array(LONGEST_HEADER);
      this.#header.set(header);
      this.#headerBytes = header.length;
    }
    this.#opcode = piece.opcode;
    this.#left = piece.left;
    this.#mask = piece.mask;
    this.#inMessage = piece.inMessage;
    if (piece.left === 0 || piece.opcode < WebSocketOpcode.CLOSE) return;
    const control = fromBase64(piece.control);
    this.#control = new Uint8Array(LONGEST_CONTROL);
    this.#control.set(control);
    this.#controlBytes = control.length;
  }

  /** Takes nothing more: what has ended it was met before. */
  end(): void {
    this.#closed = true;
  }

  /**
   * Takes `count` bytes that stand in `buffer` from `at` on, and leaves there the payload that was
   * in them. Nothing is taken after a close frame or a fault.
   *
   * @returns How many bytes of payload that is.
   */
  decode(buffer: Uint8Array, at: number, count: number): number {
    const end = at + count;
    let to = at;
    try {
      for (let from = at; from < end && !this.#closed;) {
        if (this.#left === 0) {
          from = this.#readHeader(buffer, from, end);
          if (this.#left === 0) continue;
          if (from === end) break;
        }
        const length = Math.min(this.#left, end - from);
        if (this.#opcode >= WebSocketOpcode.CLOSE) {
          this.#unmask(buffer, from, from, length);
          const part = buffer.subarray(from, from + length);
          this.#control!.set(part, this.#controlBytes);
          this.#controlBytes += length;
        } else {
          this.#unmask(buffer, from, to, length);
          to += length;
        }
        from += length;
        this.#left -= length;
        if (this.#left === 0) this.#endFrame();
      }
    } catch (error) {
      if (!(error instanceof WebSocketFault)) throw error;
      this.#fault = error;
      this.#closed = true;
    }
    return to - at;
  }

  // Reads a header, or as much of it as there is; gives where the rest begins.
  #readHeader(buffer: Uint8Array, from: number, end: number): number {
    if (this.#headerBytes === 0 && end - from >= 2) {
      const size = clientHeaderBytes(buffer[from + 1]!);
      if (end - from >= size) {
        this.#checkStart(buffer[from]!, buffer[from + 1]!);
        this.#beginFrame(buffer, from);
        return from + size;
      }
    }
    return this.#collectHeader(buffer, from, end);
  }

  #collectHeader(buffer: Uint8Array, from: number, end: number): number {
    const header = this.#header ??= new Uint8Array(LONGEST_HEADER);
    while (from < end) {
      header[this.#headerBytes++] = buffer[from++]!;
      if (this.#headerBytes < 2) continue;
      if (this.#headerBytes === 2) this.#checkStart(header[0]!, header[1]!);
      if (this.#headerBytes === clientHeaderBytes(header[1]!)) {
        this.#headerBytes = 0;
        this.#beginFrame(header, 0);
        break;
      }
    }
    return from;
  }

  // What can be told from the first two bytes.
  #checkStart(first: number, second: number): void {
    const opcode = first & OPCODE;
    const fin = (first & FIN) !== 0;
    if ((first & RESERVED) !== 0) {
      throw protocol(
        "a frame has reserved bits set, no extension was agreed on",
      );
    }
    if ((second & MASKED) === 0) throw protocol("a frame is not masked");
    if (opcode >= WebSocketOpcode.CLOSE) {
      if (opcode > WebSocketOpcode.PONG) {
        throw protocol(`it has the opcode ${opcode}`);
      }
      if (!fin) throw protocol("a control frame is cut into several");
      if ((second & LENGTH) > LONGEST_CONTROL) {
        throw protocol("a control frame is longer than 125 bytes");
      }
      return;
    }
    if (opcode > WebSocketOpcode.BINARY) {
      throw protocol(`it has the opcode ${opcode}`);
    }
    if (opcode === WebSocketOpcode.CONTINUATION && !this.#inMessage) {
      throw protocol("a frame continues a message that was not begun");
    }
    if (opcode !== WebSocketOpcode.CONTINUATION && this.#inMessage) {
      throw protocol("a message begins before the one before has ended");
    }
    if (opcode === WebSocketOpcode.TEXT) {
      throw new WebSocketFault(
        WebSocketCode.UNSUPPORTED,
        "a text message; boxes are sent in binary messages",
      );
    }
    this.#inMessage = !fin;
  }

  // The header is whole, and its first two bytes were checked.
  #beginFrame(bytes: Uint8Array, at: number): void {
    this.#opcode = bytes[at]! & OPCODE;
    const short = bytes[at + 1]! & LENGTH;
    let length = short;
    if (short === 126) {
      length = bytes[at + 2]! << 8 | bytes[at + 3]!;
      if (length < 126) throw protocol("a length is not in its shortest form");
    } else if (short === 127) {
      length = 0;
      for (let i = 2; i < 10; i++) length = length * 256 + bytes[at + i]!;
      if (length >= 2 ** 53) throw protocol("a length is larger than 2^53");
      if (length < 2 ** 16) {
        throw protocol("a length is not in its shortest form");
      }
    }
    const mask = at + headerBytes(short);
    this.#mask = bytes[mask]! | bytes[mask + 1]! << 8 | bytes[mask + 2]! << 16 |
      bytes[mask + 3]! << 24;
    this.#left = length;
    if (this.#opcode >= WebSocketOpcode.CLOSE) {
      this.#control ??= new Uint8Array(LONGEST_CONTROL);
      this.#controlBytes = 0;
    }
    if (length === 0) this.#endFrame();
  }

  #endFrame(): void {
    if (this.#opcode < WebSocketOpcode.CLOSE) return;
    const payload = this.#control!.subarray(0, this.#controlBytes);
    if (this.#opcode === WebSocketOpcode.PING) this.#controls.onPing(payload);
    else if (this.#opcode === WebSocketOpcode.PONG) this.#controls.onPong();
    else this.#endAll(payload);
  }

  #endAll(payload: Uint8Array): void {
    this.#closed = true;
    if (payload.length === 0) return this.#controls.onCloseFrame(NO_CODE, "");
    if (payload.length === 1) throw protocol("a close frame has half a code");
    const code = payload[0]! * 256 + payload[1]!;
    if (!isCloseCode(code)) {
      throw protocol(`a close frame has the code ${code}`);
    }
    let reason: string;
    try {
      reason = utf8.decode(payload.subarray(2));
    } catch {
      throw new WebSocketFault(
        WebSocketCode.INVALID_TEXT,
        "the reason in a close frame is no UTF-8",
      );
    }
    this.#controls.onCloseFrame(code, reason);
  }

  // Moves and unmasks in one pass, four bytes at a time; `to` is `from` or before it, so that what
  // is written was read before.
  #unmask(buffer: Uint8Array, from: number, to: number, length: number): void {
    if (this.#view.buffer !== buffer.buffer) {
      this.#view = new DataView(buffer.buffer);
    }
    const view = this.#view;
    const mask = this.#mask;
    const offset = buffer.byteOffset;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      view.setInt32(
        offset + to + i,
        view.getInt32(offset + from + i, true) ^ mask,
        true,
      );
    }
    for (; i < length; i++) {
      buffer[to + i] = buffer[from + i]! ^ (mask >>> 8 * (i & 3));
    }
    const turned = 8 * (length & 3);
    if (turned > 0) this.#mask = mask >>> turned | mask << 32 - turned;
  }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}
