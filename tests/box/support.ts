// What the tests of this folder share: bytes in hex, loopback connections.

import { concat } from "@std/bytes/concat";
import type { FrameReader } from "@maple/box";
import { within } from "../helpers/within.ts";

/** The bytes one after the other. */
export { concat as joined };

/** Bytes from hex digits; blanks are free. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, "");
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  );
}

/** Hex digits, two a byte. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Waits for what no test waits long for. */
export function bounded<T>(promise: Promise<T>): Promise<T> {
  return within(promise, "what the test waits for", 20_000);
}

/** Lets everything happen that is ready to happen. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/**
 * Two ends of one loopback connection, closed at the end of the scope where the test has not done
 * so.
 */
export class Loopback implements Disposable {
  private constructor(
    readonly near: Deno.TcpConn,
    readonly far: Deno.TcpConn,
  ) {}

  static async open(): Promise<Loopback> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const [near, far] = await bounded(Promise.all([
      listener.accept(),
      Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    ]));
    return new Loopback(near, far);
  }

  [Symbol.dispose](): void {
    closeQuietly(this.near);
    closeQuietly(this.far);
  }
}

/** A listener whose accepts the test decides on. */
export function fakeListener(
  accept: () => Promise<Deno.TcpConn>,
): Deno.TcpListener {
  return { accept } as Deno.TcpListener;
}

/** Closes a connection that may be closed already. */
export function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Writes all of the bytes. */
export async function writeAll(
  conn: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await bounded(conn.write(bytes.subarray(at)));
  }
}

/** Reads `count` bytes, fewer where the connection ends before. */
export async function readBytes(
  conn: Deno.Conn,
  count: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let at = 0;
  while (at < count) {
    const got = await bounded(conn.read(bytes.subarray(at)));
    if (got === null) break;
    at += got;
  }
  return bytes.subarray(0, at);
}

/** Reads to the end of the connection. */
export async function readToEnd(conn: Deno.Conn): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const piece = new Uint8Array(65536);
    const count = await bounded(conn.read(piece));
    if (count === null) break;
    pieces.push(piece.subarray(0, count));
  }
  return concat(pieces);
}

/** The frames that a reader has, as copies. */
export function drain(reader: FrameReader): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let frame = reader.next(); frame; frame = reader.next()) {
    frames.push(frame.slice());
  }
  return frames;
}

/** Pushes the pieces one by one and gives the frames that come of it. */
export function feed(
  reader: FrameReader,
  pieces: readonly Uint8Array[],
): Uint8Array[] {
  return pieces.flatMap((piece) => {
    reader.push(piece);
    return drain(reader);
  });
}
