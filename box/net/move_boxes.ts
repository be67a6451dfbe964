// MoveBoxes: the boxes by which clients tell a server that they know how to move to another one,
// and by which it asks them to when it leaves.

import type { BoxClass } from "../box_class.ts";

// What a box class needs for them.
interface CmdField {
  cmd: number;
}

/** The boxes by which clients tell that they know how to move, and by which they are asked to. */
export class MoveBoxes {
  readonly #boxClass: BoxClass<CmdField>;
  readonly #cmd: number;

  /**
   * Those of one command.
   *
   * @param boxClass The class of the boxes.
   * @param cmd Their command.
   * @param fail Makes the package's error where the boxes cannot have that command.
   */
  constructor(
    boxClass: BoxClass<object>,
    cmd: number,
    fail: (message: string) => Error,
  ) {
    this.#boxClass = boxClass as BoxClass<CmdField>;
    this.#cmd = cmd;
    try {
      this.ask(0);
    } catch (cause) {
      throw fail(
        `Option moveCmd does not go with these boxes: ${
          (cause as Error).message
        }`,
      );
    }
  }

  /** Whether a whole frame of a client is one: it knows how to move. */
  has(frame: Uint8Array): boolean {
    return this.#boxClass.cmdOf(frame) === this.#cmd;
  }

  /** By which one is asked to move in so many milliseconds. */
  ask(after: number): Uint8Array {
    const body = { after: Math.round(after) };
    return new this.#boxClass({ cmd: this.#cmd, body }).pack();
  }
}
