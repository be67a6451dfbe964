// MoveBoxes: the boxes by which a server that leaves asks clients to connect anew, and by which
// these tell that they know how.

import type { BoxClass, BoxInit } from "../box_class.ts";

// What a box class needs for them.
interface CmdField {
  cmd: number;
}

// No client waits for longer, whatever it is told.
const AFTER_MAX_MS = 3_600_000;

/** The boxes by which a server that leaves asks its clients to connect anew. */
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
      this.ask(AFTER_MAX_MS);
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

  /** By which a client tells that it knows. */
  announce(): Uint8Array {
    return this.#pack({ cmd: this.#cmd });
  }

  /** By which one is asked to move in so many milliseconds. */
  ask(after: number): Uint8Array {
    return this.#pack({ cmd: this.#cmd, body: { after: Math.round(after) } });
  }

  #pack(init: { cmd: number; body?: { after: number } }): Uint8Array {
    return new this.#boxClass(init as BoxInit<CmdField>).pack();
  }
}

/**
 * In how many milliseconds a client is to move, as the body of the box says that asks for it, an
 * hour at most; undefined for what asks for nothing, such as a worker's answer to the client's own.
 */
export function moveAfter(body: Uint8Array): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  const { after } = (value ?? {}) as { after?: unknown };
  if (typeof after !== "number" || !(after >= 0)) return undefined;
  return Math.min(after, AFTER_MAX_MS);
}
