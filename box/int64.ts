// 64-bit integers on the wire: a number where that is exact, a bigint beyond.

import { readInt32, writeInt32 } from "./int32.ts";

/**
 * A 64-bit integer: a `number` wherever it is a safe integer, else a `bigint`. The same value
 * always has the same form, so that it can be compared with `===` and used as the key of a `Map`.
 */
export type Int64 = number | bigint;

const TWO_32 = 4294967296;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * The one form of a 64-bit value: `number` where safe, else `bigint`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { toInt64 } from "@maple/box";
 *
 * assertEquals(toInt64(7n), 7);
 * assertEquals(toInt64(2n ** 60n), 1152921504606846976n);
 * ```
 */
export function toInt64(value: Int64): Int64 {
  if (typeof value === "number") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Whether the value fits 64 bits, signed or unsigned. */
export function isInt64(value: unknown, unsigned = false): value is Int64 {
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && (!unsigned || value >= 0);
  }
  if (typeof value !== "bigint") return false;
  return unsigned
    ? value >= 0n && value <= MAX_UINT64
    : value >= MIN_INT64 && value <= MAX_INT64;
}

/** Reads the 64-bit integer at `at`. */
export function readInt64(
  bytes: Uint8Array,
  at: number,
  { littleEndian = false, unsigned = false } = {},
): Int64 {
  const int32 = readInt32(bytes, littleEndian ? at + 4 : at, littleEndian);
  const high = unsigned ? int32 >>> 0 : int32;
  const low = readInt32(bytes, littleEndian ? at : at + 4, littleEndian) >>> 0;
  const number = high * TWO_32 + low;
  // A sum beyond the safe integers may be rounded, but then it is never a safe one.
  return Number.isSafeInteger(number)
    ? number
    : BigInt(high) << 32n | BigInt(low);
}

/** Writes a 64-bit integer at `at`; the value must pass {@linkcode isInt64}. */
export function writeInt64(
  bytes: Uint8Array,
  at: number,
  value: Int64,
  littleEndian = false,
): void {
  const isNumber = typeof value === "number";
  const high = isNumber
    ? Math.floor(value / TWO_32)
    : Number(BigInt.asIntN(32, value >> 32n));
  const low = isNumber ? value : Number(BigInt.asIntN(32, value));
  writeInt32(bytes, littleEndian ? at + 4 : at, high, littleEndian);
  writeInt32(bytes, littleEndian ? at : at + 4, low, littleEndian);
}
