// Users: who is logged in on the connections of a haven server, and what is sent to them.

import type {
  BoxClass,
  GroupSelection,
  GroupsRow,
  Int64,
  UserSelection,
  UsersRow,
} from "@maple/box";
import {
  decodeCloseUsers,
  encodeCloseUsers,
  encodeGroups,
  toInt64,
} from "@maple/box";
import type { ResolvedListen } from "./resolve_options.ts";
import {
  groupsBody,
  type Logger,
  readRspToGroups,
  readRspToUsers,
  type Relayed,
  SessionTable,
  type Siblings,
  usersBody,
} from "@maple/box/internal";
import { type GroupCounters, Groups } from "./groups.ts";
import { checkSize } from "./message_size.ts";
import type { UserSession } from "./user_session.ts";

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

/** What the processes or threads of a server tell each other; bytes are base64. */
interface UsersMessage {
  /** The uid that has logged in; as text, since it may be beyond 2^53. */
  readonly login?: string;
  /** The body of a `WRITE_TO_USERS`. */
  readonly write?: string;
  /** The body of a `CLOSE_USERS`. */
  readonly close?: string;
  /** The body of a `JOIN_GROUPS` with uids. */
  readonly join?: string;
  /** The body of a `LEAVE_GROUPS` with uids. */
  readonly leave?: string;
  /** The body of a `WRITE_TO_GROUPS`. */
  readonly toGroups?: string;
  /** The body of a `CLOSE_GROUPS`. */
  readonly closeGroups?: string;
}

/** Whose users they are. */
interface UsersApp<F extends object> {
  /** The class of the clients' boxes. */
  readonly boxClass: BoxClass<F>;
  /** Where faults are logged. */
  readonly logger: Logger;
}

/**
 * Who is logged in on the connections of this process or thread, and what is sent to them, by the
 * rules of a gateway. Where several of them serve together, what is sent reaches the users of all.
 *
 * A uid is logged in once: its connection is that whose login was the last to reach the master,
 * through which all of them hear of each login in the same order. Until a login has come back from
 * there, those of others that come in are older, and do not count.
 */
export class Users<F extends object> {
  /** Messages and deliveries. */
  readonly counters: UserCounters = newUserCounters();
  readonly #app: UsersApp<F>;
  readonly #outboxBytes: number;
  readonly #siblings: Siblings | undefined;
  readonly #table = new SessionTable<UserSession>();
  readonly #groups: Groups;
  // How many logins of a uid are on their way to the master and back.
  readonly #onTheWay = new Map<Int64, number>();

  /**
   * @param app Whose users they are.
   * @param options The most bytes that may wait to be sent to one client; and who else serves users
   * of the same server.
   */
  constructor(
    app: UsersApp<F>,
    options: Pick<
      ResolvedListen,
      "outboxBytes" | "siblings" | "groupsPerClient" | "groupsMax"
    >,
  ) {
    const { outboxBytes, siblings } = options;
    this.#groups = new Groups(this.#table, options, app);
    this.#app = app;
    this.#outboxBytes = outboxBytes;
    this.#siblings = siblings;
    if (siblings) siblings.onRelayed = (relayed) => this.#onRelayed(relayed);
  }

  /** How many users are logged in. */
  get size(): number {
    return this.#table.users;
  }

  /** How many groups there are, their members, and what is counted about them. */
  get groupStats(): Groups["size"] & GroupCounters {
    return { ...this.#groups.size, ...this.#groups.counters };
  }

  /** Takes a connection in. */
  add(session: UserSession): void {
    this.#table.add(session);
  }

  /**
   * Takes a connection out that has ended; it keeps its uid and userdata.
   *
   * @returns The names of the groups that it was in.
   */
  remove(session: UserSession): string[] {
    this.#table.remove(session);
    return this.#groups.gone(session);
  }

  /** A connection joins groups. */
  join(session: UserSession, names: readonly string[]): void {
    this.#groups.join(session, names);
  }

  /** A connection leaves groups; without names all. */
  leave(session: UserSession, names: readonly string[]): void {
    this.#groups.leave(session, names);
  }

  /** Binds a user to a connection. */
  login(session: UserSession, uid: Int64, userdata: Int64): void {
    this.#table.login(session, uid, userdata);
    if (!this.#siblings) return;
    if (!this.#tell({ login: String(uid) }, true)) return;
    this.#onTheWay.set(uid, (this.#onTheWay.get(uid) ?? 0) + 1);
  }

  /** Unbinds the user of a connection. */
  logout(session: UserSession): void {
    this.#table.logout(session);
  }

  /**
   * Sends messages to users.
   *
   * @returns false when they do not reach those of the other processes or threads.
   * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer, or a box cannot be
   * packed; a HavenError `limit` when a box is longer than `outboxBytes`: nobody gets any then.
   */
  write(rows: readonly UsersRow<F>[]): boolean {
    const body = usersBody(this.#app.boxClass, rows);
    readRspToUsers(body, ({ buf }) => {
      checkSize(buf.length, this.#outboxBytes);
      return true;
    });
    this.#deliver(body);
    return !this.#siblings || this.#tell({ write: toBase64(body) });
  }

  /**
   * Closes the connections of users.
   *
   * @returns false when those of the other processes or threads are not reached.
   * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer.
   */
  close(selection: UserSelection): boolean {
    const body = encodeCloseUsers(selection);
    this.#close(body);
    return !this.#siblings || this.#tell({ close: toBase64(body) });
  }

  /**
   * Sends messages to groups.
   *
   * @returns false when they do not reach the members of the other processes or threads.
   * @throws {BoxError} `value` when a name, uid or userdata does not fit, or a box cannot be
   * packed; a HavenError `limit` when a box is longer than `outboxBytes`: nobody gets any then.
   */
  writeToGroups(rows: readonly GroupsRow<F>[]): boolean {
    const body = groupsBody(this.#app.boxClass, rows);
    readRspToGroups(body, ({ buf }) => {
      checkSize(buf.length, this.#outboxBytes);
      return true;
    });
    this.#groups.write(body);
    return !this.#siblings || this.#tell({ toGroups: toBase64(body) });
  }

  /** Closes the members of a group. */
  closeGroup(name: string): boolean {
    const body = encodeGroups({ names: [name], uids: [] });
    this.#groups.close(body);
    return !this.#siblings || this.#tell({ closeGroups: toBase64(body) });
  }

  /** Makes the connections of users join groups. */
  joinUsers(selection: GroupSelection): boolean {
    const body = encodeGroups(selection);
    if (selection.uids.length === 0) return true;
    this.#groups.joinUsers(body);
    return !this.#siblings || this.#tell({ join: toBase64(body) });
  }

  /** Makes them leave groups. */
  leaveUsers(selection: GroupSelection): boolean {
    const body = encodeGroups(selection);
    if (selection.uids.length === 0) return true;
    this.#groups.leaveUsers(body);
    return !this.#siblings || this.#tell({ leave: toBase64(body) });
  }

  #deliver(body: Uint8Array): void {
    const { counters } = this;
    readRspToUsers(body, (message) => {
      counters.userMessages++;
      this.#table.forEachSelected(message, (session) => {
        if (session.write(message.buf)) counters.userDeliveries++;
      });
      return true;
    });
  }

  #close(body: Uint8Array): void {
    const selection = decodeCloseUsers(body);
    this.#table.forEachSelected(selection, (session) => session.close());
  }

  #tell(message: UsersMessage, echo = false): boolean {
    if (this.#siblings!.tell({ message, echo })) return true;
    this.counters.relayDropped++;
    const [what] = Object.keys(message);
    this.#app.logger.warn(
      `a ${what} does not reach the users of the other processes: it is too long (3 MB are not), or what was told before is not read`,
    );
    return false;
  }

  #onRelayed({ message, own }: Relayed): void {
    const { login, write, close, ...ofGroups } = message as UsersMessage;
    if (write !== undefined) this.#deliver(fromBase64(write));
    if (close !== undefined) this.#close(fromBase64(close));
    const { join, leave, toGroups, closeGroups } = ofGroups;
    if (join !== undefined) this.#groups.joinUsers(fromBase64(join));
    if (leave !== undefined) this.#groups.leaveUsers(fromBase64(leave));
    if (toGroups !== undefined) this.#groups.write(fromBase64(toGroups));
    if (closeGroups !== undefined) this.#groups.close(fromBase64(closeGroups));
    if (login !== undefined) this.#onLogin(toInt64(BigInt(login)), own);
  }

  #onLogin(uid: Int64, own: boolean): void {
    const onTheWay = this.#onTheWay.get(uid) ?? 0;
    if (!own) {
      if (onTheWay > 0) return;
      const selection = { uids: [uid], userdata: 0, exclude: [] };
      this.#table.forEachSelected(
        selection,
        (session) => this.#table.logout(session),
      );
    } else if (onTheWay > 1) this.#onTheWay.set(uid, onTheWay - 1);
    else this.#onTheWay.delete(uid);
  }
}

const PIECE = 0x8000;

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
