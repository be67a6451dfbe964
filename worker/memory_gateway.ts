// MemoryGateway: stands for a gateway in tests of a worker: clients without sockets, their users,
// and their tasks, by the rules of a gateway.

import {
  decodeCloseUsers,
  encodeGroups,
  type Int64,
  ipToBytes,
  Task,
  TaskCmd,
  TaskFlag,
} from "@maple/box";
import {
  type GroupMember,
  isForNobody,
  type Membership,
  readRspToUsers,
  SessionTable,
  type TableSession,
} from "@maple/box/internal";
import type { MemoryConnection, MemoryEnd } from "@maple/haven/internal";
import { MemoryGroups } from "./memory_groups.ts";
import type { TaskConnection } from "./task_connection.ts";

const NO_BODY: Uint8Array = new Uint8Array(0);

/** Works on a task, and calls `finish` of the connection when it is done. */
export type RunTask = (task: Uint8Array, connection: TaskConnection) => void;

/** Stands for a gateway: clients without sockets, and their tasks, one at a time for each. */
export class MemoryGateway implements TaskConnection {
  readonly #run: RunTask;
  readonly #sessions = new SessionTable<MemorySession>();
  readonly #groups = new MemoryGroups<MemorySession>(this.#sessions);
  // Whose the tasks are that are being worked on; undefined = an inner task's.
  readonly #inHand = new Map<Uint8Array, MemorySession | undefined>();
  readonly #onIdle: (() => void)[] = [];
  #lastConnId = 0;

  /** @param run Works on a task. */
  constructor(run: RunTask) {
    this.#run = run;
  }

  /** Lets a client in. */
  connect(end: MemoryEnd): MemoryConnection {
    const session = new MemorySession(++this.#lastConnId, end);
    this.#sessions.add(session);
    this.#submit(session, TaskCmd.CLIENT_CREATED);
    return {
      idle: () => session.idle(),
      send: (frame) => {
        this.#submit(session, TaskCmd.CLIENT_REQ, frame);
        return session.idle();
      },
      close: () => {
        this.#close(session);
        return session.idle();
      },
    };
  }

  /** Closes all connections; resolves when no task is being worked on. */
  async close(): Promise<void> {
    await this.#idle();
    for (const session of [...this.#sessions.all()]) session.end.onClose();
  }

  /** A task is finished: its client's next one is worked on. */
  finish(task: Uint8Array): void {
    const session = this.#inHand.get(task);
    if (!this.#inHand.delete(task)) return;
    if (session) {
      session.busy = false;
      this.#next(session);
    }
    if (this.#inHand.size > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Finishes a task that is still being worked on. */
  giveUp(task: Uint8Array, box: Uint8Array | undefined): void {
    if (box) this.answer(task, box);
    this.finish(task);
  }

  /** Answers the client of a task. */
  answer(task: Uint8Array, box: Uint8Array): boolean {
    if (isForNobody(task)) return false;
    this.#sessions.get(Task.fromFrame(task).connId)?.receive(box);
    return true;
  }

  /** The same as `send`: a client's next task is made when the one before is finished. */
  change(frame: Uint8Array): boolean {
    return this.send(frame);
  }

  /** Does what a task for a gateway says. */
  send(frame: Uint8Array): boolean {
    const task = Task.fromFrame(frame.slice());
    const session = this.#sessions.get(task.connId);
    switch (task.cmd) {
      case TaskCmd.WRITE_TO_CLIENT:
        session?.receive(task.body);
        break;
      case TaskCmd.WRITE_TO_USERS:
        readRspToUsers(task.body, (message) => {
          this.#sessions.forEachSelected(
            message,
            (one) => one.receive(message.buf),
          );
          return true;
        });
        break;
      case TaskCmd.CLOSE_CLIENT:
        if (session) this.#showOut(session);
        break;
      case TaskCmd.CLOSE_USERS:
        this.#sessions.forEachSelected(
          decodeCloseUsers(task.body),
          (one) => this.#showOut(one),
        );
        break;
      case TaskCmd.JOIN_GROUPS:
      case TaskCmd.LEAVE_GROUPS:
      case TaskCmd.WRITE_TO_GROUPS:
      case TaskCmd.CLOSE_GROUPS:
        this.#groups.run(task, session, {
          write: (one, frame) => one.receive(frame),
          close: (one) => this.#showOut(one),
        });
        break;
      case TaskCmd.LOGIN_CLIENT:
        if (session) this.#sessions.login(session, task.uid, task.userdata);
        break;
      case TaskCmd.LOGOUT_CLIENT:
        if (session) this.#sessions.logout(session);
        break;
      case TaskCmd.CLEAR_CLIENT_TASKS:
        session?.clear();
        break;
      case TaskCmd.WRITE_TO_WORKER:
        task.flags |= TaskFlag.INNER;
        // As over a gateway, it comes when whoever has sent it has gone on.
        queueMicrotask(() => this.#work(task.pack(), undefined));
    }
    return true;
  }

  #submit(session: MemorySession, cmd: number, body = NO_BODY): void {
    session.waiting.push({ cmd, body });
    this.#next(session);
  }

  #next(session: MemorySession): void {
    if (session.busy) return;
    const next = session.waiting.shift();
    if (!next) return session.setIdle();
    session.busy = true;
    this.#work(session.task(next), session);
  }

  #work(frame: Uint8Array, session: MemorySession | undefined): void {
    this.#inHand.set(frame, session);
    this.#run(frame, this);
  }

  #showOut(session: MemorySession): void {
    this.#close(session);
    session.end.onClose();
  }

  #close(session: MemorySession): void {
    if (this.#sessions.get(session.connId) !== session) return;
    this.#sessions.remove(session);
    const names = this.#groups.gone(session);
    const body = names.length > 0 ? encodeGroups({ names, uids: [] }) : NO_BODY;
    this.#submit(session, TaskCmd.CLIENT_CLOSED, body);
  }

  #idle(): Promise<void> {
    if (this.#inHand.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }
}

/** A task that waits. */
interface WaitingTask {
  readonly cmd: number;
  readonly body: Uint8Array;
}

/** A client without a socket and its tasks. */
class MemorySession implements TableSession, GroupMember {
  readonly connId: number;
  readonly end: MemoryEnd;
  readonly waiting: WaitingTask[] = [];
  uid: Int64 = 0;
  userdata: Int64 = 0;
  walk = 0;
  groups: Membership | null = null;
  busy = false;
  readonly #onIdle: (() => void)[] = [];

  constructor(connId: number, end: MemoryEnd) {
    this.connId = connId;
    this.end = end;
  }

  setUser(uid: Int64, userdata: Int64): void {
    this.uid = uid;
    this.userdata = userdata;
  }

  /** The client gets a packed box. */
  receive(box: Uint8Array): void {
    this.end.onFrame(box.slice());
  }

  /** Drops the requests that wait. */
  clear(): void {
    const news = this.waiting.filter(({ cmd }) => cmd !== TaskCmd.CLIENT_REQ);
    this.waiting.splice(0, Infinity, ...news);
  }

  /** The task as a worker gets it, with the user as it is now. */
  task({ cmd, body }: WaitingTask): Uint8Array {
    const { bytes, ipv6 } = ipToBytes(this.end.address);
    const { connId, uid, userdata } = this;
    const flags = ipv6 ? TaskFlag.IPV6 : 0;
    return new Task({
      ...{ cmd, flags, connId, uid, userdata, body, clientIp: bytes },
    }).pack();
  }

  /** Resolves when no task waits or is worked on. */
  idle(): Promise<void> {
    if (!this.busy) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  setIdle(): void {
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
