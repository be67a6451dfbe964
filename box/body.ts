// What may be given as a body, and its bytes.

import { BoxError } from "./errors.ts";

/** A value that JSON can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * What can be sent as a body: bytes as they are, a string as UTF-8, anything else as JSON.
 * `undefined` and `null` are the empty body.
 */
export type BodyInput = Uint8Array | JsonValue | object | undefined;

const EMPTY: Uint8Array = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The bytes of a body.
 *
 * @throws {BoxError} `value` when JSON cannot say it (a bigint, a cycle, a function).
 */
export function encodeBody(body: BodyInput): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (typeof body === "string") return encoder.encode(body);
  if (body === undefined || body === null) return EMPTY;
  let text: string | undefined;
  try {
    text = JSON.stringify(body);
  } catch (cause) {
    throw new BoxError(
      "value",
      `Cannot send the body as JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
  if (text === undefined) {
    throw new BoxError(
      "value",
      `Cannot send the body as JSON: got a ${typeof body}`,
    );
  }
  return encoder.encode(text);
}

/** The body as text; bytes that are not UTF-8 become U+FFFD. */
export function decodeText(body: Uint8Array): string {
  return decoder.decode(body);
}

/**
 * The body as JSON.
 *
 * @throws {BoxError} `body` when it is not JSON.
 */
export function decodeJson<T>(body: Uint8Array): T {
  try {
    return JSON.parse(decoder.decode(body)) as T;
  } catch (cause) {
    throw new BoxError(
      "body",
      // Without the body: what a handler throws is logged.
      `Cannot read the body as JSON: ${
        body.length === 0 ? "it is empty" : `its ${body.length} bytes are none`
      }`,
      { cause },
    );
  }
}

/** A body in a few characters, for people who look at a box; not for logs: `5 bytes "hello"`. */
export function inspectBody(body: Uint8Array): string {
  if (body.length === 0) return "0 bytes";
  const head = JSON.stringify(decoder.decode(body.subarray(0, 48)));
  return `${body.length} bytes ${head}${body.length > 48 ? "..." : ""}`;
}
