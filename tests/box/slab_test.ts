import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Box } from "@maple/box";
import { packTransient } from "@maple/box/internal";
import { copyOf } from "../../box/slab.ts";
import { propertyTest } from "../helpers/random.ts";

propertyTest("copyOf() gives bytes that no later copy changes", (random) => {
  const source = random.bytes(5000);
  const copies: [Uint8Array, number, number][] = [];
  for (let i = 0; i < 500; i++) {
    const start = random.between(0, 5000);
    const end = start + random.between(0, Math.min(2000, 5000 - start));
    copies.push([copyOf(source, start, end), start, end]);
  }
  const original = source.slice();
  source.fill(0);
  for (const [copy, start, end] of copies) {
    assertEquals(copy, original.subarray(start, end));
  }
});

Deno.test("copyOf() gives what is large memory of its own, and small ones little more than they take", () => {
  const source = new Uint8Array(100_000);
  assertEquals(copyOf(source, 1, 50_001).buffer.byteLength, 50_000);
  const small = Array.from({ length: 100 }, () => copyOf(source, 0, 64));
  const buffers = new Set(small.map((copy) => copy.buffer));
  const bytes = [...buffers].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  );
  // The first of them may be the last of a piece that was begun before.
  assert(bytes <= 2 * 8192, `${bytes} bytes`);
});

Deno.test("copyOf() goes on when its memory was transferred to another thread", () => {
  const source = new Uint8Array(64).fill(7);
  const copy = copyOf(source, 0, 64);
  structuredClone(copy, { transfer: [copy.buffer as ArrayBuffer] });
  assertEquals(copy.length, 0);
  assertEquals(copyOf(source, 0, 64), source);
});

Deno.test("packTransient() gives the frame of a box of any size, until its next call", () => {
  for (const bytes of [0, 40, 16 * 1024 - 24, 16 * 1024 - 23, 100_000]) {
    const box = new Box({ cmd: 1, body: new Uint8Array(bytes).fill(9) });
    assertEquals(packTransient(box), box.pack());
  }
  const first = packTransient(new Box({ cmd: 1 }));
  assertStrictEquals(packTransient(new Box()).buffer, first.buffer);
});
