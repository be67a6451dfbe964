// LineBox: frames that are lines of text.

import {
  type BodyInput,
  decodeJson,
  decodeText,
  encodeBody,
  inspectBody,
} from "./body.ts";
import type { BoxClass, BoxInit, BoxOf } from "./box_class.ts";
import { BoxError } from "./errors.ts";
import { checkFrame } from "./framing.ts";

/** The header of {@linkcode LineBox}: it has none. */
export type LineFields = Record<never, never>;

const EMPTY: Uint8Array = new Uint8Array(0);
const NEWLINE = 10;

class Line {
  static readonly headerBytes = 1;
  static readonly fieldNames: readonly string[] = Object.freeze([]);

  static frameLength(
    bytes: Uint8Array,
    start: number,
    end: number,
    seen = 0,
  ): number {
    const from = start + seen;
    const at = bytes.subarray(from, end).indexOf(NEWLINE);
    return at < 0 ? 0 : seen + at + 1;
  }

  static check(bytes: Uint8Array, frameBytes?: number): number {
    return checkFrame(Line, bytes, frameBytes);
  }

  static cmdOf(): number {
    return 0;
  }

  static fromFrame(frame: Uint8Array): Line {
    const line = new Line();
    if (line.unpack(frame, Infinity) !== frame.length || frame.length === 0) {
      throw new BoxError(
        "frame",
        `Cannot unpack a LineBox: ${frame.length} bytes are not one line`,
      );
    }
    return line;
  }

  #body: Uint8Array = EMPTY;

  constructor(init?: { body?: BodyInput }) {
    for (const name in init) {
      if (name !== "body") {
        throw new BoxError(
          "schema",
          `Cannot make a LineBox: it has no field "${name}", only a body`,
        );
      }
    }
    this.body = init?.body;
  }

  get body(): Uint8Array {
    return this.#body;
  }

  set body(value: BodyInput) {
    this.#body = withoutNewline(encodeBody(value));
  }

  pack(): Uint8Array {
    const frame = new Uint8Array(this.#body.length + 1);
    this.packInto(frame);
    return frame;
  }

  packInto(target: Uint8Array, at = 0): number {
    const { length } = this.#body;
    if (this.#body.includes(NEWLINE)) {
      throw new BoxError(
        "value",
        `Cannot pack a LineBox: a newline stands inside its ${length} bytes`,
      );
    }
    if (at + length + 1 > target.length) return 0;
    target.set(this.#body, at);
    target[at + length] = NEWLINE;
    return length + 1;
  }

  unpack(bytes: Uint8Array, frameBytes?: number): number {
    const used = checkFrame(Line, bytes, frameBytes);
    if (used > 0) this.#body = withoutNewline(bytes.subarray(0, used));
    return used;
  }

  map(init?: BoxInit<LineFields>): Line {
    return new Line(init);
  }

  text(): string {
    return decodeText(this.#body);
  }

  json<T>(): T {
    return decodeJson<T>(this.#body);
  }

  toString(): string {
    return `LineBox { body: ${inspectBody(this.#body)} }`;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

Object.defineProperty(Line, "name", { value: "LineBox" });

// `\r\n`, as telnet sends it, ends a line too.
function withoutNewline(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  if (end > 0 && bytes[end - 1] === NEWLINE) {
    end--;
    if (end > 0 && bytes[end - 1] === 13) end--;
  }
  return bytes.subarray(0, end);
}

/**
 * The other framing in use: a frame is a line ended by `\n`. It has no header and no cmd; the body
 * is the line without its end (`\n` or `\r\n`).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LineBox } from "@maple/box";
 *
 * assertEquals(new LineBox({ body: "hello" }).pack().length, 6); // with the line's end
 * assertEquals(LineBox.fromFrame(new TextEncoder().encode("hi\r\n")).text(), "hi");
 * ```
 */
export const LineBox: BoxClass<LineFields> = Line as unknown as BoxClass<
  LineFields
>;

/** A line; see the class of the same name. */
export type LineBox = BoxOf<LineFields>;
