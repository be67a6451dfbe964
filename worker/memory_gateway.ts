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
  type UserSelection,
} from "@maple/box";
import {
  addOffline,
  answerQuery,
  decodeQuery,
  type GroupMember,
  isForNobody,
  type Membership,
  noReceipt,
  QUERY_MAX,
  readRspToUsers,
  type Receipt,
  SessionTable,
  type TableSession,
} from "@maple/box/internal";
import type { MemoryConnection, MemoryEnd } from "@maple/haven/internal";
import { MemoryGroups } from "./memory_groups.ts";
import type { TaskConnection, WaitOptions } from "./task_connection.ts";

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
  finish(task: Uint8Array): boolean {
    const session = this.#inHand.get(task);
    if (!this.#inHand.delete(task)) return false;
    if (session) {
      session.busy = false;
      this.#next(session);
    }
    if (this.#inHand.size === 0) {
      for (const resolve of this.#onIdle.splice(0)) resolve();
    }
    return true;
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

  /** It does not end before its worker. */
  elsewhere(): undefined {}

  /** The same as `send`: a client's next task is made when the one before is finished. */
  change(frame: Uint8Array): boolean {
    return this.send(frame);
  }

  /** Does what a task for a gateway says. */
  send(frame: Uint8Array): boolean {
    this.#do(Task.fromFrame(frame.slice()), undefined);
    return true;
  }

  /** The same, and what became of it, or the answer to a question. */
  // deno-lint-ignore require-await -- so that an error rejects
  async sendForReceipt(
    frame: Uint8Array,
    { signal }: WaitOptions,
  ): Promise<Receipt> {
    signal?.throwIfAborted();
    const task = Task.fromFrame(frame.slice());
    const sessions = this.#sessions;
    if (task.cmd === TaskCmd.QUERY) {
      const groups = this.#groups.asked;
      const asked = { sessions, groups, uidsMax: QUERY_MAX };
      return { ...noReceipt(), ...answerQuery(decodeQuery(task.body), asked) };
    }
    const offline = new Set<Int64>();
    const delivered = this.#do(task, offline);
    return { ...noReceipt(), delivered, offline: [...offline] };
  }

  // Answers how many connections have taken it; `offline` gets the users who are not there.
  #do(task: Task, offline: Set<Int64> | undefined): number {
    const sessions = this.#sessions;
    const session = sessions.get(task.connId);
    let delivered = 0;
    const each = (
      selection: UserSelection,
      visit: (one: MemorySession) => void,
    ) => {
      if (offline) addOffline(offline, sessions, selection);
      sessions.forEachSelected(selection, (one) => {
        visit(one);
        delivered++;
      });
    };
    switch (task.cmd) {
      case TaskCmd.WRITE_TO_USERS:
        readRspToUsers(task.body, (message) => {
          each(message, (one) => one.receive(message.buf));
          return true;
        });
        return delivered;
      case TaskCmd.CLOSE_USERS:
        each(decodeCloseUsers(task.body), (one) => this.#showOut(one));
        return delivered;
      case TaskCmd.JOIN_GROUPS:
      case TaskCmd.LEAVE_GROUPS:
      case TaskCmd.WRITE_TO_GROUPS:
      case TaskCmd.CLOSE_GROUPS:
        this.#groups.run(task, session, {
          write: (one, frame) => {
            one.receive(frame);
            delivered++;
          },
          close: (one) => {
            this.#showOut(one);
            delivered++;
          },
        });
        return delivered;
      case TaskCmd.WRITE_TO_WORKER:
        task.flags |= TaskFlag.INNER;
        // As over a gateway, it comes when whoever has sent it has gone on.
        queueMicrotask(() => this.#work(task.pack(), undefined));
        return 1;
    }
    if (session) this.#doFor(session, task);
    return session ? 1 : 0;
  }

  // What is about one client.
  #doFor(session: MemorySession, task: Task): void {
    switch (task.cmd) {
      case TaskCmd.WRITE_TO_CLIENT:
        return session.receive(task.body);
      case TaskCmd.CLOSE_CLIENT:
        return this.#showOut(session);
      case TaskCmd.LOGIN_CLIENT:
        return this.#sessions.login(session, task.uid, task.userdata);
      case TaskCmd.LOGOUT_CLIENT:
        return this.#sessions.logout(session);
      case TaskCmd.CLEAR_CLIENT_TASKS:
        return session.clear();
    }
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
