// A stand-in for the parts of @std/bytes that this project uses, for networks
// that do not reach JSR (see tools/deno.ts). Never published. What the functions
// do is documented in the real package.

import { Buffer } from "node:buffer";

export function concat(all: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(all));
}
export function equals(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
export function startsWith(source: Uint8Array, prefix: Uint8Array): boolean {
  return equals(source.subarray(0, prefix.length), prefix);
}
export function endsWith(source: Uint8Array, suffix: Uint8Array): boolean {
  const start = source.length - suffix.length;
  return start >= 0 && equals(source.subarray(start), suffix);
}
export function indexOfNeedle(
  { buffer, byteOffset, length }: Uint8Array,
  needle: Uint8Array,
  start = 0,
): number {
  if (needle.length === 0) return -1;
  return Buffer.from(buffer, byteOffset, length).indexOf(needle, start);
}
