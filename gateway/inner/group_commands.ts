// GroupCommands: what workers and triggers do with groups: who joins them, who leaves them.

import { decodeGroups, type Int64, TaskCmd, TaskOffset } from "@maple/box";
import { readInt32 } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { ClientSession } from "../outer/client_session.ts";
import { Groups } from "../outer/groups.ts";
import { clientOf } from "./client_of.ts";
import { ignoreBad } from "./ignore_bad.ts";
import { PendingReceipt } from "./receipts.ts";
import type { Sender } from "./sender.ts";

/** Carries out the commands of workers and triggers that are about who is in which group. */
export class GroupCommands {
  readonly #context: GatewayContext;
  readonly #groups: Groups;

  /** @param context What the commands work on. */
  constructor(context: GatewayContext) {
    this.#context = context;
    this.#groups = new Groups(context);
  }

  /**
   * Carries out one frame, which is valid during the call only.
   *
   * @returns false when it is none of these commands.
   */
  run(sender: Sender, frame: Uint8Array): boolean {
    const { innerFrames } = this.#context.counters;
    switch (readInt32(frame, TaskOffset.cmd)) {
      case TaskCmd.JOIN_GROUPS:
        innerFrames.JOIN_GROUPS++;
        this.#forEach(
          sender,
          frame,
          (session, names) => this.#groups.join(session, names, sender.name),
        );
        return true;
      case TaskCmd.LEAVE_GROUPS:
        innerFrames.LEAVE_GROUPS++;
        this.#forEach(
          sender,
          frame,
          (session, names) => this.#groups.leave(session, names),
        );
        return true;
      default:
        return false;
    }
  }

  // Does it for the clients that a frame means; a receipt tells for how many it was done.
  #forEach(
    sender: Sender,
    frame: Uint8Array,
    work: (session: ClientSession, names: readonly string[]) => boolean,
  ): void {
    const receipt = PendingReceipt.of(this.#context, sender, frame);
    const cmd = readInt32(frame, TaskOffset.cmd);
    ignoreBad(this.#context, { sender, cmd, receipt }, () => {
      const { names, uids } = decodeGroups(frame.subarray(TaskOffset.body));
      receipt?.look({ uids, exclude: [] });
      this.#visit(frame, uids, (session) => {
        if (work(session, names) && receipt) receipt.delivered++;
      });
    });
    receipt?.done();
  }

  // With uids it is about the connections of these users, without about the client of the frame.
  #visit(
    frame: Uint8Array,
    uids: readonly Int64[],
    visit: (session: ClientSession) => void,
  ): void {
    if (uids.length === 0) {
      const session = clientOf(this.#context, frame);
      if (session) visit(session);
      return;
    }
    const selection = { uids, userdata: 0, exclude: [] };
    this.#context.sessions.forEachSelected(selection, visit);
  }
}
