// Inbox: what other gateways send, worked on in slices, so that clients have their turn.

import { atEndOfTurn } from "@maple/box/internal";
import { type Linked, LinkedList } from "../queue/linked_list.ts";
import type { MessageHead } from "./message.ts";

// So much is worked on until others have their turn.
const SLICE_MESSAGES = 256;
const SLICE_BYTES = 256 * 1024;

interface Waiting extends Linked<Waiting> {
  readonly head: MessageHead;
  readonly body: Uint8Array;
}

/** What {@linkcode Inbox} needs. */
export interface InboxOptions {
  /** Bytes that may wait. */
  readonly bytesMax: number;
  /** Works on a message. */
  readonly handle: (head: MessageHead, body: Uint8Array) => void;
  /** Calls it when all others have had their turn. */
  readonly afterOthers: (work: () => void) => void;
}

/** What other gateways send, worked on in the order in which it came, and in slices. */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #waiting = new LinkedList<Waiting>();
  #bytes = 0;
  #sliceMessages = 0;
  #sliceBytes = 0;

  /** Nothing waits. */
  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a message that has come.
   *
   * @returns Whether there is room for it.
   */
  add(head: MessageHead, body: Uint8Array): boolean {
    if (this.#waiting.size === 0 && !this.#isSliceOver) {
      this.#handle(head, body);
      return true;
    }
    const { bytesMax, afterOthers } = this.#options;
    if (this.#bytes + body.length > bytesMax) return false;
    this.#bytes += body.length;
    this.#waiting.pushBack({ head, body, prev: null, next: null });
    if (this.#waiting.size === 1) afterOthers(this.#workOn);
    return true;
  }

  /** Works on all that waits, at once. */
  finish(): void {
    for (let first; (first = this.#waiting.first);) {
      this.#waiting.remove(first);
      this.#bytes -= first.body.length;
      this.#options.handle(first.head, first.body);
    }
  }

  /** Drops what waits. */
  close(): void {
    while (this.#waiting.first) this.#waiting.remove(this.#waiting.first);
    this.#bytes = 0;
  }

  get #isSliceOver(): boolean {
    return this.#sliceMessages >= SLICE_MESSAGES ||
      this.#sliceBytes >= SLICE_BYTES;
  }

  #handle(head: MessageHead, body: Uint8Array): void {
    if (this.#sliceMessages++ === 0) atEndOfTurn(this.#endTurn, undefined);
    this.#sliceBytes += body.length;
    this.#options.handle(head, body);
  }

  // While some wait, the next slice begins when others have had their turn.
  readonly #endTurn = (): void => {
    if (this.#waiting.size === 0) this.#endSlice();
  };

  readonly #workOn = (): void => {
    this.#endSlice();
    for (;;) {
      const first = this.#waiting.first;
      if (!first) return;
      if (this.#isSliceOver) break;
      this.#waiting.remove(first);
      this.#bytes -= first.body.length;
      this.#handle(first.head, first.body);
    }
    this.#options.afterOthers(this.#workOn);
  };

  #endSlice(): void {
    this.#sliceMessages = this.#sliceBytes = 0;
  }
}
