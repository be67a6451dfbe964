// WebSocketStream: a WebSocket client of our own that shows everything: the bytes of messages as a
// stream, and what comes beside them.

import { PATIENCE_MS, within } from "./within.ts";

/** What a {@linkcode WebSocketStream} asks for. */
export interface WebSocketRequest {
  /** The path. @default {"/"} */
  readonly path?: string;
  /** Further headers, or others in place of the usual ones. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A frame of a server. */
export interface ServerFrame {
  /** Its opcode. */
  readonly opcode: number;
  /** Its payload. */
  readonly payload: Uint8Array;
}

const CHUNK_BYTES = 64 * 1024;
const NOTHING = new Uint8Array(0);
const HEADERS = {
  Host: "127.0.0.1",
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** The bytes of a client's frame, masked with four random bytes. */
export function clientFrame(
  opcode: number,
  payload: Uint8Array = NOTHING,
  fin = true,
): Uint8Array {
  const { length } = payload;
  const size = length < 126 ? 2 : length < 2 ** 16 ? 4 : 10;
  const bytes = new Uint8Array(size + 4 + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = (fin ? 0x80 : 0) | opcode;
  if (size === 2) bytes[1] = 0x80 | length;
  else if (size === 4) {
    bytes[1] = 0x80 | 126;
    view.setUint16(2, length);
  } else {
    bytes[1] = 0x80 | 127;
    view.setBigUint64(2, BigInt(length));
  }
  const mask = crypto.getRandomValues(bytes.subarray(size, size + 4));
  for (let i = 0; i < length; i++) {
    bytes[size + 4 + i] = payload[i]! ^ mask[i & 3]!;
  }
  return bytes;
}

/** The head of a handshake's request. */
export function handshake(
  { path = "/", headers = {} }: WebSocketRequest = {},
): string {
  const lines = Object.entries({ ...HEADERS, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** A WebSocket of a client, from below. */
export class WebSocketStream {
  /** The connection below. */
  readonly conn: Deno.Conn;
  /** The head of the server's answer. */
  head = "";
  /** The code that the server has closed with. */
  closeCode: number | undefined;
  /** The reason that it gave. */
  closeReason = "";
  /** Pings and pongs that came. */
  readonly controls: ServerFrame[] = [];
  /** Whether pings are answered. */
  answersPings = true;
  #bytes: Uint8Array = NOTHING;
  #left = 0;

  /** @param conn The connection below, which belongs to this object from now on. */
  constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  /** Connects and shakes hands. */
  static async open(
    { hostname, port }: { hostname: string; port: number },
    request: WebSocketRequest = {},
  ): Promise<WebSocketStream> {
    const conn = await Deno.connect({ hostname, port });
    conn.setNoDelay(true);
    return await WebSocketStream.over(conn, request);
  }

  /**
   * Shakes hands over a connection.
   *
   * @param conn It belongs to the WebSocket from now on.
   */
  static async over(
    conn: Deno.Conn,
    request: WebSocketRequest = {},
  ): Promise<WebSocketStream> {
    const stream = new WebSocketStream(conn);
    await stream.writeRaw(new TextEncoder().encode(handshake(request)));
    const answered = within(stream.#readHead(), "the answer to a handshake");
    await answered.catch((error) => {
      stream.close();
      throw error;
    });
    if (!stream.head.startsWith("HTTP/1.1 101 ")) {
      stream.close();
      throw new Error(`no WebSocket: ${stream.head}`);
    }
    return stream;
  }

  /** This side's address. */
  get localAddr(): Deno.NetAddr {
    return this.conn.localAddr as Deno.NetAddr;
  }

  /** Sends all of the bytes as one message. */
  async write(bytes: Uint8Array): Promise<number> {
    await this.writeRaw(clientFrame(2, bytes));
    return bytes.length;
  }

  /** Sends bytes as they are. */
  async writeRaw(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.conn.write(bytes.subarray(at));
    }
  }

  /** Some of the bytes of the server's messages; null at the end. */
  async read(target: Uint8Array): Promise<number | null> {
    while (this.#left === 0) {
      const opcode = await this.#readHeader();
      if (opcode === undefined) return null;
      if (opcode === 2) continue;
      const payload = await this.#take(this.#left);
      this.#left = 0;
      if (!payload) return null;
      await this.#onControl(opcode, payload);
    }
    if (this.#bytes.length === 0 && !await this.#more()) return null;
    const count = Math.min(this.#left, this.#bytes.length, target.length);
    target.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
    this.#left -= count;
    return count;
  }

  /** The next message or control frame, whole; null at the end. */
  async nextFrame(timeoutMs = PATIENCE_MS): Promise<ServerFrame | null> {
    const frame = async () => {
      const opcode = await this.#readHeader();
      if (opcode === undefined) return null;
      const payload = await this.#take(this.#left);
      this.#left = 0;
      return payload && { opcode, payload };
    };
    return await within(frame(), "a frame", timeoutMs);
  }

  /** Ends the sending of the connection below. */
  closeWrite(): Promise<void> {
    return this.conn.closeWrite();
  }

  /** Closes the connection below at once. */
  close(): void {
    try {
      this.conn.close();
    } catch {
      // It is closed already.
    }
  }

  /** The same. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #readHead(): Promise<void> {
    for (;;) {
      const text = new TextDecoder().decode(this.#bytes);
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.head = text.slice(0, end);
        this.#bytes = this.#bytes.subarray(end + 4);
        return;
      }
      if (!await this.#more()) {
        this.head = text;
        return;
      }
    }
  }

  // Sets how much payload is to come.
  async #readHeader(): Promise<number | undefined> {
    const start = await this.#take(2);
    if (!start) return undefined;
    const [first, short] = start as unknown as [number, number];
    const opcode = first & 15;
    if ((first & 0xf0) !== 0x80) throw new Error(`a frame with ${first}`);
    if (short >= 128) throw new Error("the server masks its frames");
    if (opcode < 8 && opcode !== 2) throw new Error(`the opcode ${opcode}`);
    let length = short;
    if (short >= 126) {
      const long = await this.#take(short === 126 ? 2 : 8);
      if (!long) return undefined;
      length = long.reduce((sum, byte) => sum * 256 + byte, 0);
    }
    this.#left = length;
    return opcode;
  }

  async #onControl(opcode: number, payload: Uint8Array): Promise<void> {
    if (opcode === 8) {
      if (payload.length >= 2) {
        this.closeCode = payload[0]! * 256 + payload[1]!;
        this.closeReason = new TextDecoder().decode(payload.subarray(2));
      } else this.closeCode = 1005;
      await this.writeRaw(clientFrame(8, payload)).catch(() => {});
      return;
    }
    this.controls.push({ opcode, payload });
    if (opcode === 9 && this.answersPings) {
      await this.writeRaw(clientFrame(10, payload)).catch(() => {});
    }
  }

  async #take(count: number): Promise<Uint8Array | null> {
    if (this.#bytes.length < count) {
      const parts = [this.#bytes];
      let length = this.#bytes.length;
      while (length < count) {
        this.#bytes = NOTHING;
        if (!await this.#more()) return null;
        parts.push(this.#bytes);
        length += this.#bytes.length;
      }
      this.#bytes = new Uint8Array(length);
      let at = 0;
      for (const part of parts) {
        this.#bytes.set(part, at);
        at += part.length;
      }
    }
    const taken = this.#bytes.slice(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  async #more(): Promise<boolean> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const count = await this.conn.read(chunk);
    if (count === null) return false;
    const grown = new Uint8Array(this.#bytes.length + count);
    grown.set(this.#bytes);
    grown.set(chunk.subarray(0, count), this.#bytes.length);
    this.#bytes = grown;
    return true;
  }
}
