// StateOutput: a state as it is written for another process: a header of JSON, then records, a
// piece at a time.

import type { OwnSocket } from "../net/conn.ts";
import { type Layout, RecordWriter } from "../records.ts";
import type { StateSink } from "./state_sink.ts";

const UTF8 = new TextEncoder();
// So much is written before it is given to the sink, so that the other side has something to do.
const PIECE_BYTES = 32 * 1024;

/**
 * Writes a state: the header, its length before it in 4 bytes, then the records. The descriptor of
 * a socket is given to the sink before the record that names it.
 */
export class StateOutput<K extends string> {
  /** The sockets that go along. */
  readonly sockets: OwnSocket[] = [];
  readonly #sink: StateSink;
  readonly #records: RecordWriter;
  // The descriptors that the sink has not got yet.
  #fresh: number[];
  #descriptors: number;

  /**
   * Nothing is written yet.
   *
   * @param layouts Those of all kinds of records.
   * @param listeners The descriptors of the listeners, which are the first.
   */
  constructor(
    layouts: Readonly<Record<K, Layout>>,
    listeners: readonly number[],
    sink: StateSink,
  ) {
    this.#records = new RecordWriter(layouts);
    this.#sink = sink;
    this.#fresh = [...listeners];
    this.#descriptors = listeners.length;
  }

  /** Writes the header, which is JSON; before all else. */
  header(header: unknown): void {
    this.#sink.descriptors(this.#fresh);
    this.#fresh = [];
    this.#sink.bytes(headerBytes(header));
  }

  /** A socket goes along whose descriptor the other process has got before. */
  goesAlong(socket: OwnSocket): void {
    this.sockets.push(socket);
  }

  /** A socket goes along; gives what its record says of that. */
  descriptorOf(socket: OwnSocket): { descriptor: number } {
    this.goesAlong(socket);
    this.#fresh.push(socket.descriptor);
    return { descriptor: this.#descriptors++ };
  }

  /** Writes a record; see `RecordWriter.write`. */
  write(kind: K, values: object, more: object): void {
    this.#records.write(kind, values, more);
    if (this.#records.length >= PIECE_BYTES) this.flush();
  }

  /** Gives the sink what it has not got yet; to be called at the end. */
  flush(): void {
    if (this.#fresh.length > 0) this.#sink.descriptors(this.#fresh);
    this.#fresh = [];
    if (this.#records.length > 0) this.#sink.bytes(this.#records.bytes);
    this.#records.clear();
  }
}

/** A header as it is written: its length, and JSON. */
export function headerBytes(header: unknown): Uint8Array {
  const json = UTF8.encode(JSON.stringify(header));
  const bytes = new Uint8Array(4 + json.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  return bytes;
}
