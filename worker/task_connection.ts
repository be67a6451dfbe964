// TaskConnection: where tasks come from, as those who work on them see it.

import type { BoxClass } from "@maple/box";
import type { Receipt } from "@maple/box/internal";

/** How a receipt is waited for. */
export interface WaitOptions {
  /** Milliseconds that it may take. */
  readonly ms: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Where tasks come from: a connection to a gateway, or what stands for one in a test. */
export interface TaskConnection {
  /**
   * A task is finished. To be called once for each.
   *
   * @returns Whether it counts as that; false where another worker gets it.
   */
  finish(task: Uint8Array, tookMs?: number): boolean;
  /** Finishes a task that is still being worked on; `box` is what its client gets. */
  giveUp(task: Uint8Array, box: Uint8Array | undefined, tookMs: number): void;
  /** Sends a packed Task; false when it is not sent. */
  send(task: Uint8Array): boolean;
  /** The same, and what became of it; rejects when that does not come. */
  sendForReceipt(task: Uint8Array, options: WaitOptions): Promise<Receipt>;
  /** The same for a command that changes what a client's next tasks are. */
  change(task: Uint8Array): boolean;
  /** Sends a packed box to the client that a task is about; false when it is not sent. */
  answer(task: Uint8Array, box: Uint8Array): boolean;
  /** When it has ended: where what is about its clients can go instead, if anywhere. */
  elsewhere(): TaskConnection | undefined;
}

/** Where a task came from, and what has become of it. */
export interface TaskOrigin<F extends object> {
  /** The class of the clients' boxes. */
  readonly boxClass: BoxClass<F>;
  /** Where it came from. */
  readonly connection: TaskConnection;
  /** The whole Task. */
  readonly frame: Uint8Array;
  /** Whether it is finished, and its gateway was told. */
  readonly isFinished: boolean;
}
