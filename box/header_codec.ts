// HeaderCodec: reads and writes the header that a schema describes.

import { BoxError } from "./errors.ts";
import { FrameFault } from "./framing.ts";
import {
  type ByteOrder,
  type Field,
  fieldsOf,
  fits,
  type HeaderSchema,
  schemaError,
} from "./header_schema.ts";
import { type FieldRecord, getField, setField } from "./field_access.ts";
import { readInt32, writeInt32 } from "./int32.ts";
import { readInt64, writeInt64 } from "./int64.ts";

const PACKET_LEN_NAMES = ["packetLen", "packet_len"];
const BODY_LEN_NAMES = ["bodyLen", "body_len"];

const encoder = new TextEncoder();

/** Reads and writes the header that a schema describes. */
export class HeaderCodec {
  /** The bytes of the header. */
  readonly bytes: number;
  readonly #fields: readonly Field[];
  readonly #names: ReadonlySet<string>;
  readonly #littleEndian: boolean;
  readonly #length: Field;
  readonly #lengthHasHeader: boolean;
  readonly #magic: Field | undefined;
  readonly #magicBytes: Uint8Array;

  /**
   * @throws {BoxError} `schema`: no or two length fields, a name twice or reserved, an unknown
   * type, a default that does not fit.
   */
  constructor(schema: HeaderSchema, byteOrder: ByteOrder = "!") {
    if (byteOrder !== "!" && byteOrder !== "<") {
      throw schemaError(`byte order must be "!" or "<", got "${byteOrder}"`);
    }
    this.#littleEndian = byteOrder === "<";
    const fields = fieldsOf(schema);
    this.#fields = fields;
    this.#names = new Set(fields.map((field) => field.name));
    this.bytes = fields.reduce((sum, field) => sum + field.bytes, 0);
    const lengths = fields.filter((field) =>
      PACKET_LEN_NAMES.includes(field.name) ||
      BODY_LEN_NAMES.includes(field.name)
    );
    if (lengths.length !== 1 || typeof lengths[0]!.initial !== "number") {
      throw schemaError(
        "exactly one integer field packetLen or bodyLen must give the length",
      );
    }
    this.#length = lengths[0]!;
    this.#lengthHasHeader = PACKET_LEN_NAMES.includes(this.#length.name);
    this.#magic = fields.find((field) => field.name === "magic");
    this.#magicBytes = new Uint8Array(this.#magic?.bytes ?? 0);
    if (this.#magic) {
      this.#writeField(this.#magicBytes, 0, this.#magic, this.#magic.initial);
    }
  }

  /** The name of the field that gives the length. */
  get lengthName(): string {
    return this.#length.name;
  }

  /** The names of the fields in their order. */
  get fieldNames(): string[] {
    return [...this.#names];
  }

  /** Whether the header has a field of that name. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /**
   * Reads one integer field straight from a whole header; always 0 where the header has no such
   * field.
   */
  integerReader(name: string): (bytes: Uint8Array) => number {
    const field = this.#fields.find((field) => field.name === name);
    if (!field || typeof field.initial === "object") return () => 0;
    const { offset } = field;
    const littleEndian = this.#littleEndian;
    return (bytes) => readInteger(bytes, offset, field, littleEndian);
  }

  /** See {@linkcode Framing.frameLength}. */
  frameLength(bytes: Uint8Array, start: number, end: number): number {
    const there = end - start;
    const magic = this.#magic;
    if (magic && there >= magic.offset + magic.bytes) {
      const expected = this.#magicBytes;
      const at = start + magic.offset;
      for (let i = 0; i < expected.length; i++) {
        if (bytes[at + i] !== expected[i]) return FrameFault.badMagic;
      }
    }
    if (there < this.bytes) return 0;
    const field = this.#length;
    const value = readInteger(
      bytes,
      start + field.offset,
      field,
      this.#littleEndian,
    );
    const length = this.#lengthHasHeader ? value : value + this.bytes;
    return length < this.bytes ? FrameFault.badLength : length;
  }

  /** Sets every field of `target` to what `given` has, or else to its default. */
  fill(target: FieldRecord, given: FieldRecord): void {
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i++) {
      const { name, initial } = fields[i]!;
      const value = getField(given, i, name);
      setField(
        target,
        i,
        name,
        value !== undefined
          ? value
          : typeof initial === "object"
          ? initial.slice()
          : initial,
      );
    }
  }

  /** Sets the fields of `target` from the header at the start of `bytes`; raw bytes are views. */
  read(bytes: Uint8Array, target: FieldRecord): void {
    const littleEndian = this.#littleEndian;
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!;
      const { offset, unsigned } = field;
      setField(
        target,
        i,
        field.name,
        typeof field.initial === "object"
          ? bytes.subarray(offset, offset + field.bytes)
          : field.bytes === 8
          ? readInt64(bytes, offset, { littleEndian, unsigned })
          : readInteger(bytes, offset, field, littleEndian),
      );
    }
  }

  /**
   * Writes the header of a frame of `length` bytes at `at`; the length field is set in `source`
   * too.
   *
   * @throws {BoxError} `value` when a value does not fit its field.
   */
  write(
    target: Uint8Array,
    at: number,
    length: number,
    source: FieldRecord,
  ): void {
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!;
      const { name, offset } = field;
      if (field === this.#length) {
        const value = length - (this.#lengthHasHeader ? 0 : this.bytes);
        setField(source, i, name, value);
      }
      this.#writeField(target, at + offset, field, getField(source, i, name));
    }
  }

  #writeField(
    target: Uint8Array,
    at: number,
    field: Field,
    value: unknown,
  ): void {
    const { unsigned, bytes } = field;
    if (typeof field.initial === "object") {
      const raw = typeof value === "string" ? encoder.encode(value) : value;
      if (!(raw instanceof Uint8Array) || raw.length > bytes) {
        throw new BoxError(
          "value",
          `Cannot pack field "${field.name}": it takes up to ${bytes} bytes, got ${
            raw instanceof Uint8Array ? raw.length + " bytes" : typeof raw
          }`,
        );
      }
      target.set(raw, at);
      target.fill(0, at + raw.length, at + bytes);
      return;
    }
    if (!fits(value, bytes, unsigned)) {
      throw new BoxError(
        "value",
        `Cannot pack field "${field.name}": it takes ${
          unsigned ? "an unsigned" : "a signed"
        } ${bytes * 8}-bit integer, got ${String(value)}`,
      );
    }
    const littleEndian = this.#littleEndian;
    if (bytes === 8) writeInt64(target, at, value, littleEndian);
    else writeInteger(target, at, Number(value), bytes, littleEndian);
  }
}

// By arithmetic and without a DataView: these run for every frame.
function readInteger(
  bytes: Uint8Array,
  at: number,
  field: Field,
  littleEndian: boolean,
): number {
  if (field.bytes === 4) {
    const value = readInt32(bytes, at, littleEndian);
    return field.unsigned ? value >>> 0 : value;
  }
  const last = field.bytes - 1;
  let value = bytes[littleEndian ? at + last : at]!;
  // The sign goes in first: taken off at the end, it would fall to the rounding of a 64-bit length.
  if (!field.unsigned && value >= 128) value -= 256;
  for (let i = 1; i <= last; i++) {
    value = value * 256 + bytes[at + (littleEndian ? last - i : i)]!;
  }
  return value;
}

function writeInteger(
  target: Uint8Array,
  at: number,
  value: number,
  bytes: number,
  littleEndian: boolean,
): void {
  if (bytes === 4) return writeInt32(target, at, value, littleEndian);
  for (let i = 0; i < bytes; i++, value >>= 8) {
    target[littleEndian ? at + i : at + bytes - 1 - i] = value;
  }
}
