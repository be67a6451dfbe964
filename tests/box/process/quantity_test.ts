// readQuantity(): sizes and times with a unit or without.

import { assertEquals } from "@std/assert";
import { flagValue, UsageError } from "@maple/box/internal";
import { readQuantity } from "../../../box/process/quantity.ts";

const BYTES: Readonly<Record<string, number>> = {
  "0": 0,
  "65536": 65_536,
  " 12 ": 12,
  "-1": -1,
  "1e6": 1e6,
  "64KiB": 65_536,
  "64kib": 65_536,
  "64 KiB": 65_536,
  "64K": 65_536,
  "64k": 65_536,
  "1MiB": 2 ** 20,
  "256M": 256 * 2 ** 20,
  "1.5GiB": 1.5 * 2 ** 30,
  "2g": 2 ** 31,
  "1TiB": 2 ** 40,
};

const SECONDS: Readonly<Record<string, number>> = {
  "0": 0,
  "90": 90,
  "0.5": 0.5,
  "-1": -1,
  "90s": 90,
  "90S": 90,
  "500ms": 0.5,
  "0.1s": 0.1,
  "5m": 300,
  "1.5h": 5400,
  "2d": 172_800,
  "1h30m": 5400,
  "1h 30m 5s": 5405,
  "100ms200ms": 0.3,
};

for (
  const [unit, good, bad] of [
    ["bytes", BYTES, [
      "",
      " ",
      "KiB",
      "1KB",
      "1MB",
      "1kB",
      "1b",
      "1.GiB",
      "-1KiB",
      "1KiB2",
      "1s",
      "0x1k",
    ]],
    ["seconds", SECONDS, [
      "",
      "s",
      "5x",
      "1min",
      "5k",
      "m5",
      "-5m",
      "1h-30m",
      "1..5s",
      "5 5",
    ]],
  ] as const
) {
  Deno.test(`readQuantity() reads ${unit}`, () => {
    for (const [text, expected] of Object.entries(good)) {
      assertEquals([text, readQuantity(text, unit)], [text, expected]);
    }
    for (const text of bad) {
      assertEquals([text, readQuantity(text, unit)], [text, NaN]);
    }
  });
}

Deno.test("flagValue() takes units where a number has one, and tells which there are", () => {
  const size = {
    name: "size",
    type: "integer",
    help: "",
    value: "BYTES",
    min: 1,
  } as const;
  assertEquals(flagValue(size, "--size", "1KiB"), 1024);
  assertEquals(flagValue({ ...size, unlimited: 7 }, "--size", "-1"), 7);
  const messageOf = (text: string, flag = {}) => {
    try {
      flagValue({ ...size, ...flag }, "--size", text);
      return undefined;
    } catch (error) {
      return error instanceof UsageError ? error.message : undefined;
    }
  };
  assertEquals(
    messageOf("1MB"),
    '--size takes a whole number of 1 or more, such as 64KiB, 1MiB, 2GiB, got "1MB"',
  );
  // No whole number of bytes.
  assertEquals(typeof messageOf("0.3KiB"), "string");
  assertEquals(typeof messageOf("5m", { value: "N" }), "string");
  const time = { ...size, type: "number", value: "S" } as const;
  assertEquals(flagValue(time, "--time", "90s"), 90);
});
