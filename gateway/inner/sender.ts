// Sender: whoever has sent a command. What carries it out needs to know no more of it, so that it
// may as well be at another gateway.

import type { Receipt } from "@maple/box/internal";
import type { TaskHolder } from "../queue/queued_task.ts";

/** Whoever has sent a command: a worker or trigger, or what stands here for one elsewhere. */
export interface Sender {
  /** Who it is, for logs. */
  readonly name: string;
  /** As whom it may hold tasks; null where it holds none here. */
  readonly holder: TaskHolder | null;
  /** Nothing more is taken from it, until `readOn` is called as often as this. */
  holdBack(): void;
  /** More may be taken from it, as far as the caller is concerned. */
  readOn(): void;
  /** A receipt for it is begun, which takes a while. */
  beginReceipt(): void;
  /** It has got it. */
  endReceipt(): void;
  /** Gives it a receipt or an answer for a frame, of which only the header is looked at. */
  receive(frame: Uint8Array, receipt: Partial<Receipt>): void;
  /** Tells it that a chain has ended, see `chainEnded`. */
  confirm(frame: Uint8Array): void;
}

/** What carries commands out. */
export interface Commands {
  /**
   * Carries out one frame, which is valid during the call only.
   *
   * @returns false when it is none of these commands.
   */
  run(sender: Sender, frame: Uint8Array): boolean;
}
