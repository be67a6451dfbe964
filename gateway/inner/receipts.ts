// PendingReceipt: what becomes of a frame whose sender wants to know; nothing is made for others.

import { type Int64, TaskFlag, TaskOffset } from "@maple/box";
import { addOffline, hasFlag } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { Sender } from "./sender.ts";

/** What becomes of a frame whose sender wants to know it. It is sent once, when all is done. */
export class PendingReceipt {
  /** How many connections took it. */
  delivered = 0;
  /** Why nothing was done. */
  error = "";
  readonly #context: GatewayContext;
  readonly #sender: Sender;
  readonly #header: Uint8Array;
  readonly #offline = new Set<Int64>();
  // What is not done yet: to begin with, the frame.
  #open = 1;

  private constructor(
    context: GatewayContext,
    sender: Sender,
    frame: Uint8Array,
  ) {
    this.#context = context;
    this.#sender = sender;
    this.#header = frame.slice(0, TaskOffset.body);
    sender.beginReceipt();
  }

  /** The receipt for a frame; undefined where its sender wants none. */
  static of(
    context: GatewayContext,
    sender: Sender,
    frame: Uint8Array,
  ): PendingReceipt | undefined {
    return hasFlag(frame, TaskFlag.RECEIPT_WANTED)
      ? new PendingReceipt(context, sender, frame)
      : undefined;
  }

  /** Takes note of the users of a list that are not logged in, but for those that are left out. */
  look(of: { uids: readonly Int64[]; exclude: readonly Int64[] }): void {
    addOffline(this.#offline, this.#context.sessions, of);
  }

  /** A part of the frame is begun, which `done` ends. */
  begin(): void {
    this.#open++;
  }

  /** A part, or the frame itself, is done; when all is, the receipt is sent. */
  done(): void {
    if (--this.#open > 0) return;
    const { delivered, error } = this;
    const offline = [...this.#offline];
    this.#sender.receive(this.#header, { delivered, error, offline });
    this.#sender.endReceipt();
  }
}
