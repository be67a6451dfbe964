// Standby: what the bus brings to a process that is about to take the place of a gateway. It is
// kept, and nothing of it is worked on, until that process has what the gateway knows.

import type { BusReceiver } from "./bus.ts";
import { decodeHead } from "./message.ts";

/** A point in what one gateway sends: the life, the number of a message, and a piece of it. */
export type Mark = readonly [id: number, number: number, piece: number];

/** Keeps what the bus brings. */
export class Standby implements BusReceiver {
  readonly #bytesMax: number;
  readonly #firsts = new Map<number, Mark>();
  #messages: Uint8Array[] = [];
  #bytes = 0;
  #why = "";
  #isUp: boolean | undefined;

  /** @param bytesMax Bytes that are kept at most. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Where what is kept begins, of each gateway of which something has come. */
  get firsts(): Mark[] {
    return [...this.#firsts.values()];
  }

  onMessage(message: Uint8Array): void {
    // Whoever has it up to a later point has no need of what was kept before.
    if (this.#bytes + message.length > this.#bytesMax) this.#forget();
    this.#messages.push(message);
    this.#bytes += message.length;
    const head = decodeHead(message);
    if (!head || this.#firsts.has(head.id)) return;
    const { id, number, piece } = head;
    this.#firsts.set(id, [id, number, piece]);
  }

  onState(isUp: boolean, why: string): void {
    // What has come meanwhile is missing.
    if (!isUp) this.#forget();
    this.#isUp = isUp;
    this.#why = why;
  }

  /** Gives what was kept to the one that takes it from now on, in its order. */
  passTo(receiver: BusReceiver): void {
    const messages = this.#messages;
    this.#forget();
    if (this.#isUp === false) receiver.onState(false, this.#why);
    for (const message of messages) receiver.onMessage(message);
  }

  #forget(): void {
    this.#messages = [];
    this.#bytes = 0;
    this.#firsts.clear();
  }
}

/** Whether a point is before another one of the same life; numbers begin anew after the last. */
export function isBefore(
  [, number, piece]: Mark,
  [, otherNumber, otherPiece]: Mark,
): boolean {
  const ahead = (otherNumber - number) | 0;
  return ahead > 0 || ahead === 0 && otherPiece > piece;
}
