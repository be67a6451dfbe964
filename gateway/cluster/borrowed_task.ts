// BorrowedTask: a task of another gateway, which has no workers, on its way to one of here.

import { TaskCmd, TaskOffset } from "@maple/box";
import { readInt32, readInt64 } from "@maple/box/internal";
import { QueuedTask } from "../queue/queued_task.ts";
import type { Member } from "./members.ts";

/** A task of another gateway. Here it is about no client, as one of a trigger. */
export class BorrowedTask extends QueuedTask {
  /** Whose task it is. */
  readonly from: Member;
  /** The id of its delivery there. */
  readonly farId: number;

  /**
   * @param frame The Task that a worker there would get, in bytes that nothing else writes to.
   * @param from Whose task it is.
   */
  constructor(frame: Uint8Array, from: Member) {
    super(
      readInt32(frame, TaskOffset.cmd),
      frame.subarray(TaskOffset.body),
      null,
      frame.subarray(0, TaskOffset.body),
    );
    this.from = from;
    this.farId = readInt32(frame, TaskOffset.ret);
  }
  override get isBorrowed(): boolean {
    return true;
  }
  override get isRequest(): boolean {
    return false;
  }
  override get isNews(): boolean {
    return false;
  }
  override get isAwaited(): boolean {
    return this.cmd === TaskCmd.CLIENT_REQ;
  }

  /** Whether a frame is about the same client. */
  isFor(frame: Uint8Array): boolean {
    return readInt32(frame, TaskOffset.nodeId) === this.from.node &&
      readInt64(frame, TaskOffset.connId) ===
        readInt64(this.header, TaskOffset.connId);
  }
}
