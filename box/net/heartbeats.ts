// Heartbeats: the boxes by which clients ask a server for a sign of life, and what they get.

import type { BoxClass, BoxInit } from "../box_class.ts";
import type { Range } from "../options.ts";

/** What a command may be, in a field of 32 bits with a sign or without. */
export const CMD: Range = { min: -(2 ** 31), max: 2 ** 32 - 1, whole: true };

// What a box class may have and an answer needs.
interface AnswerFields {
  cmd: number;
  ret: number;
}

/** The boxes by which clients ask a server for a sign of life, and what they get. */
export class Heartbeats {
  readonly #boxClass: BoxClass<AnswerFields>;
  readonly #cmd: number;
  readonly #init: BoxInit<AnswerFields>;

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
    this.#boxClass = boxClass as BoxClass<AnswerFields>;
    this.#cmd = cmd;
    this.#init = boxClass.fieldNames.includes("ret") ? { ret: 0 } : {};
    try {
      new this.#boxClass({ cmd, ...this.#init }).pack();
    } catch (cause) {
      throw fail(
        `Option heartbeatCmd does not go with these boxes: ${
          (cause as Error).message
        }`,
      );
    }
  }

  /** Whether a whole frame is one. */
  has(frame: Uint8Array): boolean {
    return this.#boxClass.cmdOf(frame) === this.#cmd;
  }

  /** What one is answered with: the same serial number, success and no body. */
  answer(frame: Uint8Array): Uint8Array {
    return this.#boxClass.fromFrame(frame).map(this.#init).pack();
  }
}
