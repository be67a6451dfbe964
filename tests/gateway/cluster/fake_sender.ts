// FakeSender: whoever sends commands, in tests that have no links.

import type { Sender } from "../../../gateway/inner/sender.ts";
import type { Receipt } from "@maple/box/internal";

/** Keeps what it is told. */
export class FakeSender implements Sender {
  readonly name = "tester";
  readonly holder = null;
  /** The receipts that it got. */
  readonly receipts: Partial<Receipt>[] = [];
  /** The headers of the frames that these were for. */
  readonly headers: Uint8Array[] = [];
  /** How many chains were told to have ended. */
  confirmed = 0;
  /** How many receipts are under way. */
  due = 0;
  /** How often it is held back. */
  held = 0;

  holdBack(): void {
    this.held++;
  }
  readOn(): void {
    this.held--;
  }
  beginReceipt(): void {
    this.due++;
  }
  endReceipt(): void {
    this.due--;
  }
  receive(frame: Uint8Array, receipt: Partial<Receipt>): void {
    this.headers.push(frame);
    this.receipts.push(receipt);
  }
  confirm(): void {
    this.confirmed++;
  }
}
