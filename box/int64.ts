// 64-bit integers on the wire: a number where that is exact, a bigint beyond.

/**
 * A 64-bit integer: a `number` wherever it is a safe integer, else a `bigint`. The same value always has the same form, so
 * that it can be compared with `===` and used as the key of a `Map`.
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
 * import { toInt64 } from "@maple/box";
 *
 * toInt64(7n); // 7
 * toInt64(2n ** 60n); // 1152921504606846976n
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

/** Reads the 64-bit integer at `offset`. */
export function readInt64(
  view: DataView,
  offset: number,
  { littleEndian = false, unsigned = false } = {},
): Int64 {
  const highAt = littleEndian ? offset + 4 : offset;
  const lowAt = littleEndian ? offset : offset + 4;
  const high = unsigned
    ? view.getUint32(highAt, littleEndian)
    : view.getInt32(highAt, littleEndian);
  const number = high * TWO_32 + view.getUint32(lowAt, littleEndian);
  // A sum beyond the safe integers may be rounded, but then it is never a safe one.
  if (Number.isSafeInteger(number)) return number;
  return unsigned
    ? view.getBigUint64(offset, littleEndian)
    : view.getBigInt64(offset, littleEndian);
}

/** Writes a 64-bit integer at `offset`; the value must pass {@linkcode isInt64}. */
export function writeInt64(
  view: DataView,
  offset: number,
  value: Int64,
  littleEndian = false,
): void {
  if (typeof value === "bigint") {
    view.setBigInt64(offset, BigInt.asIntN(64, value), littleEndian);
    return;
  }
  view.setInt32(
    littleEndian ? offset + 4 : offset,
    Math.floor(value / TWO_32),
    littleEndian,
  );
  view.setUint32(littleEndian ? offset : offset + 4, value >>> 0, littleEndian);
}
