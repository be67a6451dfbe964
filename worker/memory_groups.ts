// MemoryGroups: the groups of the clients without sockets in a test of a worker, by the rules of a
// gateway.

import { decodeGroups, type Task, TaskCmd } from "@maple/box";
import {
  forEachMember,
  type GroupMember,
  type GroupsAsked,
  GroupTable,
  readRspToGroups,
  type SessionTable,
  type TableSession,
} from "@maple/box/internal";

// A gateway's defaults.
const LIMITS = { groupsPerClient: 100, groupsMax: 1_000_000 };

/** What is done with members. */
export interface MemberActions<S> {
  /** Gives one a packed box. */
  readonly write: (session: S, frame: Uint8Array) => void;
  /** Closes one. */
  readonly close: (session: S) => void;
}

/** The groups of clients without sockets. */
export class MemoryGroups<S extends TableSession & GroupMember> {
  readonly #table = new GroupTable<S>(LIMITS);
  readonly #sessions: SessionTable<S>;

  /** @param sessions All clients. */
  constructor(sessions: SessionTable<S>) {
    this.#sessions = sessions;
  }

  /** For questions: how many clients are in a group, and their users. */
  get asked(): GroupsAsked {
    return this.#table;
  }

  /** Does what a task about groups says; `session` is the client that it is about. */
  run(
    { cmd, body }: Task,
    session: S | undefined,
    { write, close }: MemberActions<S>,
  ): void {
    if (cmd === TaskCmd.WRITE_TO_GROUPS) {
      readRspToGroups(body, (row) => {
        forEachMember(this.#table, row, (one) => write(one, row.buf));
        return true;
      });
      return;
    }
    const { names, uids } = decodeGroups(body);
    if (cmd === TaskCmd.CLOSE_GROUPS) {
      for (const name of names) this.#table.forEach(name, close);
      return;
    }
    const work = (one: S) => {
      if (cmd === TaskCmd.JOIN_GROUPS) {
        for (const name of names) this.#table.join(one, name);
      } else if (names.length === 0) this.#table.leaveAll(one);
      else for (const name of names) this.#table.leave(one, name);
    };
    const selection = { uids, userdata: 0, exclude: [] };
    if (uids.length > 0) this.#sessions.forEachSelected(selection, work);
    else if (session) work(session);
  }

  /** A client is gone: takes it out of its groups, and gives their names. */
  gone(session: S): string[] {
    const names = this.#table.namesOf(session);
    this.#table.leaveAll(session);
    return names;
  }
}
