// EarlyClientCopy: gives clients of which nothing is under way to the process that takes the place
// of this one, while all goes on. When all stands still each of them is written once more: whose
// bytes are the same is told by its number alone. So nobody has to note what changes, and whoever
// adds a field cannot forget it.

import {
  type EarlyCopy,
  headerBytes,
  RecordWriter,
  type SocketPiece,
  type StateSink,
} from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { ClientSession } from "../outer/client_session.ts";
import { writeClient, writeSocket } from "./client_records.ts";
import { type EarlyHeader, LAYOUTS } from "./format.ts";

// How many are looked at in one turn.
const SLICE = 128;
// One with a longer record, in many groups say, is not given early, and no more than so many bytes
// are kept of all.
const RECORD_BYTES_MAX = 1024;
const BYTES_MAX = 32 * 1024 * 1024;

/** What was written of a client: some of the bytes of a slice. */
interface Sent {
  readonly no: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Gives clients early, and tells later which of them are as they were. */
export class EarlyClientCopy implements EarlyCopy {
  readonly #context: GatewayContext;
  readonly #onEnd: () => void;
  readonly #sessions: Iterator<ClientSession>;
  readonly #records = new RecordWriter(LAYOUTS);
  readonly #sent = new Map<ClientSession, Sent>();
  #header: EarlyHeader | undefined;
  #bytes = 0;
  #count = 0;

  /** Nothing is given yet. */
  constructor(
    context: GatewayContext,
    header: EarlyHeader,
    onEnd: () => void,
  ) {
    this.#context = context;
    this.#header = header;
    this.#onEnd = onEnd;
    this.#sessions = context.sessions.all();
  }

  /** Gives a slice; whether there is more. */
  writeSome(sink: StateSink): boolean {
    if (this.#header) sink.bytes(headerBytes(this.#header));
    this.#header = undefined;
    const descriptors: number[] = [];
    const given: { session: ClientSession; start: number; end: number }[] = [];
    const records = this.#records;
    records.clear();
    const first = this.#count;
    let hasMore = this.#bytes < BYTES_MAX;
    for (let looks = 0; hasMore && looks < SLICE; looks++) {
      const { value: session, done } = this.#sessions.next();
      if (done) hasMore = false;
      else {
        const piece = this.#calm(session);
        if (!piece) continue;
        const start = records.length;
        this.#write(session, piece, this.#count);
        const end = records.length;
        if (end - start > RECORD_BYTES_MAX) {
          records.clear(start);
          continue;
        }
        descriptors.push(piece.socket.descriptor);
        given.push({ session, start, end });
        this.#count++;
      }
    }
    const bytes = records.bytes.slice();
    this.#bytes += bytes.length;
    for (const [at, { session, start, end }] of given.entries()) {
      this.#sent.set(session, { no: first + at, bytes, start, end });
    }
    if (descriptors.length > 0) sink.descriptors(descriptors);
    if (bytes.length > 0) sink.bytes(bytes);
    return hasMore;
  }

  /** The connection of a client that is as it was given, and its number; undefined for others. */
  asGiven(
    session: ClientSession,
  ): { readonly piece: SocketPiece; readonly no: number } | undefined {
    const sent = this.#sent.get(session);
    const piece = sent && this.#calm(session);
    if (!piece) return undefined;
    this.#records.clear();
    this.#write(session, piece, sent.no);
    return isSame(this.#records.bytes, sent)
      ? { piece, no: sent.no }
      : undefined;
  }

  /** It is of no use any more. */
  end(): void {
    this.#sent.clear();
    this.#onEnd();
  }

  // Its connection, where nothing is under way: in the other process it has nothing to do but wait.
  #calm(session: ClientSession): SocketPiece | undefined {
    const { transport, pendingRequests, chain, slowed } = session;
    // TLS goes on through this process: to give such a connection is to make one.
    if (transport === "tls" || transport === "wss") return undefined;
    if (pendingRequests > 0 || chain > 0 || slowed) return undefined;
    const piece = session.socket.give?.();
    if (!piece || piece.paused) return undefined;
    const { unread, read, unsent, webSocket } = piece;
    const held = unread.length + read.length + unsent.length;
    return held > 0 || webSocket?.closeFrame || webSocket?.fault
      ? undefined
      : piece;
  }

  #write(session: ClientSession, piece: SocketPiece, no: number): void {
    const { groups } = this.#context;
    writeSocket(this.#records, piece, { descriptor: no });
    writeClient(this.#records, session, {
      ...{ isOpen: true, piece, holder: 0 },
      groups: session.groups ? groups.namesOf(session) : undefined,
    });
  }
}

function isSame(now: Uint8Array, { bytes, start, end }: Sent): boolean {
  if (now.length !== end - start) return false;
  for (let i = 0; i < now.length; i++) {
    if (now[i] !== bytes[start + i]) return false;
  }
  return true;
}
