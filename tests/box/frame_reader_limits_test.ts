import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  Box,
  boxClass,
  BoxError,
  FrameReader,
  LineBox,
  Task,
} from "@maple/box";
import { drain, feed, hex, joined, utf8 } from "./support.ts";

const LateMagicBox = boxClass([
  ["cmd", "b"],
  ["packet_len", "q"],
  ["magic", "4s", "MAPL"],
], { name: "LateMagicBox" });

const MAGIC_HEX = "7978aecf";

for (
  const [what, length, reason] of [
    ["0", "00000000", "smaller than the header"],
    ["23", "00000017", "smaller than the header"],
    ["-1", "ffffffff", "smaller than the header"],
    ["-2^31", "80000000", "smaller than the header"],
    ["2^31-1", "7fffffff", "above the limit of 16777216 bytes"],
    ["one above the limit", "01000001", "above the limit of 16777216 bytes"],
  ] as const
) {
  Deno.test(`FrameReader.next() refuses a Box of length ${what}`, () => {
    const header = hex(`${MAGIC_HEX} 0000 0000 ${length}`);
    for (const take of [false, true]) {
      const reader = new FrameReader(Box);
      reader.push(header);
      reader.push(new Uint8Array(11));
      assertStrictEquals(reader.next(), null);
      reader.push(new Uint8Array(1));
      const get = () => take ? reader.take() : reader.next();
      const error = assertThrows(get, BoxError, reason);
      assertEquals(error.code, reason.includes("limit") ? "limit" : "frame");
      // The magic number is right, and what is behind it may be a client's data.
      assertEquals(error.message.includes("first bytes"), false);
      // It stays broken: nothing after it can be told from noise.
      assertThrows(get, BoxError, reason);
    }
  });
}

Deno.test("FrameReader.next() shows of bytes that are no frame only what stands in place of the magic number", () => {
  const reader = new FrameReader(Box);
  reader.push(new TextEncoder().encode("GET /?password=swordfish HTTP/1.1"));
  const error = assertThrows(() => reader.next(), BoxError);
  assertStringIncludes(error.message, "(first bytes: 47 45 54 20)");
  const short = new FrameReader(LineBox, { frameBytes: 10 });
  short.push(new TextEncoder().encode("a line without an end"));
  const tooLong = assertThrows(() => short.next(), BoxError);
  assertEquals(
    tooLong.message,
    "Received bytes are no LineBox: 21 bytes are above the limit of 10 bytes a frame",
  );
});

Deno.test("FrameReader.next() takes a Box of length 24 and one of exactly the limit", () => {
  const reader = new FrameReader(Box, { frameBytes: 100 });
  const shortest = new Box().pack();
  const longest = new Box({ body: new Uint8Array(76) }).pack();
  assertEquals(feed(reader, [shortest, longest]), [shortest, longest]);
  reader.push(new Box({ body: new Uint8Array(77) }).pack());
  assertThrows(() => reader.next(), BoxError, "101 bytes are above the limit");
});

Deno.test("FrameReader.next() refuses negative and absurd lengths of 64 bits", () => {
  const WideBox = boxClass([["bodyLen", "q"]], { name: "WideBox" });
  const UnsignedBox = boxClass([["bodyLen", "Q"]]);
  for (
    const [framing, length, reason] of [
      [WideBox, "ffffffffffffffff", "smaller than the header"],
      [WideBox, "8000000000000000", "smaller than the header"],
      [WideBox, "7fffffffffffffff", "above the limit"],
      [WideBox, "0020000000000000", "above the limit"],
      [UnsignedBox, "ffffffffffffffff", "above the limit"],
    ] as const
  ) {
    const reader = new FrameReader(framing);
    reader.push(hex(length));
    assertThrows(() => reader.next(), BoxError, reason);
  }
});

Deno.test("FrameReader.next() refuses a wrong magic as soon as it is there", () => {
  for (const framing of [Box, Task]) {
    for (let wrong = 0; wrong < 4; wrong++) {
      const bytes = hex(MAGIC_HEX);
      bytes[wrong] = bytes[wrong]! ^ 1;
      const reader = new FrameReader(framing);
      reader.push(bytes.subarray(0, 3));
      assertStrictEquals(reader.next(), null);
      reader.push(bytes.subarray(3));
      const error = assertThrows(() => reader.next(), BoxError, "magic");
      assertStringIncludes(error.message, `no ${framing.name}`);
    }
  }
  const late = new FrameReader(LateMagicBox);
  late.push(new Uint8Array(12));
  assertStrictEquals(late.next(), null);
  late.push(new Uint8Array(1));
  assertThrows(() => late.next(), BoxError, "magic");
});

Deno.test("FrameReader.next() refuses a line whose end does not come within the limit", () => {
  const reader = new FrameReader(LineBox, { frameBytes: 10 });
  reader.push(utf8("123456789"));
  assertStrictEquals(reader.next(), null);
  reader.push(utf8("\n"));
  assertEquals(drain(reader), [utf8("123456789\n")]);
  reader.push(utf8("1234567890"));
  assertThrows(() => reader.next(), BoxError, "above the limit of 10 bytes");

  const atOnce = new FrameReader(LineBox, { frameBytes: 10 });
  atOnce.push(utf8("1234567890\n"));
  assertThrows(() => atOnce.next(), BoxError, "11 bytes are above the limit");
});

Deno.test("FrameReader.next() does not find the end of a line in bytes that are gone", () => {
  const reader = new FrameReader(LineBox);
  reader.push(utf8("first line\nsecond line\n"));
  assertEquals(drain(reader).length, 2);
  reader.push(utf8("third"));
  assertStrictEquals(reader.next(), null);
  reader.push(utf8(" line\n"));
  assertEquals(drain(reader), [utf8("third line\n")]);
});

Deno.test("FrameReader takes no memory for what a header only announces", () => {
  const reader = new FrameReader(Box);
  assertEquals(reader.capacity, 0);
  const frame = new Box({ body: new Uint8Array(16 * 1024 * 1024 - 24) }).pack();
  reader.push(frame.subarray(0, 24));
  assertStrictEquals(reader.next(), null);
  reader.space();
  assertEquals(reader.capacity, 256);
  for (let at = 24; at < frame.length;) {
    const count = Math.min(reader.space().length, 10_000, frame.length - at);
    reader.space().set(frame.subarray(at, at + count));
    reader.commit(count);
    at += count;
    if (at < frame.length) assertStrictEquals(reader.next(), null);
    assertLessOrEqual(reader.capacity, Math.max(65536, at * 4));
  }
  assertEquals(reader.take()?.length, frame.length);
});

Deno.test("FrameReader gives the memory back when it is quiet", () => {
  const reader = new FrameReader(Box);
  const large = new Box({ body: new Uint8Array(1_000_000) }).pack();
  assertEquals(feed(reader, [large]).length, 1);
  reader.space();
  assertLessOrEqual(reader.capacity, 65536);
  const small = new Box({ body: "hi" }).pack();
  for (let i = 0; i < 100; i++) feed(reader, [small]);
  reader.space();
  assertEquals(reader.capacity, 256);
});

Deno.test("FrameReader gives the memory of a large frame back though the next one has begun", () => {
  const reader = new FrameReader(Box);
  const large = new Box({ body: new Uint8Array(1_000_000) }).pack();
  const small = new Box({ body: "hi" }).pack();
  assertEquals(feed(reader, [joined([large, small.subarray(0, 5)])]), [large]);
  reader.space();
  assertLessOrEqual(reader.capacity, 65536);
  assertEquals(feed(reader, [small.subarray(5)]), [small]);
});

Deno.test("FrameReader gets more room while it is busy, and less when it is not, with a part of a frame always held", () => {
  const reader = new FrameReader(Box);
  const frame = new Box({ body: new Uint8Array(100) }).pack();
  for (let i = 0; i < 10; i++) {
    const space = reader.space();
    for (let at = 0; at < space.length; at++) {
      space[at] = frame[(reader.bufferedBytes + at) % frame.length]!;
    }
    reader.commit(space.length);
    drain(reader);
    assert(reader.bufferedBytes > 0);
  }
  assertEquals(reader.capacity, 65536);
  // Quiet again, though never empty.
  const end = reader.bufferedBytes;
  for (let i = 0; i < 100; i++) {
    const pieces = [frame.subarray(end), frame.subarray(0, end)];
    assertEquals(feed(reader, pieces).length, 1);
  }
  assertEquals(reader.capacity, 256);
});

Deno.test("FrameReader begins with the memory that it is told to have at least", () => {
  for (
    const [bytes, given] of [[16_384, 16_384], [5000, 16_384], [1e6, 65_536]]
  ) {
    const reader = new FrameReader(Box, { bufferBytes: bytes });
    assertEquals(reader.space().length, given);
    const small = new Box({ body: "hi" }).pack();
    for (let i = 0; i < 100; i++) feed(reader, [small]);
    assertEquals(reader.capacity, given);
  }
});

Deno.test("FrameReader.clear() gives the memory back, and forgets what was there", () => {
  const reader = new FrameReader(Box);
  const frame = new Box({ body: new Uint8Array(5000) }).pack();
  reader.push(frame.subarray(0, 100));
  assertStrictEquals(reader.next(), null);
  reader.clear();
  assertEquals([reader.capacity, reader.bufferedBytes], [0, 0]);
  assertEquals(feed(reader, [frame]), [frame]);
});

Deno.test("FrameReader.commit() refuses more than space() gave", () => {
  const reader = new FrameReader(Box);
  assertThrows(() => reader.commit(1), BoxError, "Cannot commit 1 bytes");
  const room = reader.space().length;
  for (const count of [room + 1, -1, NaN]) {
    assertThrows(() => reader.commit(count), BoxError, "gave room for 256");
  }
  reader.commit(10);
  assertThrows(() => reader.commit(10), BoxError, "gave room for 0");
  assertEquals(reader.bufferedBytes, 10);
});

Deno.test("FrameReader refuses a limit that is no positive integer", () => {
  for (const frameBytes of [0, -1, 1.5, NaN, Infinity]) {
    const error = assertThrows(
      () => new FrameReader(Box, { frameBytes }),
      BoxError,
      `positive integer, got ${frameBytes}`,
    );
    assertEquals(error.code, "option");
  }
  assert(new FrameReader(Box, { frameBytes: undefined }));
});

Deno.test("FrameReader.rest() gives the memory of a long frame back, and nothing that is needed", () => {
  const reader = new FrameReader(Box);
  const frame = new Box({ cmd: 1, body: new Uint8Array(1_000_000) }).pack();
  reader.push(frame);
  reader.rest();
  assertEquals(reader.next(), frame);
  const before = reader.capacity;
  reader.rest();
  assert(before > 1_000_000 && reader.capacity < 100_000, "it was kept");
  reader.push(frame.subarray(0, 500_000));
  reader.rest();
  reader.push(frame.subarray(500_000));
  assertEquals(reader.next(), frame);
});
