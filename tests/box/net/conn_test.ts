// What a Conn may be, beside a connection of Deno's: a source that pushes bytes by callback and
// takes a write at once, and a step between the bytes and the frames.

import { assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { Box } from "@maple/box";
import {
  type ByteSink,
  type CloseCause,
  type Conn,
  DenoConn,
  FrameSocket,
} from "@maple/box/internal";
import {
  bounded,
  joined,
  Loopback,
  readBytes,
  turns,
  writeAll,
} from "../support.ts";

const FRAME = new Box({ cmd: 1, body: "hello" }).pack();

/** A connection as the system's own calls make one: it is told when there is something to read. */
class PushedConn implements Conn {
  readonly remoteAddr: Deno.NetAddr = {
    transport: "tcp",
    hostname: "127.0.0.1",
    port: 1,
  };
  /** Each write, as it came. */
  readonly written: Uint8Array[] = [];
  /** Bytes that the other side takes until it has read. */
  room = Infinity;
  /** Whether it is read from. */
  reading = true;
  closed = false;
  #sink!: ByteSink;
  #ended = Promise.withResolvers<void>();
  #writable: (() => void) | undefined;

  run(sink: ByteSink): Promise<void> {
    this.#sink = sink;
    return this.#ended.promise.then(() => sink.ended());
  }

  /** Bytes have come; gives how many of them were read. */
  push(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.#mayRead()) {
      const space = this.#sink.space();
      const count = Math.min(space.length, bytes.length - at);
      space.set(bytes.subarray(at, at + count));
      this.#sink.filled(count);
      at += count;
    }
    this.#mayRead();
    return at;
  }

  /** The other side has sent all. */
  end(): void {
    this.#ended.resolve();
  }

  /** The other side has read so much. */
  drain(bytes: number): void {
    this.room += bytes;
    this.#writable?.();
  }

  write(bytes: Uint8Array): number | Promise<number> {
    if (this.room === 0) {
      return new Promise<void>((resolve) => this.#writable = resolve)
        .then(() => this.write(bytes));
    }
    const count = Math.min(bytes.length, this.room);
    this.room -= count;
    this.written.push(bytes.slice(0, count));
    return count;
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.closed = true;
    this.#ended.resolve();
  }

  #mayRead(): boolean {
    const wait = this.#sink.next();
    this.reading = !wait;
    wait?.then(() => this.#mayRead());
    return this.reading;
  }
}

Deno.test("FrameSocket takes bytes that are pushed, and answers in the same turn where a write is taken at once", async () => {
  const conn = new PushedConn();
  const socket = new FrameSocket(conn, { framing: Box });
  const running = socket.run({
    onFrame: (frame) => void socket.send(frame),
    onClose() {},
  });
  const frames = joined(Array(5).fill(FRAME));
  conn.push(frames);
  await Promise.resolve();
  assertEquals(conn.written, [frames], "one write, before any other event");
  assertStrictEquals(socket.pendingBytes, 0);
  conn.end();
  await bounded(running);
  assertStrictEquals(conn.closed, true);
});

Deno.test("FrameSocket waits where a pushed connection takes no more bytes", async () => {
  const conn = new PushedConn();
  conn.room = 100;
  const socket = new FrameSocket(conn, { framing: Box });
  const running = socket.run({ onFrame() {}, onClose() {} });
  const bytes = new Uint8Array(1000).map((_, i) => i);
  socket.send(bytes);
  await turns();
  assertStrictEquals(socket.pendingBytes, 900);
  conn.drain(500);
  await turns();
  assertStrictEquals(socket.pendingBytes, 400);
  conn.drain(500);
  await bounded(socket.drained());
  assertEquals(joined(conn.written), bytes);
  socket.destroy();
  await bounded(running);
});

Deno.test("FrameSocket.pause() tells a pushed connection to read no more, until resume()", async () => {
  const conn = new PushedConn();
  const socket = new FrameSocket(conn, { framing: Box });
  let frames = 0;
  const running = socket.run({
    onFrame() {
      if (++frames === 2) socket.pause();
    },
    onClose() {},
  });
  conn.push(joined(Array(5).fill(FRAME)));
  assertEquals([frames, conn.reading], [2, false]);
  assertStrictEquals(conn.push(FRAME), 0);
  socket.resume();
  await turns();
  assertEquals([frames, conn.reading], [5, true]);
  socket.destroy();
  await bounded(running);
});

/**
 * A step as a WebSocket's is: each message has a head of 3 bytes, its length and a mask, and may be
 * cut anywhere.
 */
class MaskedConn implements Conn {
  readonly #conn: Conn;
  #head: number[] = [];
  #left = 0;

  constructor(conn: Conn) {
    this.#conn = conn;
  }

  get remoteAddr(): Deno.NetAddr {
    return this.#conn.remoteAddr;
  }

  run(sink: ByteSink): Promise<void> {
    let space: Uint8Array;
    return this.#conn.run({
      next: () => sink.next(),
      space: () => space = sink.space(),
      filled: (count, read = count) =>
        sink.filled(this.#decode(space, count), read),
      ended: (error) => sink.ended(error),
    });
  }

  write(bytes: Uint8Array): number | Promise<number> {
    return this.#conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  close(): void {
    this.#conn.close();
  }

  #decode(bytes: Uint8Array, count: number): number {
    let end = 0;
    for (let at = 0; at < count; at++) {
      if (this.#left > 0) {
        this.#left--;
        bytes[end++] = bytes[at]! ^ this.#head[2]!;
        if (this.#left === 0) this.#head = [];
      } else if (this.#head.push(bytes[at]!) === 3) {
        this.#left = this.#head[0]! | this.#head[1]! << 8;
      }
    }
    return end;
  }
}

function masked(bytes: Uint8Array, mask: number): Uint8Array {
  return joined([
    new Uint8Array([bytes.length & 255, bytes.length >> 8, mask]),
    bytes.map((byte) => byte ^ mask),
  ]);
}

Deno.test("FrameSocket gets its frames through a step that takes bytes out", async () => {
  using loopback = await Loopback.open();
  const conn = new MaskedConn(new DenoConn(loopback.near));
  const socket = new FrameSocket(conn, { framing: Box });
  const causes: CloseCause[] = [];
  const sizes = [0, 1, 200, 5000, 60_000];
  const running = socket.run({
    onFrame: (frame) => void socket.send(frame),
    onClose: (cause) => void causes.push(cause),
  });
  const boxes = sizes.map((size) =>
    new Box({ body: new Uint8Array(size) }).pack()
  );
  const all = joined(boxes);
  // One box in a message, and one cut over several of them.
  const messages = boxes.map((box, i) => masked(box, i + 1));
  for (let at = 0; at < all.length; at += 999) {
    messages.push(masked(all.subarray(at, at + 999), at & 255));
  }
  const [echo] = await Promise.all([
    readBytes(loopback.far, 2 * all.length),
    writeAll(loopback.far, joined(messages)),
  ]);
  assertEquals(echo, joined([all, all]));
  loopback.far.close();
  await bounded(running);
  assertEquals(causes.map(({ kind }) => kind), ["peer"]);
});

Deno.test("FrameSocket reads as much at a time through a step as without one", async () => {
  // The step is nothing but a length: what it takes out must not make the buffer look half empty.
  const reads: number[] = [];
  const message = masked(new Uint8Array(64), 0);
  const bytes = joined(Array(2000).fill(message));
  let at = 0;
  const source: Conn = {
    remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
    async run(sink) {
      while (at < bytes.length) {
        const wait = sink.next();
        if (wait) await wait;
        const space = sink.space();
        const count = Math.min(space.length, bytes.length - at);
        space.set(bytes.subarray(at, at += count));
        reads.push(count);
        sink.filled(count);
      }
      await sink.ended();
    },
    write: (bytes) => bytes.length,
    closeWrite: () => Promise.resolve(),
    close() {},
  };
  const socket = new FrameSocket(new MaskedConn(source), {
    framing: { name: "byte", frameLength: () => 1 },
  });
  await bounded(socket.run({ onFrame() {}, onClose() {} }));
  assertLess(reads.length, 12);
});
