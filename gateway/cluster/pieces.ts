// Pieces: messages that came in pieces, put together.

import type { FieldPlan } from "@maple/box/internal";
import type { MessageHead } from "./message.ts";

// A gateway that is gone is forgotten; one that has never said hello is not. So that of those no
// more are kept than there could ever be.
const SENDERS_MAX = 1024;

interface Unfinished {
  readonly number: number;
  parts: Uint8Array[];
  bytes: number;
  isLost: boolean;
}

/** A message of which not all pieces have come, for another process. */
export interface PiecePiece {
  /** Of which gateway. */
  readonly id: number;
  /** Which of its messages. */
  readonly number: number;
  /** How many pieces have come. */
  readonly parts: number;
  /** Whether it is given up. */
  readonly isLost: boolean;
  /** What has come of it. */
  readonly bytes: Uint8Array;
}

/** How it is written. */
export const PIECE_FIELDS: FieldPlan<PiecePiece> = {
  id: "int",
  number: "number",
  parts: "int",
  isLost: "flag",
  bytes: "bytes",
};

/** What {@linkcode Pieces} is told. */
export interface PiecesOptions {
  /** Bytes of all that is unfinished. */
  readonly bytesMax: number;
  /** A message is thrown away: a piece of it is missing (`gap`), or there is no `room` for it. */
  readonly onDropped: (cause: "gap" | "room") => void;
}

/**
 * Messages that came in pieces, put together. A gateway sends all pieces of a message in a row, so
 * that of each there is one unfinished message at most.
 */
export class Pieces {
  readonly #options: PiecesOptions;
  readonly #unfinished = new Map<number, Unfinished>();
  #bytes = 0;

  /** Begins with nothing. */
  constructor(options: PiecesOptions) {
    this.#options = options;
  }

  /** Bytes of all that is unfinished. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes what has come; gives the body of the message when it is whole. */
  add(head: MessageHead, body: Uint8Array): Uint8Array | undefined {
    const { id, number, piece, pieces } = head;
    let message = this.#unfinished.get(id);
    if (message && message.number !== number) {
      this.forget(id);
      message = undefined;
    }
    if (pieces === 1) return body;
    if (!message) {
      message = { number, parts: [], bytes: 0, isLost: false };
      if (this.#unfinished.size >= SENDERS_MAX) this.#forgetOldest();
      this.#unfinished.set(id, message);
    }
    const isLast = piece === pieces - 1;
    if (isLast) this.#unfinished.delete(id);
    if (message.isLost) return undefined;
    if (piece !== message.parts.length) return this.#lose(message, "gap");
    if (this.#bytes + body.length > this.#options.bytesMax) {
      return this.#lose(message, "room");
    }
    message.parts.push(body);
    message.bytes += body.length;
    this.#bytes += body.length;
    if (!isLast) return undefined;
    this.#bytes -= message.bytes;
    return joined(message);
  }

  /** Throws away what a gateway has not finished. */
  forget(id: number): void {
    const message = this.#unfinished.get(id);
    this.#unfinished.delete(id);
    if (message && !message.isLost) this.#lose(message, "gap");
  }

  /** What is unfinished, for another process. */
  give(): PiecePiece[] {
    return Array.from(this.#unfinished, ([id, message]) => ({
      id,
      number: message.number,
      parts: message.parts.length,
      isLost: message.isLost,
      bytes: joined(message),
    }));
  }

  /** Takes a message of that, in bytes of its own. */
  takeOver({ id, number, parts, isLost, bytes }: PiecePiece): void {
    const none = new Uint8Array(0);
    const rest = Array.from({ length: Math.max(0, parts - 1) }, () => none);
    this.#unfinished.set(id, {
      number,
      parts: parts === 0 ? [] : [bytes, ...rest],
      bytes: bytes.length,
      isLost,
    });
    this.#bytes += bytes.length;
  }

  #forgetOldest(): void {
    const [oldest] = this.#unfinished.keys();
    if (oldest !== undefined) this.forget(oldest);
  }

  // What still comes of it is passed over.
  #lose(message: Unfinished, cause: "gap" | "room"): undefined {
    this.#bytes -= message.bytes;
    message.parts = [];
    message.bytes = 0;
    message.isLost = true;
    this.#options.onDropped(cause);
  }
}

function joined({ parts, bytes }: Unfinished): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
