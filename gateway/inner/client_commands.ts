// ClientCommands: what workers and triggers do to clients: answers, messages to users, login,
// closing.

import {
  decodeCloseUsers,
  Task,
  TaskCmd,
  TaskFlag,
  TaskOffset,
} from "@maple/box";
import {
  type BanOptions,
  chainEnded,
  endsChain,
  hasFlag,
  readInt32,
  readInt64,
  readRspToUsers,
} from "@maple/box/internal";
import type { ClientSession } from "../outer/client_session.ts";
import type { GatewayContext } from "../context.ts";
import type { InnerLink } from "./inner_link.ts";
import { BanCommand } from "./ban_command.ts";
import { Questions } from "./questions.ts";
import { PendingReceipt, sendReceipt } from "./receipts.ts";

/** Carries out the commands of workers and triggers that are about clients. */
export class ClientCommands {
  readonly #context: GatewayContext;
  readonly #questions: Questions;
  readonly #banCommand: BanCommand;

  /**
   * @param context What the commands work on.
   * @param ban Begins or ends a ban, and gives how many clients it has closed.
   */
  constructor(
    context: GatewayContext,
    ban: (options: BanOptions, by: string) => number,
  ) {
    this.#context = context;
    this.#questions = new Questions(context);
    this.#banCommand = new BanCommand(context, ban);
  }

  /**
   * Carries out one frame, which is valid during the call only.
   *
   * @returns false when it is none of these commands.
   */
  run(link: InnerLink, frame: Uint8Array): boolean {
    const { innerFrames } = this.#context.counters;
    switch (readInt32(frame, TaskOffset.cmd)) {
      case TaskCmd.WRITE_TO_CLIENT:
        innerFrames.WRITE_TO_CLIENT++;
        this.#told(link, frame, this.#writeToClient(link, frame));
        return true;
      case TaskCmd.WRITE_TO_USERS:
        innerFrames.WRITE_TO_USERS++;
        this.#decoded(link, frame, (receipt) => {
          this.#writeToUsers(frame, receipt);
        });
        return true;
      case TaskCmd.CLOSE_USERS:
        innerFrames.CLOSE_USERS++;
        this.#decoded(link, frame, (receipt) => {
          this.#closeUsers(frame, receipt);
        });
        return true;
      case TaskCmd.CLOSE_CLIENT:
        innerFrames.CLOSE_CLIENT++;
        return this.#confirm(link, frame, this.#close(frame));
      case TaskCmd.LOGIN_CLIENT:
        innerFrames.LOGIN_CLIENT++;
        return this.#confirm(link, frame, this.#login(link, frame));
      case TaskCmd.LOGOUT_CLIENT:
        innerFrames.LOGOUT_CLIENT++;
        return this.#confirm(link, frame, this.#logout(frame));
      case TaskCmd.CLEAR_CLIENT_TASKS:
        innerFrames.CLEAR_CLIENT_TASKS++;
        return this.#confirm(link, frame, this.#clear(frame));
      case TaskCmd.QUERY:
        this.#questions.answer(link, frame);
        return true;
      case TaskCmd.BAN:
        this.#banCommand.run(link, frame);
        return true;
      default:
        return false;
    }
  }

  // These answer whether there is such a client, and it was done; or why it cannot be.
  #writeToClient(link: InnerLink, frame: Uint8Array): boolean {
    const session = this.#client(frame);
    if (!session) return false;
    const body = frame.subarray(TaskOffset.body);
    this.#context.dispatcher.answered(
      link,
      session,
      readInt32(frame, TaskOffset.ret),
    );
    const { counters } = this.#context;
    if (!session.socket.send(body)) {
      counters.answersDropped.outbox++;
      return false;
    }
    counters.answers++;
    counters.answerBytes += body.length;
    return true;
  }

  #close(frame: Uint8Array): boolean {
    const session = this.#client(frame);
    session?.socket.close();
    return session !== undefined;
  }

  #login(link: InnerLink, frame: Uint8Array): boolean | string {
    const session = this.#client(frame);
    if (!session) return false;
    const { uid, userdata } = Task.fromFrame(frame);
    if (uid <= 0) {
      const why = `a login with uid ${uid}; a uid is positive`;
      this.#context.counters.badCommands++;
      this.#context.logger.warn(
        `${link.name} sent ${why}, so it is ignored`,
        { conn: session.connId },
      );
      return why;
    }
    this.#context.sessions.login(session, uid, userdata);
    return true;
  }

  #logout(frame: Uint8Array): boolean {
    const session = this.#client(frame);
    if (session) this.#context.sessions.logout(session);
    return session !== undefined;
  }

  #clear(frame: Uint8Array): boolean {
    const session = this.#client(frame);
    if (!session) return false;
    const { queue, dispatcher, counters } = this.#context;
    const removed = queue.remove(session, (task) => task.isRequest);
    counters.cleared += removed.length;
    dispatcher.clear(session);
    for (let i = 0; i < removed.length; i++) session.requestDone();
    dispatcher.pump();
    return true;
  }

  #writeToUsers(frame: Uint8Array, receipt: PendingReceipt | undefined): void {
    const { sessions, counters } = this.#context;
    for (const row of readRspToUsers(frame.subarray(TaskOffset.body))) {
      counters.userMessages++;
      receipt?.look(row.uids, row.exclude);
      sessions.forEachSelected(row, (session) => {
        if (!session.socket.send(row.buf)) {
          counters.answersDropped.outbox++;
          return;
        }
        counters.userDeliveries++;
        counters.answerBytes += row.buf.length;
        if (receipt) receipt.delivered++;
      });
    }
  }

  #closeUsers(frame: Uint8Array, receipt: PendingReceipt | undefined): void {
    const selection = decodeCloseUsers(frame.subarray(TaskOffset.body));
    receipt?.look(selection.uids, selection.exclude);
    this.#context.sessions.forEachSelected(selection, (session) => {
      session.socket.close();
      if (receipt) receipt.delivered++;
    });
  }

  // A worker that runs chains waits for this, also where there is no such client any more.
  #confirm(link: InnerLink, frame: Uint8Array, isDone: boolean | string): true {
    if (endsChain(frame)) link.socket.send(chainEnded(frame));
    this.#told(link, frame, isDone);
    return true;
  }

  // The receipt for a command that is about one client.
  #told(link: InnerLink, frame: Uint8Array, isDone: boolean | string): void {
    if (!hasFlag(frame, TaskFlag.RECEIPT_WANTED)) return;
    const receipt = typeof isDone === "string"
      ? { error: isDone }
      : { delivered: isDone ? 1 : 0 };
    sendReceipt(this.#context, link, frame, receipt);
  }

  // The connection that a frame means, if it lives and is of this life of the gateway.
  #client(frame: Uint8Array): ClientSession | undefined {
    const { sessions, tag, counters } = this.#context;
    if (readInt32(frame, TaskOffset.tag) !== tag) {
      counters.answersDropped.tag++;
      return undefined;
    }
    const session = sessions.get(readInt64(frame, TaskOffset.connId));
    if (!session) counters.answersDropped.gone++;
    return session;
  }

  #decoded(
    link: InnerLink,
    frame: Uint8Array,
    work: (receipt: PendingReceipt | undefined) => void,
  ): void {
    const receipt = PendingReceipt.of(this.#context, link, frame);
    try {
      work(receipt);
    } catch (error) {
      const { message } = error as Error;
      if (receipt) receipt.error = message;
      this.#context.counters.badCommands++;
      this.#context.logger.warn(
        `${link.name} sent command ${
          readInt32(frame, TaskOffset.cmd)
        }, which is ignored: ${message}`,
      );
    }
    receipt?.send();
  }
}
