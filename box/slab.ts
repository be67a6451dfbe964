// Small pieces of bytes that are kept, cut from larger ones: a Uint8Array with memory of its own
// costs 20 times what a view of shared memory costs, since that memory is taken and given back
// outside of the JavaScript heap.

const SLAB_BYTES = 8 * 1024;
// What is larger gets memory of its own: one small piece that is kept for long keeps its whole
// slab.
const MAX_SHARED_BYTES = 2 * 1024;

let slab = new Uint8Array(0);
let used = 0;

/**
 * The bytes of `source` from `start` to `end` in memory that nothing else writes to. Small ones
 * share their `ArrayBuffer` with others.
 */
export function copyOf(
  source: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  const count = end - start;
  if (count > MAX_SHARED_BYTES) return source.slice(start, end);
  // Also where somebody has transferred the slab to another thread: its length is 0 then.
  if (used + count > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    used = 0;
  }
  slab.set(source.subarray(start, end), used);
  const copy = slab.subarray(used, used + count);
  used += count;
  return copy;
}
