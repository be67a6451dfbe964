import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertStrictEquals,
} from "@std/assert";
import {
  Box,
  boxClass,
  BoxError,
  FrameReader,
  type Framing,
  LineBox,
  Task,
  TaskCmd,
} from "@maple/box";
import { propertyTest, type Random } from "../helpers/random.ts";
import { drain, feed, joined, utf8 } from "./support.ts";

const TinyBox = boxClass([
  ["cmd", "H"],
  ["bodyLen", "H"],
], { byteOrder: "<", name: "TinyBox" });

const LateMagicBox = boxClass([
  ["cmd", "b"],
  ["packet_len", "q"],
  ["magic", "4s", "MAPL"],
], { name: "LateMagicBox" });

const TEXTS = ["", "a", "hello, maple", "ü", "x".repeat(40)];

interface FramingCase {
  readonly framing: Framing;
  readonly headerBytes: number;
  readonly frames: readonly Uint8Array[];
}

const CASES: readonly FramingCase[] = [
  {
    framing: Box,
    headerBytes: 24,
    frames: TEXTS.map((body, sn) => new Box({ cmd: 1, sn, body }).pack()),
  },
  {
    framing: Task,
    headerBytes: 76,
    frames: TEXTS.map((body, connId) =>
      new Task({ cmd: TaskCmd.CLIENT_REQ, connId, body }).pack()
    ),
  },
  {
    framing: LineBox,
    headerBytes: 1,
    frames: TEXTS.map((body) => utf8(`${body}\r\n`)),
  },
  {
    framing: TinyBox,
    headerBytes: 4,
    frames: TEXTS.map((body) => new TinyBox({ cmd: 7, body }).pack()),
  },
  {
    framing: LateMagicBox,
    headerBytes: 13,
    frames: TEXTS.map((body) => new LateMagicBox({ cmd: 7, body }).pack()),
  },
];

for (const { framing, headerBytes, frames } of CASES) {
  const name = framing.name;
  const stream = joined(frames);

  Deno.test(`FrameReader.next() gives ${name} frames that come whole`, () => {
    const reader = new FrameReader(framing);
    for (const frame of frames) assertEquals(feed(reader, [frame]), [frame]);
    assertEquals(reader.bufferedBytes, 0);
  });

  Deno.test(`FrameReader.next() gives ${name} frames that come byte by byte`, () => {
    const reader = new FrameReader(framing);
    for (const frame of frames) {
      const last = frame.length - 1;
      for (let i = 0; i < last; i++) {
        reader.push(frame.subarray(i, i + 1));
        assertStrictEquals(reader.next(), null);
        assertStrictEquals(reader.bufferedBytes, i + 1);
      }
      reader.push(frame.subarray(last));
      assertEquals(drain(reader), [frame]);
    }
  });

  Deno.test(`FrameReader.next() gives ${name} frames that are split at every offset`, () => {
    for (let at = 0; at <= stream.length; at++) {
      const reader = new FrameReader(framing);
      const pieces = [stream.subarray(0, at), stream.subarray(at)];
      assertEquals(feed(reader, pieces), frames as Uint8Array[]);
      assertEquals(reader.bufferedBytes, 0);
    }
  });

  Deno.test(`FrameReader.next() gives many ${name} frames of one push`, () => {
    const many = Array.from({ length: 200 }, () => frames).flat();
    const reader = new FrameReader(framing);
    assertEquals(feed(reader, [joined(many)]), many);
  });

  Deno.test(`FrameReader.space() and commit() take ${name} frames in`, () => {
    const many = Array.from({ length: 200 }, () => frames).flat();
    const bytes = joined(many);
    const reader = new FrameReader(framing);
    const got: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const space = reader.space();
      assert(space.length > 0);
      // A socket fills what there is now and then, and less at other times.
      const count = Math.min(
        at % 3 ? space.length : 1 + at % 50,
        space.length,
        bytes.length - at,
      );
      space.set(bytes.subarray(at, at + count));
      reader.commit(count);
      at += count;
      got.push(...drain(reader));
    }
    assertEquals(got, many);
  });

  Deno.test(`FrameReader.next() waits while a header of ${name} is cut at any byte`, () => {
    const frame = frames.at(-1)!;
    for (let cut = 0; cut < headerBytes; cut++) {
      const reader = new FrameReader(framing);
      reader.push(frame.subarray(0, cut));
      assertStrictEquals(reader.next(), null);
      assertStrictEquals(reader.take(), null);
      reader.push(frame.subarray(cut));
      assertEquals(drain(reader), [frame]);
    }
  });

  Deno.test(`FrameReader.next() gives views of ${name} frames that stay valid until space()`, () => {
    const reader = new FrameReader(framing);
    reader.push(stream);
    const views = frames.map(() => reader.next());
    assertEquals(reader.next(), null);
    assertEquals(views as Uint8Array[], frames as Uint8Array[]);
    const buffers = new Set(views.map((view) => view!.buffer));
    assertEquals(buffers.size, 1, "the frames are views of one buffer");
  });

  Deno.test(`FrameReader.take() gives ${name} frames that survive what comes later`, () => {
    const reader = new FrameReader(framing);
    reader.push(stream);
    const taken = frames.map(() => reader.take()!);
    reader.push(stream);
    for (const frame of frames) assertEquals(reader.take(), frame);
    reader.space().fill(0xff);
    assertEquals(taken, frames as Uint8Array[]);
  });

  propertyTest(
    `FrameReader gives the same ${name} frames however they are cut`,
    (random) => {
      for (let run = 0; run < 200; run++) {
        const some = Array.from(
          { length: random.between(1, 60) },
          () => random.pick(frames),
        );
        const reader = new FrameReader(framing);
        const got: Uint8Array[] = [];
        for (const piece of random.cut(joined(some))) {
          reader.push(piece);
          const take = random.next() < 0.5;
          for (;;) {
            const frame = take ? reader.take() : reader.next()?.slice();
            if (!frame) break;
            got.push(frame);
          }
        }
        assertEquals(got, some);
        assertEquals(reader.bufferedBytes, 0);
      }
    },
  );

  propertyTest(
    `FrameReader survives a hundred thousand hostile buffers as ${name}`,
    (random) => {
      const usedBefore = Deno.memoryUsage().heapUsed;
      let refused = 0;
      let frameBytes = 0;
      for (let run = 0; run < 100_000; run++) {
        const reader = new FrameReader(framing, {
          frameBytes: random.pick([1, 76, 4096, 1 << 24]),
        });
        const bytes = hostile(random, random.pick(frames));
        const cut = random.between(0, bytes.length);
        let given = 0;
        try {
          for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
            reader.push(piece);
            given += piece.length;
            for (let frame = reader.next(); frame; frame = reader.next()) {
              assert(frame.length > 0);
              frameBytes += frame.length;
            }
          }
        } catch (error) {
          assertRefusal(error);
          refused++;
        }
        assertLessOrEqual(reader.capacity, Math.max(4096, given * 4));
      }
      assert(frameBytes > 0);
      assert(refused > 0);
      const grown = Deno.memoryUsage().heapUsed - usedBefore;
      assertLessOrEqual(grown, 128 * 1024 * 1024);
    },
  );
}

function assertRefusal(error: unknown): asserts error is BoxError {
  if (!(error instanceof BoxError)) throw error;
  assert(error.code === "frame" || error.code === "limit", error.message);
}

/** Noise, or a frame with some bytes changed, lost, or put before it. */
function hostile(random: Random, frame: Uint8Array): Uint8Array {
  if (random.next() < 0.3) return random.bytes(random.between(0, 120));
  const bytes = joined([frame, frame]);
  for (let changes = random.between(0, 3); changes > 0; changes--) {
    bytes[random.between(0, bytes.length - 1)] = random.pick([
      0,
      0x7f,
      0x80,
      0xff,
      random.between(0, 255),
    ]);
  }
  const from = random.next() < 0.8 ? 0 : random.between(0, bytes.length);
  return bytes.subarray(from, random.between(from, bytes.length));
}
