// AwaitedReceipts: the receipts that a worker or trigger waits for on one connection.

import { readInt32, writeInt32 } from "./int32.ts";
import { readInt64, writeInt64 } from "./int64.ts";
import { MAX_INT32 } from "./options.ts";
import { decodeReceipt, type Receipt } from "./receipt_body.ts";
import { addFlag, isForNobody, TaskCmd, TaskFlag, TaskOffset } from "./task.ts";

/** Called with a receipt, at most once. */
export type OnReceipt = (receipt: Receipt) => void;

/** The receipts that are waited for on one connection. */
export class AwaitedReceipts {
  readonly #waiting = new Map<number, OnReceipt>();
  #lastId = 0;

  /** How many are waited for. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Makes a packed frame want a receipt. It is known again by its `custom`, but for a task for a
   * worker, whose `custom` is the sender's: by a negative `ret`, which there is nowhere else.
   *
   * @returns What `forget` takes.
   */
  expect(frame: Uint8Array, onReceipt: OnReceipt): number {
    const id = this.#nextId();
    this.#waiting.set(id, onReceipt);
    addFlag(frame, 0, TaskFlag.RECEIPT_WANTED);
    if (readInt32(frame, TaskOffset.cmd) === TaskCmd.WRITE_TO_WORKER) {
      writeInt32(frame, TaskOffset.ret, -id);
    } else writeInt64(frame, TaskOffset.custom, id);
    return id;
  }

  /** Nobody waits for it any more. */
  forget(id: number): void {
    this.#waiting.delete(id);
  }

  /**
   * Hands a RECEIPT to whoever waits for it; one that nobody waits for, or that cannot be read, is
   * dropped.
   *
   * @returns "farewell" for the last one of a gateway that leaves; false when it is no RECEIPT.
   */
  take(frame: Uint8Array): boolean | "farewell" {
    if (readInt32(frame, TaskOffset.cmd) !== TaskCmd.RECEIPT) return false;
    const ret = readInt32(frame, TaskOffset.ret);
    const id = ret < 0 ? -ret : Number(readInt64(frame, TaskOffset.custom));
    if (id === 0) return "farewell";
    const onReceipt = this.#waiting.get(id);
    if (!onReceipt) return true;
    let receipt: Receipt;
    try {
      receipt = decodeReceipt(frame.subarray(TaskOffset.body));
    } catch {
      return true;
    }
    this.#waiting.delete(id);
    onReceipt(receipt);
    return true;
  }

  #nextId(): number {
    do this.#lastId = this.#lastId % MAX_INT32 + 1; while (
      this.#waiting.has(this.#lastId)
    );
    return this.#lastId;
  }
}

/** Whether a gateway gives a receipt for a packed frame: not for signs of life and asks. */
export function canHaveReceipt(frame: Uint8Array): boolean {
  const cmd = readInt32(frame, TaskOffset.cmd);
  return cmd !== TaskCmd.WORKER_ASK_FOR_TASK &&
    !(isForNobody(frame) &&
      (cmd === TaskCmd.LOGOUT_CLIENT || cmd === TaskCmd.CLEAR_CLIENT_TASKS));
}
