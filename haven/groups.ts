// Groups: in which groups the connections of a haven server are, in this process or thread, and
// what is sent to their members.

import { decodeGroups } from "@maple/box";
import {
  forEachMember,
  type GroupsAsked,
  GroupTable,
  type Logger,
  readRspToGroups,
  type SessionTable,
} from "@maple/box/internal";
import type { ResolvedListen } from "./resolve_options.ts";
import type { UserSession } from "./user_session.ts";

/** What is counted about groups. */
export interface GroupCounters {
  /** Messages to groups, each row one. */
  groupMessages: number;
  /** Connections that they were sent to. */
  groupDeliveries: number;
  /** Joins that were refused. */
  groupsRefused: number;
}

/** All at 0. */
export function newGroupCounters(): GroupCounters {
  return { groupMessages: 0, groupDeliveries: 0, groupsRefused: 0 };
}

/** The groups of the connections of this process or thread. */
export class Groups {
  /** Messages, deliveries and refusals. */
  readonly counters: GroupCounters = newGroupCounters();
  readonly #sessions: SessionTable<UserSession>;
  readonly #limits: Pick<ResolvedListen, "groupsPerClient" | "groupsMax">;
  readonly #log: { readonly logger: Logger };
  readonly #table: GroupTable<UserSession>;
  #tells = true;

  /**
   * @param sessions All connections.
   * @param limits How many groups there may be.
   * @param log Where a limit that is reached is told, once.
   */
  constructor(
    sessions: SessionTable<UserSession>,
    limits: Pick<ResolvedListen, "groupsPerClient" | "groupsMax">,
    log: { readonly logger: Logger },
  ) {
    this.#sessions = sessions;
    this.#limits = limits;
    this.#log = log;
    this.#table = new GroupTable(limits);
  }

  /** How many there are, and how many members they have together. */
  get size(): { groups: number; groupMembers: number } {
    return {
      groups: this.#table.count,
      groupMembers: this.#table.memberships,
    };
  }

  /** For questions: how many connections are in a group, and their users. */
  get asked(): GroupsAsked {
    return this.#table;
  }

  /** A connection joins groups. */
  join(session: UserSession, names: readonly string[]): void {
    for (const name of names) {
      const outcome = this.#table.join(session, name);
      if (outcome !== "clientFull" && outcome !== "full") continue;
      this.counters.groupsRefused++;
      this.#tell(outcome, session);
      if (outcome === "clientFull") return;
    }
  }

  /** Takes what another process has counted. */
  takeOver(counters: GroupCounters): void {
    Object.assign(this.counters, counters);
  }

  /** The names of the groups that a connection is in, in the order in which it joined them. */
  namesOf(session: UserSession): string[] {
    return this.#table.namesOf(session);
  }

  /** A connection leaves groups; without names all. */
  leave(session: UserSession, names: readonly string[]): void {
    if (names.length === 0) this.#table.leaveAll(session);
    else for (const name of names) this.#table.leave(session, name);
  }

  /** A connection is gone: takes it out of its groups, and gives their names. */
  gone(session: UserSession): string[] {
    const names = this.#table.namesOf(session);
    this.#table.leaveAll(session);
    return names;
  }

  /** Does what a body of `JOIN_GROUPS` with uids says. */
  joinUsers(body: Uint8Array): void {
    const { names, uids } = decodeGroups(body);
    const selection = { uids, userdata: 0, exclude: [] };
    this.#sessions.forEachSelected(
      selection,
      (session) => this.join(session, names),
    );
  }

  /** Does what a body of `LEAVE_GROUPS` with uids says. */
  leaveUsers(body: Uint8Array): void {
    const { names, uids } = decodeGroups(body);
    const selection = { uids, userdata: 0, exclude: [] };
    this.#sessions.forEachSelected(
      selection,
      (session) => this.leave(session, names),
    );
  }

  /**
   * Sends the messages of a body of `WRITE_TO_GROUPS`; who is in several groups gets it once.
   *
   * @returns How many connections took one.
   */
  write(body: Uint8Array): number {
    const { counters } = this;
    let delivered = 0;
    readRspToGroups(body, (row) => {
      counters.groupMessages++;
      forEachMember(this.#table, row, (session) => {
        if (session.write(row.buf)) delivered++;
      });
      return true;
    });
    counters.groupDeliveries += delivered;
    return delivered;
  }

  /** Closes the members of the groups of a body of `CLOSE_GROUPS`, and tells how many. */
  close(body: Uint8Array): number {
    let closed = 0;
    for (const name of decodeGroups(body).names) {
      this.#table.forEach(name, (session) => {
        session.close();
        closed++;
      });
    }
    return closed;
  }

  // Once: what else is refused, the counter tells.
  #tell(outcome: "clientFull" | "full", { connId }: UserSession): void {
    if (!this.#tells) return;
    this.#tells = false;
    const { groupsPerClient, groupsMax } = this.#limits;
    const why = outcome === "full"
      ? `there are ${groupsMax} groups, the most that groupsMax allows`
      : `it is in ${groupsPerClient} groups, the most that groupsPerClient allows`;
    this.#log.logger.warn(
      `client ${connId} does not join a group: ${why}; this is told once, and counted`,
      { conn: connId },
    );
  }
}
