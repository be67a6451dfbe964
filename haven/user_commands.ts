// UserCommands: what is done to the users and groups of this process or thread, by the bodies that
// a worker sends to a gateway.

import { decodeCloseUsers, type Int64, type UserSelection } from "@maple/box";
import {
  addOffline,
  answerQuery,
  decodeQuery,
  noReceipt,
  QUERY_MAX,
  readRspToUsers,
  type Receipt,
  type SessionTable,
} from "@maple/box/internal";
import type { Groups } from "./groups.ts";
import type { UserSession } from "./user_session.ts";

/** What can be done, by the command that a gateway would get. */
export const USER_COMMANDS = [
  /** WRITE_TO_USERS */
  "write",
  /** CLOSE_USERS */
  "close",
  /** JOIN_GROUPS, with uids. */
  "join",
  /** LEAVE_GROUPS, with uids. */
  "leave",
  /** WRITE_TO_GROUPS */
  "toGroups",
  /** CLOSE_GROUPS */
  "closeGroups",
  /** QUERY */
  "query",
] as const;

/** One of them. */
export type UserCommand = typeof USER_COMMANDS[number];

/** What is counted about users. */
export interface UserCounters {
  /** Messages to users, each row one. */
  userMessages: number;
  /** Connections that they were sent to. */
  userDeliveries: number;
  /** What could not be told to the other processes or threads. */
  relayDropped: number;
}

/** All at 0. */
export function newUserCounters(): UserCounters {
  return { userMessages: 0, userDeliveries: 0, relayDropped: 0 };
}

/** Carries out commands on the users and groups of this process or thread. */
export class UserCommands {
  /** Messages and deliveries. */
  readonly counters: UserCounters = newUserCounters();
  readonly #table: SessionTable<UserSession>;
  readonly #groups: Groups;

  /** Those of a table and of the groups of its connections. */
  constructor(table: SessionTable<UserSession>, groups: Groups) {
    this.#table = table;
    this.#groups = groups;
  }

  /**
   * Carries out one.
   *
   * @param isTold Whether somebody wants to know what became of it.
   * @returns That; undefined where nobody does.
   */
  run(
    what: UserCommand,
    body: Uint8Array,
    isTold: boolean,
  ): Receipt | undefined {
    if (what === "query") return isTold ? this.#answer(body) : undefined;
    const offline = isTold ? new Set<Int64>() : undefined;
    const delivered = this.#do(what, body, offline);
    return offline && { ...noReceipt(), delivered, offline: [...offline] };
  }

  // Answers how many connections it was done to; `offline` gets who is not there.
  #do(
    what: Exclude<UserCommand, "query">,
    body: Uint8Array,
    offline: Set<Int64> | undefined,
  ): number {
    switch (what) {
      case "write":
        return this.#write(body, offline);
      case "close":
        return this.#visit(decodeCloseUsers(body), offline, (session) => {
          session.close();
          return true;
        });
      case "join":
        this.#groups.joinUsers(body);
        return 0;
      case "leave":
        this.#groups.leaveUsers(body);
        return 0;
      case "toGroups":
        return this.#groups.write(body);
      case "closeGroups":
        return this.#groups.close(body);
    }
  }

  #write(body: Uint8Array, offline: Set<Int64> | undefined): number {
    const { counters } = this;
    let delivered = 0;
    readRspToUsers(body, (message) => {
      counters.userMessages++;
      delivered += this.#visit(
        message,
        offline,
        (session) => session.write(message.buf),
      );
      return true;
    });
    counters.userDeliveries += delivered;
    return delivered;
  }

  #visit(
    selection: UserSelection,
    offline: Set<Int64> | undefined,
    visit: (session: UserSession) => boolean,
  ): number {
    if (offline) addOffline(offline, this.#table, selection);
    let done = 0;
    this.#table.forEachSelected(selection, (session) => {
      if (visit(session)) done++;
    });
    return done;
  }

  #answer(body: Uint8Array): Receipt {
    const asked = {
      sessions: this.#table,
      groups: this.#groups.asked,
      uidsMax: QUERY_MAX,
    };
    return { ...noReceipt(), ...answerQuery(decodeQuery(body), asked) };
  }
}
