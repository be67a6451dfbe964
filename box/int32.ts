// 32-bit integers, without a DataView: for headers that are read and patched in place.

/** Reads the signed 32-bit integer at `at`, in network order unless told otherwise. */
export function readInt32(
  bytes: Uint8Array,
  at: number,
  littleEndian = false,
): number {
  return littleEndian
    ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) |
      (bytes[at + 3]! << 24)
    : (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) |
      bytes[at + 3]!;
}

/** Writes the low 32 bits of an integer at `at`, in network order unless told otherwise. */
export function writeInt32(
  bytes: Uint8Array,
  at: number,
  value: number,
  littleEndian = false,
): void {
  if (littleEndian) {
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    return;
  }
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
