// boxClass: classes of boxes, each with a header of its own.

import {
  type BodyInput,
  decodeJson,
  decodeText,
  encodeBody,
  inspectBody,
} from "./body.ts";
import { BoxError } from "./errors.ts";
import { checkFrame, type Framing } from "./framing.ts";
import type { FieldRecord } from "./field_access.ts";
import { HeaderCodec } from "./header_codec.ts";
import type { ByteOrder, FieldsOf, HeaderSchema } from "./header_schema.ts";

/** What a box is made from: any of its header's fields, and a body. */
export type BoxInit<F extends object> = Partial<Omit<F, "body">> & {
  /** Bytes as they are, a string as UTF-8, anything else as JSON; empty when left out. */
  body?: BodyInput;
};

/** What every box has beside its header's fields. */
export interface BoxMethods<F extends object> {
  /** The body, as bytes. */
  body: Uint8Array;

  /**
   * The whole frame, in bytes of its own; the length field is set to match.
   *
   * @throws {BoxError} `value` when a value does not fit its field.
   */
  pack(): Uint8Array;

  /**
   * Writes the whole frame to `target`: the same bytes as `pack`, without memory of their own.
   *
   * @param at Where it begins. @default {0}
   * @returns How many bytes it takes; 0 when there is no room for them: nothing is written then.
   * @throws {BoxError} `value` when a value does not fit its field.
   */
  packInto(target: Uint8Array, at?: number): number;

  /**
   * Takes fields and body from the first frame in `bytes`; the body is a view of them.
   *
   * @returns As `check`: the bytes used (> 0), 0 when more are needed, negative when they are no
   * frame; the box is changed only in the first case.
   */
  unpack(bytes: Uint8Array, frameBytes?: number): number;

  /**
   * The reply to this box: same class, `cmd` and `sn` copied where the header has them, the rest
   * from `init`.
   */
  map(init?: BoxInit<F>): BoxOf<F>;

  /** The body as text; bytes that are not UTF-8 become U+FFFD. */
  text(): string;

  /**
   * The body as JSON.
   *
   * @throws {BoxError} `body` when it is not JSON. A handler that lets it pass has its client
   * answered with `RET.BAD_REQUEST`.
   */
  json<T = unknown>(): T;

  /**
   * One readable line, `Box { cmd: 1, sn: 7, body: 5 bytes "hello" }`; the length and fields that
   * have their default are left out.
   */
  toString(): string;
}

/** A box whose header has the fields `F`. */
export type BoxOf<F extends object> = F & BoxMethods<F>;

/** A class of boxes with one header; made by {@linkcode boxClass}. */
export interface BoxClass<F extends object> extends Framing {
  /**
   * Makes a box.
   *
   * @param init Fields and body; the rest has its defaults.
   * @throws {BoxError} `schema` when `init` names a field that the header does not have.
   */
  new (init?: BoxInit<F>): BoxOf<F>;

  /** The bytes of the header: the shortest frame there is. */
  readonly headerBytes: number;

  /** The names of the header's fields, in their order. */
  readonly fieldNames: readonly string[];

  /**
   * Checks the start of `bytes`.
   *
   * @param frameBytes A longer frame is none; 16 MiB by default.
   * @returns `> 0`: the bytes that the first whole frame uses; `0`: more bytes are needed; `< 0`:
   * no frame, see `FrameFault`.
   */
  check(bytes: Uint8Array, frameBytes?: number): number;

  /** The command in a whole frame, without unpacking it; 0 where the header has no field `cmd`. */
  cmdOf(frame: Uint8Array): number;

  /**
   * The box of one whole frame; its body is a view of `frame`.
   *
   * @throws {BoxError} `frame` when `frame` is not exactly one frame.
   */
  fromFrame(frame: Uint8Array): BoxOf<F>;
}

/** Settings of {@linkcode boxClass}. */
export interface BoxClassOptions {
  /** Byte order of the numbers. @default {"!"} */
  byteOrder?: ByteOrder;
  /** What the class is called in messages. @default {"Box"} */
  name?: string;
}

const EMPTY: Uint8Array = new Uint8Array(0);
// For boxes whose fields are read from a frame: they need no defaults first.
const UNREAD: FieldRecord = {};
const NONE: FieldRecord = {};

/**
 * Makes a class of boxes with a header of your own. Everything in maple that takes a box class
 * takes it.
 *
 * @param schema The header's fields in their order, one of them `packetLen` or `bodyLen`.
 * @throws {BoxError} `schema` when the schema or the byte order is wrong.
 *
 * @example A shorter header, little-endian
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { boxClass } from "@maple/box";
 *
 * const TinyBox = boxClass([
 *   ["cmd", "H"],
 *   ["sn", "I"],
 *   ["bodyLen", "H"],
 * ], { byteOrder: "<" });
 *
 * const box = new TinyBox({ cmd: 7, sn: 1, body: "hi" });
 * assertEquals(TinyBox.fromFrame(box.pack()).cmd, 7);
 * ```
 */
export function boxClass<const S extends HeaderSchema>(
  schema: S,
  options: BoxClassOptions = {},
): BoxClass<FieldsOf<S>> {
  const codec = new HeaderCodec(schema, options.byteOrder);
  const className = options.name ?? "Box";
  const fieldNames = Object.freeze(codec.fieldNames);
  const hasCmd = codec.has("cmd");
  const hasSn = codec.has("sn");

  class SchemaBox {
    static readonly headerBytes = codec.bytes;
    static readonly fieldNames = fieldNames;

    static readonly cmdOf = codec.integerReader("cmd");

    static frameLength(bytes: Uint8Array, start: number, end: number): number {
      return codec.frameLength(bytes, start, end);
    }

    static check(bytes: Uint8Array, frameBytes?: number): number {
      return checkFrame(codecFraming, bytes, frameBytes);
    }

    static fromFrame(frame: Uint8Array): SchemaBox {
      const box = new this(UNREAD);
      const used = box.unpack(frame, Infinity);
      if (used !== frame.length || used === 0) {
        throw new BoxError(
          "frame",
          `Cannot unpack a ${this.name}: ${frame.length} bytes are not one whole frame (check gave ${used})`,
        );
      }
      return box;
    }

    #body: Uint8Array = EMPTY;

    constructor(init?: FieldRecord) {
      if (init === UNREAD) return;
      const given = init ?? NONE;
      codec.fill(this as unknown as FieldRecord, given);
      this.#body = encodeBody(given.body as BodyInput);
      for (const name in given) {
        if (name === "body" || codec.has(name)) continue;
        throw new BoxError(
          "schema",
          `Cannot make a ${className}: it has no field "${name}"; known are ${
            fieldNames.join(", ")
          } and body`,
        );
      }
    }

    get body(): Uint8Array {
      return this.#body;
    }

    set body(value: BodyInput) {
      this.#body = encodeBody(value);
    }

    pack(): Uint8Array {
      const frame = new Uint8Array(codec.bytes + this.#body.length);
      this.packInto(frame);
      return frame;
    }

    packInto(target: Uint8Array, at = 0): number {
      const length = codec.bytes + this.#body.length;
      if (at + length > target.length) return 0;
      codec.write(target, at, length, this as unknown as FieldRecord);
      target.set(this.#body, at + codec.bytes);
      return length;
    }

    unpack(bytes: Uint8Array, frameBytes?: number): number {
      const used = checkFrame(codecFraming, bytes, frameBytes);
      if (used > 0) {
        codec.read(bytes, this as unknown as FieldRecord);
        this.#body = bytes.subarray(codec.bytes, used);
      }
      return used;
    }

    map(init?: FieldRecord): SchemaBox {
      const reply = new (this.constructor as typeof SchemaBox)(init);
      const fields = reply as unknown as FieldRecord;
      const source = this as unknown as FieldRecord;
      if (hasCmd && init?.cmd === undefined) fields.cmd = source.cmd;
      if (hasSn && init?.sn === undefined) fields.sn = source.sn;
      return reply;
    }

    text(): string {
      return decodeText(this.#body);
    }

    json<T>(): T {
      return decodeJson<T>(this.#body);
    }

    toString(): string {
      const defaults: FieldRecord = {};
      codec.fill(defaults, NONE);
      const fields = this as unknown as FieldRecord;
      const shown = fieldNames
        .filter((name) =>
          name !== codec.lengthName &&
          String(fields[name]) !== String(defaults[name])
        )
        .map((name) => `${name}: ${fields[name]}, `);
      return `${this.constructor.name} { ${shown.join("")}body: ${
        inspectBody(this.#body)
      } }`;
    }

    [Symbol.for("Deno.customInspect")](): string {
      return this.toString();
    }

    [Symbol.for("nodejs.util.inspect.custom")](): string {
      return this.toString();
    }
  }

  Object.defineProperty(SchemaBox, "name", { value: className });
  const codecFraming: Framing = SchemaBox;
  return SchemaBox as unknown as BoxClass<FieldsOf<S>>;
}
