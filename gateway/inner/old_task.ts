// The Task header of 60 bytes: workers and triggers of 2016 speak it, the PHP trigger of that time
// among them. Of their tasks those for workers are served.

import { FrameFault, type Framing, MAGIC, Task, TaskOffset } from "@maple/box";
import { readInt32 } from "@maple/box/internal";

// What that header has up to `cmd` stands where it stands today.
const OLD_HEADER_BYTES = 60;

// Where a box has its length.
const BOX_LENGTH = 8;

/** Cuts tasks with the header of today, and those with the old one that are shorter than that. */
export const INNER_FRAMING: Framing = {
  name: Task.name,
  frameLength(bytes, start, end) {
    const length = Task.frameLength(bytes, start, end);
    // Fewer bytes than a header of today has, or a length below it.
    if (length !== 0 && length !== FrameFault.badLength) return length;
    if (end - start < OLD_HEADER_BYTES) return length;
    const told = readInt32(bytes, start + TaskOffset.packetLen);
    return told >= OLD_HEADER_BYTES && told < TaskOffset.body ? told : length;
  },
};

/**
 * Whether a frame has the header of 60 bytes: it is too short for another one, or a box begins
 * behind it, which ends with the frame, and none where it would begin today.
 */
export function isOldTask(frame: Uint8Array): boolean {
  if (frame.length < TaskOffset.body) return true;
  return readInt32(frame, OLD_HEADER_BYTES) === MAGIC &&
    readInt32(frame, OLD_HEADER_BYTES + BOX_LENGTH) ===
      frame.length - OLD_HEADER_BYTES &&
    readInt32(frame, TaskOffset.body) !== MAGIC;
}

/**
 * A task for a worker under a header of today, in bytes of its own; null when there is no box in
 * it.
 */
export function modernTask(frame: Uint8Array): Uint8Array | null {
  if (frame.length < TaskOffset.body || !isOldTask(frame)) return null;
  return new Task({
    cmd: readInt32(frame, TaskOffset.cmd),
    body: frame.subarray(OLD_HEADER_BYTES),
  }).pack();
}
