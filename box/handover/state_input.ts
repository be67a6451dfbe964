// StateInput: a state that another process has written, as it comes: its header, then its records
// with the sockets that came along.

import type { OwnSocket } from "../net/conn.ts";
import type { EpollSocket } from "../net/epoll_socket.ts";
import type { DescriptorIo } from "../net/server_io.ts";
import type { SocketPiece } from "../net/socket_piece.ts";
import {
  type Layout,
  type ReadRecord,
  RecordReader,
  type RecordValues,
} from "../records.ts";
import type { StateTaker } from "./state_sink.ts";

/** What a header has whatever the state is of. */
export interface StateHead {
  /** The layouts of the records, in the order of their numbers. */
  readonly layouts: Readonly<Record<string, Layout>>;
  /** Its listeners, whose descriptors are the first. */
  readonly listeners: readonly unknown[];
}

/** What becomes of a state. */
export interface StateInputOptions<H extends StateHead> {
  /** Where its sockets belong from now on. */
  readonly io: DescriptorIo;
  /**
   * Takes the header, before anything else; gives what is added to times.
   *
   * @throws {Error} with one line, when it cannot be taken.
   */
  readonly onHeader: (header: H) => number;
  /** Takes a record. */
  readonly onRecord: (record: ReadRecord) => void;
}

/** Reads a state as it comes. Nothing is read from its sockets or written to them. */
export class StateInput<H extends StateHead> implements StateTaker {
  readonly #options: StateInputOptions<H>;
  readonly #descriptors: number[] = [];
  // By the number of the descriptor.
  readonly #sockets: (OwnSocket | undefined)[] = [];
  #head = new Uint8Array(0);
  #header: H | undefined;
  #records: RecordReader | undefined;
  #socket: SocketPiece | undefined;
  #opened = 0;

  /** Nothing has come yet. */
  constructor(options: StateInputOptions<H>) {
    this.#options = options;
  }

  /** The header; undefined before it has come. */
  get header(): H | undefined {
    return this.#header;
  }

  /** The descriptors of its listeners. */
  get listeners(): readonly number[] {
    return this.#descriptors.slice(0, this.#header!.listeners.length);
  }

  /** Some more descriptors. */
  descriptors(descriptors: readonly number[]): void {
    this.#descriptors.push(...descriptors);
  }

  /** Some more bytes. */
  bytes(bytes: Uint8Array): void {
    const records = this.#records;
    if (!records) return this.#takeHead(bytes);
    records.push(bytes);
    for (let record; (record = records.next());) this.#options.onRecord(record);
  }

  /**
   * All has come.
   *
   * @throws {Error} with one line, when it is not whole, or more than what is told of.
   */
  end(): void {
    if (!this.#records?.isEmpty) throw new Error("the last record is cut off");
    if (this.#socket) throw new Error("the last socket is of nobody");
    const told = this.#header!.listeners.length + this.#opened;
    const come = this.#descriptors.length;
    // Those that nobody tells of would stay open for ever.
    if (come !== told) {
      throw new Error(`${come} descriptors have come, and ${told} are told of`);
    }
  }

  /** Lets go of all sockets, which whoever has brought them closes: it is not taken after all. */
  release(): void {
    for (const socket of this.#sockets) socket?.forget();
  }

  /** The socket whose descriptor, address and port a record has. */
  open({ descriptor: no, hostname, port }: RecordValues): EpollSocket {
    const at = Number(no);
    const descriptor = this.#descriptors[at];
    const isListener = at < this.#header!.listeners.length;
    if (descriptor === undefined || isListener || this.#sockets[at]) {
      throw new Error(`descriptor ${no} is missing`);
    }
    const socket = this.#options.io.connection(descriptor, {
      transport: "tcp",
      hostname: String(hostname),
      port: Number(port),
    });
    this.#sockets[at] = socket;
    this.#opened++;
    return socket;
  }

  /** Keeps the socket of a record of `SOCKET_FIELDS` for the record behind it. */
  keepSocket(values: RecordValues): void {
    if (this.#socket) throw new Error("a socket is of nobody");
    values.socket = this.open(values);
    for (const name of BYTES) values[name] = ownBytes(values[name]);
    this.#socket = values as unknown as SocketPiece;
  }

  /** The socket that was kept. */
  takeSocket(): SocketPiece {
    const piece = this.#socket;
    this.#socket = undefined;
    if (!piece) throw new Error("a socket is missing");
    return piece;
  }

  // The header, and what is behind it.
  #takeHead(bytes: Uint8Array): void {
    const head = new Uint8Array(this.#head.length + bytes.length);
    head.set(this.#head);
    head.set(bytes, this.#head.length);
    this.#head = head;
    if (head.length < 4) return;
    const end = 4 + new DataView(head.buffer).getUint32(0, true);
    if (head.length < end) return;
    const text = new TextDecoder().decode(head.subarray(4, end));
    const header: H = this.#header = JSON.parse(text);
    this.#head = new Uint8Array(0);
    const shift = this.#options.onHeader(header);
    this.#records = new RecordReader(header.layouts, shift);
    this.bytes(head.subarray(end));
  }
}

const NOTHING = new Uint8Array(0);
const BYTES = ["unread", "read", "unsent"];

/** A field's bytes as one's own: they are valid until the next ones come. */
export function ownBytes(bytes: unknown): Uint8Array {
  const own = bytes as Uint8Array;
  return own.length === 0 ? NOTHING : own.slice();
}
