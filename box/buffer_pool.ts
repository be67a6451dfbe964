// Buffers that are used for a while and given back: memory outside of the JavaScript heap is dear
// to take and to give back.

/** Who counts the memory that buffers take. */
export interface BufferMeter {
  /** Counts so many bytes more, or fewer. It must not throw. */
  add(bytes: number): void;
}

// Each size is so many times the one before.
const GROWTH = 4;
// The smallest are for connections that are idle, of which there are thousands: they are cut from
// one large piece, and kept for ever.
const SMALLEST = 256;
const SLAB_BYTES = 64 * 1024;
const LARGEST = 256 * 1024;
const MAX_POOLED_BYTES = 2 * 1024 * 1024;

const sizes: number[] = [];
for (let size = SMALLEST; size <= LARGEST; size *= GROWTH) sizes.push(size);
const free: Uint8Array[][] = sizes.map(() => []);

/** A buffer of at least `bytes` bytes with any content; see {@linkcode bufferSize}. */
export function acquireBuffer(bytes: number): Uint8Array {
  const index = indexOf(bytes);
  const list = free[index];
  if (!list) return new Uint8Array(bytes);
  if (index === 0 && list.length === 0) cutSlab(list);
  return list.pop() ?? new Uint8Array(sizes[index]!);
}

/** Gives a buffer back that {@linkcode acquireBuffer} gave and that nobody uses any more. */
export function releaseBuffer(buffer: Uint8Array): void {
  const index = indexOf(buffer.length);
  if (buffer.length !== sizes[index]) return;
  const list = free[index]!;
  if (index === 0 || list.length < MAX_POOLED_BYTES / buffer.length) {
    list.push(buffer);
  }
}

/**
 * The length of the buffer that {@linkcode acquireBuffer} gives: at most 4 times what was asked
 * for, and no less than 256 bytes; above 256 KiB just as much.
 */
export function bufferSize(bytes: number): number {
  return sizes[indexOf(bytes)] ?? bytes;
}

function indexOf(bytes: number): number {
  let index = 0;
  for (let size = SMALLEST; size < bytes; size *= GROWTH) index++;
  return index;
}

function cutSlab(list: Uint8Array[]): void {
  const slab = new Uint8Array(SLAB_BYTES);
  for (let at = 0; at < SLAB_BYTES; at += SMALLEST) {
    list.push(slab.subarray(at, at + SMALLEST));
  }
}
