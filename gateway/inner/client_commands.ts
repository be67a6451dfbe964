// ClientCommands: what workers and triggers do to clients; here to one: answers, login, closing.

import {
  type BanOptions,
  Task,
  TaskCmd,
  TaskFlag,
  TaskOffset,
} from "@maple/box";
import { endsChain, hasFlag, readInt32 } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import { clientOf } from "./client_of.ts";
import { GroupCommands } from "./group_commands.ts";
import { BanCommand } from "./ban_command.ts";
import { DrainCommand } from "./drain_command.ts";
import { ManyCommands } from "./many_commands.ts";
import { Questions } from "./questions.ts";
import type { Commands, Sender } from "./sender.ts";

/** What an admin has the gateway do. */
export interface AdminActions {
  /** Begins or ends a ban, and gives how many clients it has closed. */
  readonly ban: (options: BanOptions, by: string) => number;
  /** Begins to leave, over so many seconds. */
  readonly drain: (seconds: number) => void;
}

/** Carries out the commands of workers and triggers that are about clients, one or many. */
export class ClientCommands implements Commands {
  readonly #context: GatewayContext;
  readonly #questions: Questions;
  readonly #banCommand: BanCommand;
  readonly #drainCommand: DrainCommand;
  readonly #many: ManyCommands;
  readonly #groups: GroupCommands;

  /**
   * @param context What the commands work on.
   * @param actions What an admin has the gateway do.
   */
  constructor(context: GatewayContext, { ban, drain }: AdminActions) {
    this.#context = context;
    this.#questions = new Questions(context);
    this.#banCommand = new BanCommand(context, ban);
    this.#drainCommand = new DrainCommand(context, drain);
    this.#many = new ManyCommands(context);
    this.#groups = new GroupCommands(context);
  }

  /**
   * Carries out one frame, which is valid during the call only.
   *
   * @returns false when it is none of these commands.
   */
  run(sender: Sender, frame: Uint8Array): boolean {
    const { innerFrames } = this.#context.counters;
    switch (readInt32(frame, TaskOffset.cmd)) {
      case TaskCmd.WRITE_TO_CLIENT:
        innerFrames.WRITE_TO_CLIENT++;
        this.#told(sender, frame, this.#writeToClient(sender, frame));
        return true;
      case TaskCmd.CLOSE_CLIENT:
        innerFrames.CLOSE_CLIENT++;
        return this.#confirm(sender, frame, this.#close(frame));
      case TaskCmd.LOGIN_CLIENT:
        innerFrames.LOGIN_CLIENT++;
        return this.#confirm(sender, frame, this.#login(sender, frame));
      case TaskCmd.LOGOUT_CLIENT:
        innerFrames.LOGOUT_CLIENT++;
        return this.#confirm(sender, frame, this.#logout(frame));
      case TaskCmd.CLEAR_CLIENT_TASKS:
        innerFrames.CLEAR_CLIENT_TASKS++;
        return this.#confirm(sender, frame, this.#clear(frame));
      case TaskCmd.QUERY:
        this.#questions.answer(sender, frame);
        return true;
      case TaskCmd.BAN:
        this.#banCommand.run(sender, frame);
        return true;
      case TaskCmd.DRAIN:
        this.#drainCommand.run(sender, frame);
        return true;
      default:
        return this.#many.run(sender, frame) || this.#groups.run(sender, frame);
    }
  }

  /** Ends all that is under way, at once. */
  finish(): void {
    this.#many.finish();
  }

  // These answer whether there is such a client, and it was done; or why it cannot be.
  #writeToClient(sender: Sender, frame: Uint8Array): boolean {
    const session = clientOf(this.#context, frame);
    if (!session) return false;
    const body = frame.subarray(TaskOffset.body);
    this.#context.dispatcher.answered(
      sender.holder,
      session,
      readInt32(frame, TaskOffset.ret),
    );
    const { counters, fanOut } = this.#context;
    if (fanOut.busy) fanOut.settle(session);
    if (!session.socket.send(body)) {
      counters.answersDropped.outbox++;
      return false;
    }
    counters.answers++;
    counters.answerBytes += body.length;
    return true;
  }

  #close(frame: Uint8Array): boolean {
    const session = clientOf(this.#context, frame);
    if (!session) return false;
    this.#context.fanOut.settle(session);
    session.socket.close();
    return true;
  }

  #login(sender: Sender, frame: Uint8Array): boolean | string {
    const session = clientOf(this.#context, frame);
    if (!session) return false;
    const { uid, userdata } = Task.fromFrame(frame);
    if (uid <= 0) {
      const why = `a login with uid ${uid}; a uid is positive`;
      this.#context.counters.badCommands++;
      this.#context.logger.warn(
        `${sender.name} sent ${why}, so it is ignored`,
        { conn: session.connId },
      );
      return why;
    }
    this.#context.sessions.login(session, uid, userdata);
    return true;
  }

  #logout(frame: Uint8Array): boolean {
    const session = clientOf(this.#context, frame);
    if (session) this.#context.sessions.logout(session);
    return session !== undefined;
  }

  #clear(frame: Uint8Array): boolean {
    const session = clientOf(this.#context, frame);
    if (!session) return false;
    const { queue, dispatcher, counters } = this.#context;
    const removed = queue.remove(session, (task) => task.isRequest);
    counters.cleared += removed.length;
    dispatcher.clear(session);
    for (let i = 0; i < removed.length; i++) session.requestDone();
    dispatcher.pump();
    return true;
  }

  // A worker that runs chains waits for this, also where there is no such client any more.
  #confirm(sender: Sender, frame: Uint8Array, isDone: boolean | string): true {
    if (endsChain(frame)) sender.confirm(frame);
    this.#told(sender, frame, isDone);
    return true;
  }

  // The receipt for a command that is about one client.
  #told(sender: Sender, frame: Uint8Array, isDone: boolean | string): void {
    if (!hasFlag(frame, TaskFlag.RECEIPT_WANTED)) return;
    const receipt = typeof isDone === "string"
      ? { error: isDone }
      : { delivered: isDone ? 1 : 0 };
    sender.receive(frame, receipt);
  }
}
