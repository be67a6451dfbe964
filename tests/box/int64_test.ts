import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type Int64, toInt64 } from "@maple/box";
import { isInt64, writeInt64 } from "@maple/box/internal";
import { readInt64 } from "../../box/int64.ts";
import { propertyTest } from "../helpers/random.ts";
import { toHex } from "./support.ts";

const MAX_SAFE = Number.MAX_SAFE_INTEGER;

const SIGNED: [Int64, string][] = [
  [0, "0000000000000000"],
  [1, "0000000000000001"],
  [-1, "ffffffffffffffff"],
  [2 ** 31, "0000000080000000"],
  [2 ** 32 - 1, "00000000ffffffff"],
  [2 ** 32, "0000000100000000"],
  [-(2 ** 32), "ffffffff00000000"],
  [-(2 ** 32) - 1, "fffffffeffffffff"],
  [MAX_SAFE, "001fffffffffffff"],
  [-MAX_SAFE, "ffe0000000000001"],
  [2n ** 53n, "0020000000000000"],
  [-(2n ** 53n), "ffe0000000000000"],
  [2n ** 53n + 1n, "0020000000000001"],
  [-(2n ** 53n) - 1n, "ffdfffffffffffff"],
  [2n ** 63n - 1n, "7fffffffffffffff"],
  [-(2n ** 63n), "8000000000000000"],
];

const UNSIGNED: [Int64, string][] = [
  [MAX_SAFE, "001fffffffffffff"],
  [2n ** 53n, "0020000000000000"],
  [2n ** 63n, "8000000000000000"],
  [2n ** 64n - 1n, "ffffffffffffffff"],
];

for (
  const [name, unsigned, table] of [
    ["signed", false, SIGNED],
    ["unsigned", true, UNSIGNED],
  ] as const
) {
  for (const littleEndian of [false, true]) {
    const order = littleEndian ? "little-endian" : "big-endian";
    Deno.test(`readInt64() and writeInt64() know ${name} numbers, ${order}`, () => {
      for (const [value, digits] of table) {
        const bytes = new Uint8Array(10);
        for (const form of [value, BigInt(value)]) {
          bytes.fill(0xee);
          writeInt64(bytes, 1, form, littleEndian);
          const written = bytes.slice(1, 9);
          if (littleEndian) written.reverse();
          assertEquals(toHex(written), digits);
          assertEquals([bytes[0], bytes[9]], [0xee, 0xee]);
          const read = readInt64(bytes, 1, { littleEndian, unsigned });
          assertStrictEquals(read, value, "one form for one value");
        }
      }
    });
  }
}

Deno.test("toInt64() gives a number where that is exact, else a bigint", () => {
  for (const [value] of [...SIGNED, ...UNSIGNED]) {
    assertStrictEquals(toInt64(BigInt(value)), value);
    assertStrictEquals(toInt64(value), value);
  }
});

Deno.test("isInt64() knows what fits 64 bits", () => {
  for (const [value] of SIGNED) {
    assert(isInt64(value));
    assertEquals(isInt64(value, true), value >= 0);
    assert(isInt64(BigInt(value)));
  }
  for (const [value] of UNSIGNED) assert(isInt64(value, true));
  for (
    const value of [
      2n ** 63n,
      -(2n ** 63n) - 1n,
      2 ** 53,
      -(2 ** 53),
      0.5,
      NaN,
      Infinity,
      "1",
      null,
      undefined,
      {},
    ]
  ) assertStrictEquals(isInt64(value), false);
  for (const value of [2n ** 64n, -1n, -1, 2 ** 53]) {
    assertStrictEquals(isInt64(value, true), false);
  }
});

propertyTest("readInt64() agrees with DataView for any bytes", (random) => {
  for (let run = 0; run < 20_000; run++) {
    const bytes = random.bytes(8);
    const view = new DataView(bytes.buffer);
    for (let small = random.between(0, 8); small > 0; small--) {
      view.setUint8(small - 1, random.pick([0, 0xff]));
    }
    for (const littleEndian of [false, true]) {
      for (const unsigned of [false, true]) {
        const exact = unsigned
          ? view.getBigUint64(0, littleEndian)
          : view.getBigInt64(0, littleEndian);
        const read = readInt64(bytes, 0, { littleEndian, unsigned });
        assertStrictEquals(read, toInt64(exact));
        assertStrictEquals(BigInt(read), exact);
        const copy = new Uint8Array(8);
        writeInt64(copy, 0, read, littleEndian);
        assertEquals(copy, bytes);
      }
    }
  }
});
