// Records: what a process hands to the one that takes its place, in bytes: one after the other,
// each with the fields of its kind. Which fields these are stands beside them, in a layout: a
// reader takes those that it knows, by their names.

import { BoxError } from "./errors.ts";
import type { Int64 } from "./int64.ts";

/**
 * How a field is written:
 *
 * - `flag`: true or false
 * - `int`: a whole number from 0 to 2^53 - 1
 * - `number`: any number
 * - `time`: milliseconds of `performance.now()`, which are those of the reader when they are read
 * - `int64`: a number or a BigInt of 64 bits
 * - `text`, `bytes`: of any length
 * - `json`: anything that JSON can say; undefined as well
 */
export type FieldKind =
  | "flag"
  | "int"
  | "number"
  | "time"
  | "int64"
  | "text"
  | "bytes"
  | "json";

/** A field that does not go along, and why. */
export interface Left {
  /** Where it comes from in the other process, or why it is needed no more. */
  readonly left: string;
}

/** Says of a field that it does not go along, and why. */
export function left(why: string): Left {
  return { left: why };
}

/** The names of what of a class others can see and is no method. */
export type DataKey<T> = {
  // deno-lint-ignore no-explicit-any -- whatever a method takes
  [K in keyof T]: T[K] extends (...given: any[]) => unknown ? never : K;
}[keyof T];

/**
 * What becomes of each field of a class that others can see: who adds one has to say it here, or
 * the types are wrong.
 */
export type FieldPlan<T> = {
  readonly [K in DataKey<T>]-?: FieldKind | Left;
};

/** The fields of a kind of record, in their order, each with how it is written. */
export type Layout = readonly (readonly [name: string, kind: FieldKind])[];

/** The fields of a record by their names. */
export type RecordValues = Record<string, unknown>;

/** The layout of what of a class goes along, and further fields behind that. */
export function layoutOf<T>(
  plan: FieldPlan<T>,
  more: Readonly<Record<string, FieldKind>> = {},
): Layout {
  const own = Object.entries<FieldKind | Left>(plan)
    .filter((entry): entry is [string, FieldKind] =>
      typeof entry[1] === "string"
    );
  return [...own, ...Object.entries(more)];
}

const NAMES = new WeakMap<object, readonly string[]>();

function namesOf(plan: Readonly<Record<string, unknown>>): readonly string[] {
  let names = NAMES.get(plan);
  if (names) return names;
  names = Object.keys(plan).filter((name) => typeof plan[name] === "string");
  NAMES.set(plan, names);
  return names;
}

/** Gives a class back what has gone along of it, but for what its constructor was given. */
export function takeFields<T extends object>(
  target: T,
  plan: FieldPlan<T>,
  values: RecordValues,
  except: readonly (keyof T)[] = [],
): void {
  for (const name of namesOf(plan as Readonly<Record<string, unknown>>)) {
    const value = values[name];
    if (value === undefined || except.includes(name as keyof T)) continue;
    (target as RecordValues)[name] = value;
  }
}

/** A time that JSON can say: null for what has never been. */
export function givenTime(time: number): number | null {
  return Number.isFinite(time) ? time : null;
}

/** A time that another process has given, in milliseconds of this one's `performance.now()`. */
export function takenTime(time: number | null, shift: number): number {
  return time === null ? -Infinity : time + shift;
}

const START_BYTES = 128 * 1024;
const LENGTH_BYTES = 4;
// Texts as short as addresses and names are; a decoder would take longer.
const SHORT = 48;
const ENCODER = new TextEncoder();
const NOTHING = {};
const EMPTY = new Uint8Array(0);

/** A kind as it is written: its number, and where each field comes from. */
interface Kind {
  readonly no: number;
  readonly names: readonly string[];
  readonly hows: readonly FieldKind[];
  /** Whether each is one of `more`; known once one was written. */
  fromMore: boolean[] | undefined;
}

/** Writes records. */
export class RecordWriter {
  readonly #kinds: ReadonlyMap<string, Kind>;
  #bytes = new Uint8Array(START_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /**
   * Nothing is written yet.
   *
   * @param layouts Those of all kinds.
   */
  constructor(layouts: Readonly<Record<string, Layout>>) {
    this.#kinds = new Map(
      Object.entries(layouts).map(([kind, layout], no) => [kind, {
        no,
        names: layout.map(([name]) => name),
        hows: layout.map(([, how]) => how),
        fromMore: undefined,
      }]),
    );
  }

  /** All that was written since `clear`, until more is. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** How many bytes that is. */
  get length(): number {
    return this.#length;
  }

  /** Forgets what was written, or what of it is beyond so many bytes. */
  clear(length = 0): void {
    this.#length = length;
  }

  /**
   * Writes one; the fields of the layout are taken from `more`, which has the same ones each time
   * for a kind, else from `values`.
   */
  write(kind: string, values: object, more: object = NOTHING): void {
    const { no, names, hows, fromMore } = this.#kindOf(kind, more);
    this.#byte(no);
    this.#reserve(LENGTH_BYTES);
    const start = this.#length += LENGTH_BYTES;
    for (let i = 0; i < names.length; i++) {
      const from = (fromMore[i] ? more : values) as RecordValues;
      this.#field(hows[i]!, from[names[i]!]);
    }
    const at = start - LENGTH_BYTES;
    this.#view.setUint32(at, this.#length - start, true);
  }

  #kindOf(name: string, more: object): Kind & { fromMore: boolean[] } {
    const kind = this.#kinds.get(name)!;
    kind.fromMore ??= kind.names.map((field) => field in more);
    return kind as Kind & { fromMore: boolean[] };
  }

  #field(kind: FieldKind, value: unknown): void {
    switch (kind) {
      case "flag":
        return this.#byte(value ? 1 : 0);
      case "int":
        return this.#int(value as number);
      case "number":
      case "time":
        return this.#double(value as number);
      case "int64":
        return this.#int64(value as Int64);
      case "text":
        return this.#text(value as string);
      case "bytes":
        return this.#sized(value as Uint8Array);
      case "json":
        return this.#text(value === undefined ? "" : JSON.stringify(value));
    }
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  #int(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new BoxError("value", `Cannot write ${value} as a whole number`);
    }
    this.#reserve(8);
    while (value > 127) {
      this.#bytes[this.#length++] = value % 128 | 128;
      value = Math.floor(value / 128);
    }
    this.#bytes[this.#length++] = value;
  }

  #double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  #int64(value: Int64): void {
    const isBig = typeof value === "bigint";
    this.#byte(isBig ? 1 : 0);
    if (!isBig) return this.#double(value);
    this.#reserve(8);
    this.#view.setBigInt64(this.#length, value, true);
    this.#length += 8;
  }

  #text(text: string): void {
    if (text.length > SHORT) return this.#sized(ENCODER.encode(text));
    this.#reserve(1 + text.length);
    const start = this.#length;
    this.#bytes[this.#length++] = text.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) {
        this.#length = start;
        return this.#sized(ENCODER.encode(text));
      }
      this.#bytes[this.#length++] = code;
    }
  }

  #sized(bytes: Uint8Array): void {
    this.#int(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(
      Math.max(this.#bytes.length * 2, this.#length + count),
    );
    grown.set(this.bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** One record that was read. */
export interface ReadRecord {
  /** Which kind it is of. */
  readonly kind: string;
  /** Its fields; bytes are valid until more is given to the reader. */
  readonly values: RecordValues;
}

/** Reads records, of which some bytes come at a time. */
export class RecordReader {
  readonly #kinds: readonly {
    readonly kind: string;
    readonly names: readonly string[];
    readonly hows: readonly FieldKind[];
    /** A record with all fields, of which each one that is read begins as a copy. */
    readonly blank: RecordValues;
  }[];
  // The last text of each length: addresses and names come again and again.
  readonly #texts: string[] = [];
  readonly #shift: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #bytes = new Uint8Array(START_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #at = 0;
  // Where the present record ends.
  #end = 0;

  /**
   * Nothing has come yet.
   *
   * @param layouts Those by which they were written.
   * @param shift What is added to times.
   */
  constructor(layouts: Readonly<Record<string, Layout>>, shift = 0) {
    this.#kinds = Object.entries(layouts).map(([kind, layout]) => ({
      kind,
      names: layout.map(([name]) => name),
      hows: layout.map(([, how]) => how),
      blank: Object.fromEntries(layout.map(([name]) => [name, undefined])),
    }));
    this.#shift = shift;
  }

  /** Takes more bytes, which are copied. */
  push(bytes: Uint8Array): void {
    const held = this.#length - this.#at;
    if (this.#length + bytes.length > this.#bytes.length) {
      const enough = held + bytes.length;
      const target = enough > this.#bytes.length / 2
        ? new Uint8Array(Math.max(this.#bytes.length * 2, enough))
        : this.#bytes;
      target.set(this.#bytes.subarray(this.#at, this.#length));
      this.#bytes = target;
      this.#view = new DataView(target.buffer);
      this.#length = held;
      this.#at = 0;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Whether all that has come was read. */
  get isEmpty(): boolean {
    return this.#at === this.#length;
  }

  /**
   * The next one; undefined while it is not whole.
   *
   * @throws {BoxError} `frame` when the bytes are no records of these kinds.
   */
  next(): ReadRecord | undefined {
    const start = this.#at + 1 + LENGTH_BYTES;
    if (start > this.#length) return undefined;
    const end = start + this.#view.getUint32(this.#at + 1, true);
    if (end > this.#length) return undefined;
    const found = this.#kinds[this.#bytes[this.#at]!];
    if (!found) throw fault(`there is no kind ${this.#bytes[this.#at]}`);
    this.#at = start;
    this.#end = end;
    const { kind, names, hows, blank } = found;
    const values: RecordValues = { ...blank };
    for (let i = 0; i < names.length; i++) {
      values[names[i]!] = this.#field(hows[i]!);
    }
    if (this.#at !== end) throw fault("one is longer than its fields");
    return { kind, values };
  }

  #field(kind: FieldKind): unknown {
    switch (kind) {
      case "flag":
        return this.#bytes[this.#skip(1)] === 1;
      case "int":
        return this.#int();
      case "number":
        return this.#double();
      case "time":
        return this.#double() + this.#shift;
      case "int64":
        return this.#bytes[this.#skip(1)] === 1
          ? this.#view.getBigInt64(this.#skip(8), true)
          : this.#double();
      case "text":
        return this.#text();
      case "bytes":
        return this.#sized();
      case "json": {
        const text = this.#text();
        return text === "" ? undefined : JSON.parse(text);
      }
      default:
        throw fault(`a field is of the unknown kind ${kind}`);
    }
  }

  #int(): number {
    let value = 0;
    for (let unit = 1; unit <= 2 ** 49; unit *= 128) {
      const byte = this.#bytes[this.#skip(1)]!;
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
    throw fault("a whole number is too long");
  }

  #double(): number {
    return this.#view.getFloat64(this.#skip(8), true);
  }

  #sized(): Uint8Array {
    const length = this.#int();
    if (length === 0) return EMPTY;
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  #text(): string {
    const length = this.#int();
    if (length === 0) return "";
    const at = this.#skip(length);
    const last = length < SHORT ? this.#texts[length] : undefined;
    if (last !== undefined && this.#isText(last, at)) return last;
    const text = this.#decoder.decode(this.#bytes.subarray(at, at + length));
    if (length < SHORT) this.#texts[length] = text;
    return text;
  }

  #isText(text: string, at: number): boolean {
    for (let i = 0; i < text.length; i++) {
      const byte = this.#bytes[at + i]!;
      // Above that a letter is several bytes.
      if (byte > 127 || text.charCodeAt(i) !== byte) return false;
    }
    return true;
  }

  #skip(count: number): number {
    const at = this.#at;
    if (at + count > this.#end) throw fault("one is shorter than its fields");
    this.#at += count;
    return at;
  }
}

function fault(what: string): BoxError {
  return new BoxError("frame", `Received bytes are no records: ${what}`);
}
