// Buffers that are used for a moment and given back, so that an idle connection holds none.

const SMALLEST = 4 * 1024;
const LARGEST = 256 * 1024;
const CLASSES = Math.log2(LARGEST / SMALLEST) + 1;
const MAX_POOLED_BYTES = 2 * 1024 * 1024;

const free: Uint8Array[][] = Array.from({ length: CLASSES }, () => []);

/** A buffer of at least `bytes` bytes with any content. */
export function acquireBuffer(bytes: number): Uint8Array {
  if (bytes > LARGEST) return new Uint8Array(bytes);
  let index = 0;
  let size = SMALLEST;
  while (size < bytes) {
    size *= 2;
    index++;
  }
  return free[index]!.pop() ?? new Uint8Array(size);
}

/** Gives a buffer back that {@linkcode acquireBuffer} gave and that nobody uses any more. */
export function releaseBuffer(buffer: Uint8Array): void {
  const size = buffer.length;
  if (size > LARGEST) return;
  const list = free[Math.log2(size / SMALLEST)];
  if (list && list.length < MAX_POOLED_BYTES / size) list.push(buffer);
}
