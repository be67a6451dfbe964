import {
  assert,
  assertEquals,
  assertLess,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Box, BoxError, type Framing, LineBox, Task } from "@maple/box";
import {
  DenoConn,
  FrameSocket,
  type Pace,
  readClock,
} from "@maple/box/internal";
import {
  bounded,
  joined,
  Loopback,
  readBytes,
  turns,
  utf8,
  writeAll,
} from "../support.ts";
import { Harness } from "./socket_harness.ts";

const FRAME = new Box({ cmd: 1, body: "hello" }).pack();

for (
  const [framing, frames] of [
    [Box, [
      FRAME,
      new Box().pack(),
      new Box({ body: "x".repeat(9000) }).pack(),
    ]],
    [Task, [new Task({ cmd: 10, body: FRAME }).pack(), new Task().pack()]],
    [LineBox, [utf8("one\n"), utf8("\n"), utf8("two\r\n")]],
  ] as [Framing, Uint8Array[]][]
) {
  Deno.test(`FrameSocket carries ${framing.name} frames both ways`, async () => {
    await using harness = await Harness.open({ framing });
    harness.run();
    await writeAll(harness.far, joined(frames));
    await harness.received(frames.length);
    assertEquals(harness.frames, frames);
    for (const frame of frames) assert(harness.socket.send(frame));
    const all = joined(frames);
    assertEquals(await readBytes(harness.far, all.length), all);
    await bounded(harness.socket.drained());
    assertEquals(harness.socket.pendingBytes, 0);
    assertStrictEquals(harness.socket.closed, false);
  });
}

Deno.test("FrameSocket gives views that are valid during the call where ownFrames is false", async () => {
  await using harness = await Harness.open({ ownFrames: false });
  const texts: string[] = [];
  const buffers = new Set<ArrayBufferLike>();
  harness.onEachFrame = (frame) => {
    texts.push(Box.fromFrame(frame).text());
    buffers.add(frame.buffer);
  };
  harness.run();
  const sent = Array.from({ length: 300 }, (_, i) => `text ${i}`);
  await writeAll(
    harness.far,
    joined(sent.map((body) => new Box({ body }).pack())),
  );
  await harness.received(300);
  assertEquals(texts, sent);
  assertLess(buffers.size, 100, "views share the reader's buffer");
});

Deno.test("FrameSocket.reserve() takes frames written in place", async () => {
  await using harness = await Harness.open();
  harness.run();
  const at = harness.socket.reserve(FRAME.length);
  harness.socket.buffer.set(FRAME, at);
  assertEquals(await readBytes(harness.far, FRAME.length), FRAME);
});

/**
 * What happens to 7 frames that come together and are answered one by one, each after so many
 * milliseconds: `f` is a frame, `w` a write of answers.
 */
async function eventsAt(
  pace: Pace | undefined,
  { ms = 0, answers = true } = {},
): Promise<string> {
  const { conn, happened } = fakeConn(joined(Array(7).fill(FRAME)));
  const socket = new FrameSocket(conn, { framing: Box, pace });
  await bounded(socket.run({
    onFrame: (frame) => {
      happened.push("f");
      const end = performance.now() + ms;
      while (performance.now() < end);
      readClock();
      if (answers) socket.send(frame);
    },
    onClose: () => {},
  }));
  return happened.join("");
}

/** A connection on which these bytes come at once, then the end. */
function fakeConn(bytes: Uint8Array) {
  const happened: string[] = [];
  let rest: Uint8Array | undefined = bytes;
  const conn = {
    read(into: Uint8Array): Promise<number | null> {
      if (!rest) return Promise.resolve(null);
      const count = Math.min(into.length, rest.length);
      into.set(rest.subarray(0, count));
      rest = count < rest.length ? rest.subarray(count) : undefined;
      return Promise.resolve(count);
    },
    write(from: Uint8Array): Promise<number> {
      happened.push("w");
      return Promise.resolve(from.length);
    },
    closeWrite: () => Promise.resolve(),
    close() {},
  };
  return { conn: new DenoConn(conn as unknown as Deno.TcpConn), happened };
}

Deno.test("FrameSocket sends the answers to frames that came together at once", async () => {
  // Its buffer takes 8 of them.
  assertEquals(await eventsAt(undefined, { ms: 2 }), "fffffffw");
  assertEquals(await eventsAt({ frames: 100, ms: 60_000 }), "fffffffw");
});

Deno.test("FrameSocket with a pace sends what is to be sent after so many frames, before it goes on", async () => {
  assertEquals(await eventsAt({ frames: 3, ms: 60_000 }), "fffwfffwfw");
  assertEquals(await eventsAt({ frames: 1, ms: 60_000 }), "fwfwfwfwfwfwfw");
});

Deno.test("FrameSocket with a pace sends what is to be sent after so many milliseconds", async () => {
  assertEquals(
    await eventsAt({ frames: 100, ms: 2 }, { ms: 2 }),
    "fwfwfwfwfwfwfw",
  );
});

Deno.test("FrameSocket with a pace goes on at once where nothing is to be sent", async () => {
  const pace = { frames: 1, ms: 0 };
  assertEquals(await eventsAt(pace, { answers: false }), "fffffff");
});

Deno.test("FrameSocket.pause() keeps back what was read already, until resume()", async () => {
  await using harness = await Harness.open();
  harness.onEachFrame = () => {
    if (harness.frames.length === 2) harness.socket.pause();
  };
  harness.run();
  await writeAll(harness.far, joined(Array(5).fill(FRAME)));
  await harness.received(2);
  await turns(20);
  assertEquals(harness.frames.length, 2);
  harness.socket.resume();
  await harness.received(5);
  await writeAll(harness.far, FRAME);
  await harness.received(6);
});

Deno.test("FrameSocket.pause() stops reading: the other side cannot send for ever", async () => {
  await using harness = await Harness.open();
  harness.socket.pause();
  harness.run();
  const flood = new Uint8Array(1 << 20);
  let sent = 0;
  let stuck = false;
  while (!stuck && sent < 1 << 28) {
    const write = harness.far.write(flood);
    // Nobody reads, so the system's buffers fill up and a write stays undone.
    stuck = await Promise.race([
      write.then((count) => (sent += count, false)),
      turns(200).then(() => true),
    ]);
    if (stuck) write.catch(() => {});
  }
  assert(stuck);
  assertEquals(harness.causes, []);
});

Deno.test("FrameSocket refuses limits that are no positive integers", async () => {
  using loopback = await Loopback.open();
  for (const limits of [{ frameBytes: 0 }, { outboxBytes: -1 }]) {
    assertThrows(
      () =>
        new FrameSocket(new DenoConn(loopback.near), {
          framing: Box,
          ...limits,
        }),
      BoxError,
      "must be a positive integer",
    );
  }
});

Deno.test("FrameSocket echoes a million bytes in small frames, in order", async () => {
  await using harness = await Harness.open({ ownFrames: false });
  harness.onEachFrame = (frame) => {
    harness.frames.length = 0;
    harness.socket.send(frame);
  };
  harness.run();
  const all = joined(
    Array.from({ length: 20_000 }, (_, sn) => new Box({ sn }).pack()),
  );
  const [echo] = await Promise.all([
    readBytes(harness.far, all.length),
    writeAll(harness.far, all),
  ]);
  assertEquals(echo.length, all.length);
  assert(echo.every((byte, i) => byte === all[i]));
});
