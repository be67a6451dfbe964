// ClientCommands: what workers and triggers do to clients: answers, messages to users, login,
// closing.

import { decodeCloseUsers, Task, TaskCmd, TaskOffset } from "@maple/box";
import {
  chainEnded,
  endsChain,
  readInt32,
  readInt64,
  readRspToUsers,
} from "@maple/box/internal";
import type { ClientSession } from "../outer/client_session.ts";
import type { GatewayContext } from "../context.ts";
import type { InnerLink } from "./inner_link.ts";

/** Carries out the commands of workers and triggers that are about clients. */
export class ClientCommands {
  readonly #context: GatewayContext;

  /** @param context What the commands work on. */
  constructor(context: GatewayContext) {
    this.#context = context;
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
        this.#writeToClient(link, frame);
        return true;
      case TaskCmd.WRITE_TO_USERS:
        innerFrames.WRITE_TO_USERS++;
        this.#decoded(link, frame, () => this.#writeToUsers(frame));
        return true;
      case TaskCmd.CLOSE_USERS:
        innerFrames.CLOSE_USERS++;
        this.#decoded(link, frame, () => this.#closeUsers(frame));
        return true;
      case TaskCmd.CLOSE_CLIENT:
        innerFrames.CLOSE_CLIENT++;
        this.#client(frame)?.socket.close();
        return this.#confirm(link, frame);
      case TaskCmd.LOGIN_CLIENT:
        innerFrames.LOGIN_CLIENT++;
        this.#login(link, frame);
        return this.#confirm(link, frame);
      case TaskCmd.LOGOUT_CLIENT:
        innerFrames.LOGOUT_CLIENT++;
        this.#logout(frame);
        return this.#confirm(link, frame);
      case TaskCmd.CLEAR_CLIENT_TASKS:
        innerFrames.CLEAR_CLIENT_TASKS++;
        this.#clear(frame);
        return this.#confirm(link, frame);
      default:
        return false;
    }
  }

  #writeToClient(link: InnerLink, frame: Uint8Array): void {
    const session = this.#client(frame);
    if (!session) return;
    const body = frame.subarray(TaskOffset.body);
    this.#context.dispatcher.answered(
      link,
      session,
      readInt32(frame, TaskOffset.ret),
    );
    const { counters } = this.#context;
    if (!session.socket.send(body)) {
      counters.answersDropped.outbox++;
      return;
    }
    counters.answers++;
    counters.answerBytes += body.length;
  }

  #writeToUsers(frame: Uint8Array): void {
    const { sessions, counters } = this.#context;
    for (const row of readRspToUsers(frame.subarray(TaskOffset.body))) {
      counters.userMessages++;
      sessions.forEachSelected(row, (session) => {
        if (!session.socket.send(row.buf)) {
          counters.answersDropped.outbox++;
          return;
        }
        counters.userDeliveries++;
        counters.answerBytes += row.buf.length;
      });
    }
  }

  #closeUsers(frame: Uint8Array): void {
    const selection = decodeCloseUsers(frame.subarray(TaskOffset.body));
    this.#context.sessions.forEachSelected(
      selection,
      (session) => session.socket.close(),
    );
  }

  #login(link: InnerLink, frame: Uint8Array): void {
    const session = this.#client(frame);
    if (!session) return;
    const { uid, userdata } = Task.fromFrame(frame);
    if (uid <= 0) {
      this.#context.counters.badCommands++;
      this.#context.logger.warn(
        `${link.name} sent a login with uid ${uid}; a uid is positive, so it is ignored`,
        { conn: session.connId },
      );
      return;
    }
    this.#context.sessions.login(session, uid, userdata);
  }

  #logout(frame: Uint8Array): void {
    const session = this.#client(frame);
    if (session) this.#context.sessions.logout(session);
  }

  #clear(frame: Uint8Array): void {
    const session = this.#client(frame);
    if (!session) return;
    const { queue, dispatcher, counters } = this.#context;
    const removed = queue.remove(session, (task) => task.isRequest);
    counters.cleared += removed.length;
    dispatcher.clear(session);
    for (let i = 0; i < removed.length; i++) session.requestDone();
    dispatcher.pump();
  }

  // A worker that runs chains waits for this, also where there is no such client any more.
  #confirm(link: InnerLink, frame: Uint8Array): true {
    if (endsChain(frame)) link.socket.send(chainEnded(frame));
    return true;
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

  #decoded(link: InnerLink, frame: Uint8Array, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#context.counters.badCommands++;
      this.#context.logger.warn(
        `${link.name} sent command ${
          readInt32(frame, TaskOffset.cmd)
        }, which is ignored: ${(error as Error).message}`,
      );
    }
  }
}
