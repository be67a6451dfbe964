// The few parts of the protobuf encoding that our messages need: varints, int64, bytes, text and
// repeated int64. The format: https://protobuf.dev/programming-guides/encoding/

import { BoxError } from "./errors.ts";
import { type Int64, toInt64 } from "./int64.ts";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const WireType = { VARINT: 0, I64: 1, LEN: 2, I32: 5 } as const;

/** Writes the fields of one message. Fields with the default value are left out, as proto3 does. */
export class ProtobufWriter {
  #bytes: Uint8Array = new Uint8Array(64);
  #length = 0;

  /** The bytes of the message. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** A field of type bytes, or a message; `always` writes it when it is empty too. */
  bytes(field: number, value: Uint8Array, always = false): void {
    if (value.length === 0 && !always) return;
    this.#tag(field, WireType.LEN);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** A field of type string. */
  string(field: number, value: string, always = false): void {
    this.bytes(field, ENCODER.encode(value), always);
  }

  /** A field of type int64. */
  int64(field: number, value: Int64): void {
    if (value === 0 || value === 0n) return;
    this.#tag(field, WireType.VARINT);
    this.#varint(value);
  }

  /** A field of type repeated int64, packed. */
  int64List(field: number, values: readonly Int64[]): void {
    if (values.length === 0) return;
    const inner = new ProtobufWriter();
    for (const value of values) inner.#varint(value);
    this.bytes(field, inner.finish());
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: Int64): void {
    this.#reserve(10);
    if (typeof value === "number" && value >= 0) {
      while (value >= 128) {
        this.#bytes[this.#length++] = value % 128 + 128;
        value = Math.floor(value / 128);
      }
      this.#bytes[this.#length++] = value;
      return;
    }
    // Negative numbers are ten bytes long: two's complement in 64 bits.
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 128n) {
      this.#bytes[this.#length++] = Number(rest & 127n) + 128;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Reads the fields of one message, one after the other. */
export class ProtobufReader {
  /** The number of the field that {@linkcode ProtobufReader.nextField} found. */
  field = 0;
  #wireType = 0;
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #at = 0;

  /** @param name What stands in error messages. */
  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  /** How many bytes were read: where the next field begins. */
  get offset(): number {
    return this.#at;
  }

  /** Goes to the next field; false at the end. */
  nextField(): boolean {
    if (this.#at >= this.#bytes.length) return false;
    const tag = this.#varint();
    if (typeof tag !== "number" || tag < 8) throw this.error("a bad tag");
    this.field = Math.floor(tag / 8);
    this.#wireType = tag % 8;
    return true;
  }

  /** The value of a bytes field, as a view. */
  bytes(): Uint8Array {
    this.#expect(WireType.LEN);
    const length = this.#varint();
    if (
      typeof length !== "number" || length < 0 ||
      length > this.#bytes.length - this.#at
    ) throw this.error("a length beyond its end");
    const value = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  /** The value of a string field, which is UTF-8. */
  string(): string {
    const bytes = this.bytes();
    try {
      return DECODER.decode(bytes);
    } catch {
      throw this.error(`a text in field ${this.field} that is no UTF-8`);
    }
  }

  /** The value of an int64 field. */
  int64(): Int64 {
    this.#expect(WireType.VARINT);
    return this.#varint();
  }

  /**
   * Appends the values of a repeated int64 field, packed or not.
   *
   * @param max How many there may be in all.
   */
  int64List(values: Int64[], max = Infinity): void {
    if (this.#wireType === WireType.VARINT) {
      this.#push(values, max, this.#varint());
      return;
    }
    const inner = new ProtobufReader(this.bytes(), this.#name);
    while (inner.#at < inner.#bytes.length) {
      this.#push(values, max, inner.#varint());
    }
  }

  #push(values: Int64[], max: number, value: Int64): void {
    if (values.length >= max) {
      throw this.error(`more than ${max} values in field ${this.field}`);
    }
    values.push(value);
  }

  /** Skips the value of an unknown field. */
  skip(): void {
    if (this.#wireType === WireType.VARINT) this.#varint();
    else if (this.#wireType === WireType.LEN) this.bytes();
    else if (this.#wireType === WireType.I64) this.#advance(8);
    else if (this.#wireType === WireType.I32) this.#advance(4);
    else throw this.error(`wire type ${this.#wireType}`);
  }

  #advance(count: number): void {
    if (count > this.#bytes.length - this.#at) {
      throw this.error("a value beyond its end");
    }
    this.#at += count;
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) {
      throw this.error(`wire type ${this.#wireType} for field ${this.field}`);
    }
  }

  #varint(): Int64 {
    let value = 0;
    let scale = 1;
    const start = this.#at;
    // Seven bytes hold 49 bits, which a number holds exactly.
    for (let i = 0; i < 7; i++) {
      const byte = this.#nextByte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    let big = BigInt(value);
    for (let i = 7; i < 10; i++) {
      const byte = this.#nextByte();
      big += BigInt(byte & 127) << BigInt(7 * i);
      if (byte < 128) return toInt64(BigInt.asIntN(64, big));
    }
    throw this.error(`a varint of more than ten bytes at ${start}`);
  }

  #nextByte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.error("a varint beyond its end");
    this.#at++;
    return byte;
  }

  /** The error of a message that has what it must not have. */
  error(detail: string): BoxError {
    return new BoxError(
      "frame",
      `Cannot decode ${this.#name} of ${this.#bytes.length} bytes: it has ${detail}`,
    );
  }
}
