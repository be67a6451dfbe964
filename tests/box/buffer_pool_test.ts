import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  acquireBuffer,
  bufferSize,
  releaseBuffer,
} from "../../box/buffer_pool.ts";
import { propertyTest } from "../helpers/random.ts";

const LARGEST = 256 * 1024;

Deno.test("acquireBuffer() gives the next size up, and above the largest just what is asked for", () => {
  for (
    const [asked, given] of [
      [0, 256],
      [1, 256],
      [256, 256],
      [257, 1024],
      [1024, 1024],
      [40_000, 65_536],
      [LARGEST, LARGEST],
      [LARGEST + 1, LARGEST + 1],
    ] as const
  ) {
    const buffer = acquireBuffer(asked);
    assertEquals([buffer.length, bufferSize(asked)], [given, given]);
    releaseBuffer(buffer);
  }
});

Deno.test("acquireBuffer() gives again what was given back, but no buffer that is not its own", () => {
  for (const bytes of [256, 4096, LARGEST]) {
    const buffer = acquireBuffer(bytes);
    releaseBuffer(buffer);
    assertStrictEquals(acquireBuffer(bytes), buffer);
  }
  const large = acquireBuffer(LARGEST + 1);
  releaseBuffer(large);
  assert(acquireBuffer(LARGEST + 1) !== large);
});

propertyTest(
  "acquireBuffer() never gives bytes that somebody has",
  (random) => {
    const held: [Uint8Array, number][] = [];
    for (let step = 0; step < 5000; step++) {
      if (held.length > 0 && random.between(0, 2) === 0) {
        const [[buffer, mark]] = held.splice(
          random.between(0, held.length - 1),
          1,
        ) as [
          [Uint8Array, number],
        ];
        assert(
          buffer.every((byte) => byte === mark),
          "somebody else wrote to it",
        );
        releaseBuffer(buffer);
      } else {
        const buffer = acquireBuffer(random.pick([1, 256, 300, 5000]));
        const mark = random.between(0, 255);
        held.push([buffer.fill(mark), mark]);
      }
    }
    for (const [buffer] of held) releaseBuffer(buffer);
  },
);

Deno.test("releaseBuffer() keeps no more than 2 MiB of a size, and all of the smallest", () => {
  for (
    const [bytes, count, kept] of [
      [65_536, 100, 32],
      [256, 20_000, 20_000],
    ] as const
  ) {
    const buffers = Array.from({ length: count }, () => acquireBuffer(bytes));
    const known = new Set(buffers);
    for (const buffer of buffers) releaseBuffer(buffer);
    const again = buffers.map(() => acquireBuffer(bytes));
    assertEquals(again.filter((buffer) => known.has(buffer)).length, kept);
    for (const buffer of again) releaseBuffer(buffer);
  }
});
