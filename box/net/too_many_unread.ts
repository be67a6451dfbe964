// tooManyUnread(): the error of a request whose answer would come behind boxes that nobody reads.

import { BoxError } from "../errors.ts";

/** The error of a request whose answer would come behind so many boxes that nobody reads. */
export function tooManyUnread(boxes: number, bytes: number): BoxError {
  return new BoxError(
    "limit",
    `Cannot wait for the answer: ${boxes} boxes with ${bytes} bytes came before it that nobody has read; give them to on(cmd, handler) or call read`,
  );
}
