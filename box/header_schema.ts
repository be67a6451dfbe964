// Header schemas: an ordered list of typed fields.

import { BoxError } from "./errors.ts";
import { type Int64, isInt64 } from "./int64.ts";

/**
 * The type of a header field, in the letters of Python's `struct`: `b B` 8 bits, `h H` 16 bits, `i
 * I` 32 bits, `q Q` 64 bits (small letter signed, capital unsigned), `16s` that many raw bytes.
 */
export type FieldType =
  | "b"
  | "B"
  | "h"
  | "H"
  | "i"
  | "I"
  | "q"
  | "Q"
  | `${number}s`;

/**
 * One field of a header: its name, its type and the value it has where none is given (0, or zero
 * bytes).
 */
export type FieldSpec = readonly [
  name: string,
  type: FieldType,
  value?: Int64 | string | Uint8Array,
];

/**
 * An ordered list of fields. One of them must give the length: `packetLen` (or `packet_len`) that
 * of the whole frame, `bodyLen` (or `body_len`) that of the body alone. A field `magic` is checked
 * when a frame comes in.
 */
export type HeaderSchema = readonly FieldSpec[];

/** What a field of a given type is in TypeScript. */
export type FieldValue<T extends FieldType> = T extends "q" | "Q" ? Int64
  : T extends `${number}s` ? Uint8Array
  : number;

/** The fields of a schema as properties. */
export type FieldsOf<S extends HeaderSchema> = {
  -readonly [F in S[number] as F[0]]: FieldValue<F[1]>;
};

/** The order of the bytes of a number: `!` big-endian (network order), `<` little-endian. */
export type ByteOrder = "!" | "<";

/** A field as the codec needs it. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Index of its first byte in the header. */
  readonly offset: number;
  readonly bytes: number;
  readonly unsigned: boolean;
  /** Its value where none is given. */
  readonly initial: Int64 | Uint8Array;
}

const INTEGER_BYTES: ReadonlyMap<string, number> = new Map([
  ["b", 1],
  ["h", 2],
  ["i", 4],
  ["q", 8],
]);
// Beside what every object has.
const RESERVED_NAMES = [
  "body",
  "pack",
  "packInto",
  "unpack",
  "map",
  "text",
  "json",
];

const encoder = new TextEncoder();

/**
 * The fields of a schema, laid out one after the other.
 *
 * @throws {BoxError} `schema`: a name twice or reserved, an unknown type, a default that does not
 * fit.
 */
export function fieldsOf(schema: HeaderSchema): Field[] {
  const fields: Field[] = [];
  let offset = 0;
  for (const spec of schema) {
    const field = fieldOf(spec, offset);
    if (RESERVED_NAMES.includes(field.name) || field.name in {}) {
      throw schemaError(`"${field.name}" is not free for a field`);
    }
    if (fields.some((other) => other.name === field.name)) {
      throw schemaError(`field "${field.name}" stands twice`);
    }
    fields.push(field);
    offset += field.bytes;
  }
  return fields;
}

function fieldOf(spec: FieldSpec, offset: number): Field {
  const [name, type, value] = spec;
  const count = /^([1-9]\d{0,4})s$/.exec(type)?.[1];
  const bytes = count ? Number(count) : INTEGER_BYTES.get(type.toLowerCase());
  if (bytes === undefined) {
    throw schemaError(
      `field "${name}" has type "${type}"; known are b B h H i I q Q and Ns`,
    );
  }
  const unsigned = type === type.toUpperCase();
  if (!count) {
    const initial = value ?? 0;
    if (!fits(initial, bytes, unsigned)) {
      throw schemaError(`default of "${name}" does not fit type "${type}"`);
    }
    return { name, type, offset, bytes, unsigned, initial };
  }
  const raw = typeof value === "string" ? encoder.encode(value) : value;
  const initial = new Uint8Array(bytes);
  if (raw !== undefined) {
    if (!(raw instanceof Uint8Array) || raw.length > bytes) {
      throw schemaError(`default of "${name}" does not fit type "${type}"`);
    }
    initial.set(raw);
  }
  return { name, type, offset, bytes, unsigned: false, initial };
}

/** Whether an integer of so many bytes can say the value. */
export function fits(
  value: unknown,
  bytes: number,
  unsigned: boolean,
): value is Int64 {
  if (bytes === 8) return isInt64(value, unsigned);
  if (typeof value !== "number" || !Number.isInteger(value)) return false;
  const half = bytes === 4 ? 0x80000000 : bytes === 2 ? 0x8000 : 0x80;
  return unsigned
    ? value >= 0 && value < half * 2
    : value >= -half && value < half;
}

/** What is wrong with a schema. */
export function schemaError(detail: string): BoxError {
  return new BoxError("schema", `Cannot make a box class: ${detail}`);
}
