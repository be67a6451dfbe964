// Frames that live only until they are copied into an outbox. A small Uint8Array with memory of its
// own costs 20 times what a view of shared memory costs, since that memory is taken and given back
// outside of the JavaScript heap.

import type { BoxMethods } from "./box_class.ts";

const scratch = new Uint8Array(16 * 1024);

/**
 * The whole frame of a box, valid until the next call: for whoever copies it at once.
 *
 * @throws {BoxError} `value` when a value does not fit its field.
 */
export function packTransient(box: BoxMethods<object>): Uint8Array {
  const length = box.packInto(scratch);
  return length > 0 ? scratch.subarray(0, length) : box.pack();
}
