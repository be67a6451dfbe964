// ManyCommands: what workers and triggers do to many clients at a time: messages to users and
// groups, and the closing of their connections.

import {
  decodeCloseUsers,
  decodeGroups,
  TaskCmd,
  TaskOffset,
} from "@maple/box";
import {
  type OnSent,
  readInt32,
  readRspToGroups,
  readRspToUsers,
} from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { ClientSession } from "../outer/client_session.ts";
import { type Command, ignoreBad } from "./ignore_bad.ts";
import { PendingReceipt } from "./receipts.ts";
import type { Sender } from "./sender.ts";

// So many messages of one frame are sent until others have their turn.
const ROWS_PER_TURN = 1024;

/** Sends the messages of a body; where it had to stop, or the length of the body. */
type Send = (body: Uint8Array, receipt: PendingReceipt | undefined) => number;

/** Closes the clients that a body means, with `close`. */
type Close = (
  body: Uint8Array,
  close: (session: ClientSession) => void,
  receipt: PendingReceipt | undefined,
) => void;

/** Carries out the commands of workers and triggers that are about many clients at a time. */
export class ManyCommands {
  readonly #context: GatewayContext;
  // What is left of messages that were too many at a time.
  readonly #waiting = new Set<() => void>();

  /** @param context What the commands work on. */
  constructor(context: GatewayContext) {
    this.#context = context;
  }

  /**
   * Carries out one frame, which is valid during the call only.
   *
   * @returns false when it is none of these commands.
   */
  run(sender: Sender, frame: Uint8Array): boolean {
    const { innerFrames } = this.#context.counters;
    const command = (cmd: number): Command => ({
      sender,
      cmd,
      receipt: PendingReceipt.of(this.#context, sender, frame),
    });
    const body = frame.subarray(TaskOffset.body);
    const cmd = readInt32(frame, TaskOffset.cmd);
    switch (cmd) {
      case TaskCmd.WRITE_TO_USERS:
        innerFrames.WRITE_TO_USERS++;
        this.#write(command(cmd), body, this.#toUsers);
        return true;
      case TaskCmd.WRITE_TO_GROUPS:
        innerFrames.WRITE_TO_GROUPS++;
        this.#write(command(cmd), body, this.#toGroups);
        return true;
      case TaskCmd.CLOSE_USERS:
        innerFrames.CLOSE_USERS++;
        this.#close(command(cmd), body, this.#closeUsers);
        return true;
      case TaskCmd.CLOSE_GROUPS:
        innerFrames.CLOSE_GROUPS++;
        this.#close(command(cmd), body, this.#closeGroups);
        return true;
      default:
        return false;
    }
  }

  // Sends the messages of a body. Where they are too many at a time, what is left waits, and the
  // sender with it: what it sends later does not overtake. What is left is copied once, since
  // `body` is a view of what is read; from then on it is `own`.
  #write(command: Command, body: Uint8Array, send: Send, own = false): void {
    const { sender, receipt } = command;
    const end = ignoreBad(this.#context, command, () => send(body, receipt));
    if (end === undefined || end === body.length) {
      receipt?.done();
      return;
    }
    const { fanOut, counters } = this.#context;
    const rest = own ? body.subarray(end) : body.slice(end);
    sender.holdBack();
    const goOn = () => {
      // `finish` may have been faster.
      if (!this.#waiting.delete(goOn)) return;
      this.#write(command, rest, send, true);
      sender.readOn();
    };
    this.#waiting.add(goOn);
    if (fanOut.isFull) {
      counters.fanOutWaits++;
      fanOut.whenRoom(goOn);
    } else fanOut.afterOthers(goOn);
  }

  /** Ends all that is under way, at once. */
  finish(): void {
    const { fanOut } = this.#context;
    for (fanOut.finish(); this.#waiting.size > 0; fanOut.finish()) {
      for (const goOn of [...this.#waiting]) goOn();
    }
  }

  readonly #toUsers: Send = (body, receipt) => {
    const { fanOut, counters } = this.#context;
    let rows = 0;
    return readRspToUsers(body, (row) => {
      if (rows++ === ROWS_PER_TURN) return false;
      if (fanOut.isFull && fanOut.isForMany(row)) return false;
      counters.userMessages++;
      receipt?.look(row);
      fanOut.toUsers(row, noted(this.#onSentToUsers, receipt));
      return true;
    });
  };

  readonly #toGroups: Send = (body, receipt) => {
    const { fanOut, counters } = this.#context;
    let rows = 0;
    return readRspToGroups(body, (row) => {
      if (rows++ === ROWS_PER_TURN) return false;
      if (fanOut.isFull && fanOut.isForManyOf(row)) return false;
      counters.groupMessages++;
      fanOut.toGroups(row, noted(this.#onSentToGroups, receipt));
      return true;
    });
  };

  readonly #onSentToUsers: OnSent = (taken) => {
    this.#context.counters.userDeliveries += taken;
  };

  readonly #onSentToGroups: OnSent = (taken) => {
    this.#context.counters.groupDeliveries += taken;
  };

  #close(command: Command, body: Uint8Array, close: Close): void {
    const { receipt } = command;
    ignoreBad(this.#context, command, () => {
      close(body, (session) => {
        this.#context.fanOut.settle(session);
        session.socket.close();
        if (receipt) receipt.delivered++;
      }, receipt);
    });
    receipt?.done();
  }

  readonly #closeUsers: Close = (body, close, receipt) => {
    const selection = decodeCloseUsers(body);
    receipt?.look(selection);
    this.#context.sessions.forEachSelected(selection, close);
  };

  readonly #closeGroups: Close = (body, close) => {
    for (const name of decodeGroups(body).names) {
      this.#context.groups.forEach(name, close);
    }
  };
}

// What is told when a message was sent: the receipt as well, which waits for it.
function noted(onSent: OnSent, receipt: PendingReceipt | undefined): OnSent {
  if (!receipt) return onSent;
  receipt.begin();
  return (taken) => {
    onSent(taken);
    receipt.delivered += taken;
    receipt.done();
  };
}
