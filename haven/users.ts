// Users: who is logged in on the connections of a haven server, and what is sent to them.

import type {
  AskOptions,
  BoxClass,
  GroupsRow,
  Int64,
  ReceiptOptions,
  UserSelection,
  UsersRow,
  WriteReceipt,
} from "@maple/box";
import { encodeCloseUsers, encodeGroups } from "@maple/box";
import type { ResolvedListen } from "./resolve_options.ts";
import {
  ANSWER_MS,
  encodeQuery,
  groupsBody,
  type Logger,
  mostGroups,
  type Query,
  readRspToGroups,
  readRspToUsers,
  type Receipt,
  RECEIPT_MS,
  SessionTable,
  sumReceipts,
  usersBody,
  writeReceipt,
} from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import { type GroupCounters, Groups } from "./groups.ts";
import { checkSize } from "./message_size.ts";
import type { Done, ServedUsers } from "./served_users.ts";
import type { SiblingAnswers } from "./sibling_receipts.ts";
import {
  type UserCommand,
  UserCommands,
  type UserCounters,
} from "./user_commands.ts";
import type { UserSession } from "./user_session.ts";
import { UsersLine } from "./users_line.ts";

/** What one process tells another of users and groups, beside each connection. */
export interface UsersPiece {
  /** What is counted about users. */
  readonly users: UserCounters;
  /** And about groups. */
  readonly groups: GroupCounters;
  /** The number of the last of what other processes have told that is done; 0 = there are none. */
  readonly last: number;
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
 * rules of a gateway. Where several of them serve together, what is sent reaches the users of all,
 * and a uid is logged in once over all.
 */
export class Users<F extends object> implements ServedUsers<F> {
  readonly #app: UsersApp<F>;
  readonly #outboxBytes: number;
  readonly #line: UsersLine | undefined;
  readonly #table = new SessionTable<UserSession>();
  readonly #groups: Groups;
  readonly #commands: UserCommands;

  /**
   * @param app Whose users they are.
   * @param options The most bytes that may wait to be sent to one client; and who else serves users
   * of the same server.
   * @param standsIn Whether another process has these users until `takeOver`.
   */
  constructor(
    app: UsersApp<F>,
    options: Pick<
      ResolvedListen,
      "outboxBytes" | "siblings" | "groupsPerClient" | "groupsMax"
    >,
    standsIn = false,
  ) {
    const { outboxBytes, siblings } = options;
    this.#groups = new Groups(this.#table, options, app);
    this.#commands = new UserCommands(this.#table, this.#groups);
    this.#app = app;
    this.#outboxBytes = outboxBytes;
    this.#line = siblings && new UsersLine({
      siblings,
      run: (...command) => this.#commands.run(...command),
      logout: (uid) => this.#logout(uid),
      counters: this.counters,
      app,
      standsIn,
    });
  }

  /** The line to the users of other processes or threads; undefined where there are none. */
  get line(): UsersLine | undefined {
    return this.#line;
  }

  /** Messages and deliveries. */
  get counters(): UserCounters {
    return this.#commands.counters;
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

  /** What is counted, for another process. */
  give(): UsersPiece {
    return {
      users: { ...this.counters },
      groups: { ...this.#groups.counters },
      last: this.#line?.last ?? 0,
    };
  }

  /** Takes that; before the connections. */
  takeOver({ users, groups, last }: UsersPiece): void {
    Object.assign(this.counters, users);
    this.#groups.takeOver(groups);
    this.#line?.takeOver(last);
  }

  /** Takes a connection in that another process has given, with its user and groups. */
  retake(session: UserSession, groups: readonly string[]): void {
    this.#table.retake(session);
    this.#groups.join(session, groups);
  }

  /** The names of the groups that a connection is in. */
  groupsOf(session: UserSession): string[] {
    return this.#groups.namesOf(session);
  }

  /** The most groups that one connection is in. */
  get mostGroups(): number {
    return mostGroups(this.#table.all());
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
    this.#line?.login(uid);
  }

  /** Unbinds the user of a connection. */
  logout(session: UserSession): void {
    this.#table.logout(session);
  }

  /**
   * Sends messages to users.
   *
   * @returns false when they do not reach those of the other processes or threads; with `receipt`,
   * what became of it.
   * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer, or a box cannot be
   * packed; a HavenError `limit` when a box is longer than `outboxBytes`: nobody gets any then. All
   * at once; by the promise, the reason of `signal`.
   */
  write(
    rows: readonly UsersRow<F>[],
    options?: ReceiptOptions,
  ): Done {
    return this.#send("write", this.#usersBody(rows), options);
  }

  /**
   * Closes the connections of users; see {@linkcode Users.write}.
   *
   * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer.
   */
  close(selection: UserSelection, options?: ReceiptOptions): Done {
    return this.#send("close", encodeCloseUsers(selection), options);
  }

  /**
   * Sends messages to groups; see {@linkcode Users.write}.
   *
   * @throws {BoxError} as `write`, and when a name is no name of a group.
   */
  writeToGroups(
    rows: readonly GroupsRow<F>[],
    options?: ReceiptOptions,
  ): Done {
    return this.#send("toGroups", this.#groupsBody(rows), options);
  }

  /** Closes the members of a group; see {@linkcode Users.write}. */
  closeGroup(name: string, options?: ReceiptOptions): Done {
    const body = encodeGroups({ names: [name], uids: [] });
    return this.#send("closeGroups", body, options);
  }

  /** Makes the connections of users join a group. */
  joinGroup(name: string, uids: readonly Int64[]): boolean {
    const body = encodeGroups({ names: [name], uids });
    return uids.length === 0 || this.#do("join", body);
  }

  /** Makes them leave it. */
  leaveGroup(name: string, uids: readonly Int64[]): boolean {
    const body = encodeGroups({ names: [name], uids });
    return uids.length === 0 || this.#do("leave", body);
  }

  /**
   * Answers a question about the users of the whole server.
   *
   * @throws {HavenError} `timeout` when the others do not answer within 2 s; the reason of
   * `signal`.
   */
  async ask(query: Partial<Query>, options: AskOptions): Promise<Receipt> {
    const body = encodeQuery(query);
    const { parts, all } = await this.#tellAll("query", body, {
      ms: ANSWER_MS,
      ...options,
    });
    if (all) return sumReceipts(parts);
    throw new HavenError(
      "timeout",
      `Cannot tell who is there: not all processes have answered within ${
        ANSWER_MS / 1000
      } s`,
    );
  }

  // All boxes are checked before any is sent.
  #usersBody(rows: readonly UsersRow<F>[]): Uint8Array {
    const body = usersBody(this.#app.boxClass, rows);
    readRspToUsers(body, ({ buf }) => {
      checkSize(buf.length, this.#outboxBytes);
      return true;
    });
    return body;
  }

  #groupsBody(rows: readonly GroupsRow<F>[]): Uint8Array {
    const body = groupsBody(this.#app.boxClass, rows);
    readRspToGroups(body, ({ buf }) => {
      checkSize(buf.length, this.#outboxBytes);
      return true;
    });
    return body;
  }

  #send(what: UserCommand, body: Uint8Array, options?: ReceiptOptions): Done {
    return options?.receipt
      ? this.#receiptOf(what, body, options)
      : this.#do(what, body);
  }

  // Here, and where the others are told.
  #do(what: UserCommand, body: Uint8Array): boolean {
    this.#commands.run(what, body, false);
    return this.#line?.tell(what, body) ?? true;
  }

  async #receiptOf(
    what: UserCommand,
    body: Uint8Array,
    options: AskOptions,
  ): Promise<WriteReceipt> {
    const { parts, all } = await this.#tellAll(what, body, {
      ms: RECEIPT_MS,
      ...options,
    });
    return writeReceipt(sumReceipts(parts), all);
  }

  // The same, and what all of them tell.
  async #tellAll(
    what: UserCommand,
    body: Uint8Array,
    options: AskOptions & { readonly ms: number },
  ): Promise<SiblingAnswers> {
    options.signal?.throwIfAborted();
    const own = this.#commands.run(what, body, true)!;
    if (!this.#line) return { parts: [own], all: true };
    const { parts, all } = await this.#line.ask(what, body, options);
    return { parts: [own, ...parts], all };
  }

  #logout(uid: Int64): void {
    this.#table.forEachSelected(
      { uids: [uid], userdata: 0, exclude: [] },
      (session) => this.#table.logout(session),
    );
  }
}
