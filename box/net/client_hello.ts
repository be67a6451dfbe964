// The first message of a TLS client: which host it wants to talk to. After RFC 8446 and 6066.

/** What the bytes at the beginning of a connection are. */
export type ClientHello =
  /** More of them are needed. */
  | { readonly kind: "more" }
  /** No such message. */
  | { readonly kind: "wrong" }
  /** A whole one, or one that is too long to be read. */
  | {
    readonly kind: "hello";
    /** The host that it asks for; undefined where it tells none. */
    readonly name: string | undefined;
  };

/** A longer message is not read. */
export const CLIENT_HELLO_MAX_BYTES = 8 * 1024;

const MORE: ClientHello = { kind: "more" };
const WRONG: ClientHello = { kind: "wrong" };
const NAMELESS: ClientHello = { kind: "hello", name: undefined };
const RECORD_HEADER = 5;
const HANDSHAKE_RECORD = 22;
const MESSAGE_HEADER = 4;
const CLIENT_HELLO = 1;
// The version and the random bytes.
const FIXED = 2 + 32;
const SERVER_NAME = 0;
const HOST_NAME = 0;

const ascii = new TextDecoder("latin1");

/** Reads the message at the beginning of `bytes`; what is wrong within it is not for here. */
export function readClientHello(bytes: Uint8Array): ClientHello {
  const message = firstMessage(bytes);
  if (message === undefined) {
    return bytes.length < CLIENT_HELLO_MAX_BYTES ? MORE : NAMELESS;
  }
  if (message.length === 0) return WRONG;
  const reader = new LengthReader(message);
  reader.skip(FIXED);
  // The session, the ciphers, the compressions.
  for (const lengthBytes of [1, 2, 1]) reader.part(lengthBytes);
  const extensions = new LengthReader(reader.part(2));
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const body = extensions.part(2);
    if (type === SERVER_NAME) return { kind: "hello", name: nameIn(body) };
  }
  return NAMELESS;
}

// The body of the first message, which may be in several records; empty where it is another one,
// undefined where more is needed.
function firstMessage(bytes: Uint8Array): Uint8Array | undefined {
  const nothing = bytes.subarray(0, 0);
  const message = new Uint8Array(bytes.length);
  let count = 0;
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== HANDSHAKE_RECORD) return nothing;
    if (bytes.length - at < RECORD_HEADER) return undefined;
    const length = bytes[at + 3]! << 8 | bytes[at + 4]!;
    if (length === 0) return nothing;
    at += RECORD_HEADER;
    const part = bytes.subarray(at, at + length);
    message.set(part, count);
    count += part.length;
    at += length;
    if (count < MESSAGE_HEADER) continue;
    if (message[0] !== CLIENT_HELLO) return nothing;
    const end = MESSAGE_HEADER +
      (message[1]! << 16 | message[2]! << 8 | message[3]!);
    if (count >= end) return message.subarray(MESSAGE_HEADER, end);
  }
  return undefined;
}

function nameIn(extension: Uint8Array): string | undefined {
  const list = new LengthReader(new LengthReader(extension).part(2));
  while (list.left > 0) {
    const type = list.number(1);
    const name = list.part(2);
    if (type === HOST_NAME && name.length > 0) return ascii.decode(name);
  }
  return undefined;
}

/** Reads parts with their lengths before them; what is beyond the end is empty, or 0. */
class LengthReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return Math.max(0, this.#bytes.length - this.#at);
  }

  skip(count: number): void {
    this.#at += count;
  }

  number(byteCount: number): number {
    let value = 0;
    for (let i = 0; i < byteCount; i++) {
      value = value << 8 | (this.#bytes[this.#at++] ?? 0);
    }
    return value;
  }

  part(lengthBytes: number): Uint8Array {
    const length = this.number(lengthBytes);
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }
}
