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
import { encodeCloseUsers, encodeGroups, toInt64 } from "@maple/box";
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
  type Relayed,
  SessionTable,
  type Siblings,
  sumReceipts,
  usersBody,
  writeReceipt,
} from "@maple/box/internal";
import { fromBase64, toBase64 } from "./base64.ts";
import { HavenError } from "./errors.ts";
import { type GroupCounters, Groups } from "./groups.ts";
import { checkSize } from "./message_size.ts";
import type { Done, ServedUsers } from "./served_users.ts";
import {
  type ReceiptMessage,
  type SiblingAnswers,
  SiblingReceipts,
} from "./sibling_receipts.ts";
import {
  USER_COMMANDS,
  type UserCommand,
  UserCommands,
  type UserCounters,
} from "./user_commands.ts";
import type { UserSession } from "./user_session.ts";

/** What the processes or threads of a server tell each other; bytes are base64. */
interface UsersMessage
  extends ReceiptMessage, Partial<Readonly<Record<UserCommand, string>>> {
  /** The uid that has logged in; as text, since it may be beyond 2^53. */
  readonly login?: string;
}

/** What one process tells another of users and groups, beside each connection. */
export interface UsersPiece {
  /** What is counted about users. */
  readonly users: UserCounters;
  /** And about groups. */
  readonly groups: GroupCounters;
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
export class Users<F extends object> implements ServedUsers<F> {
  readonly #app: UsersApp<F>;
  readonly #outboxBytes: number;
  readonly #siblings: Siblings | undefined;
  readonly #receipts: SiblingReceipts | undefined;
  readonly #table = new SessionTable<UserSession>();
  readonly #groups: Groups;
  readonly #commands: UserCommands;
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
    this.#commands = new UserCommands(this.#table, this.#groups);
    this.#app = app;
    this.#outboxBytes = outboxBytes;
    this.#siblings = siblings;
    if (!siblings) return;
    const receipts = this.#receipts = new SiblingReceipts(siblings);
    siblings.onRelayed = (relayed) =>
      receipts.heard(relayed, (isTold) => this.#onTold(relayed, isTold));
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
    };
  }

  /** Takes that; before the connections. */
  takeOver({ users, groups }: UsersPiece): void {
    Object.assign(this.counters, users);
    this.#groups.takeOver(groups);
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
    return !this.#siblings || this.#tell({ [what]: toBase64(body) });
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
    { ms, ...options }: AskOptions & { readonly ms: number },
  ): Promise<SiblingAnswers> {
    options.signal?.throwIfAborted();
    const own = this.#commands.run(what, body, true)!;
    const receipts = this.#receipts;
    if (!receipts) return { parts: [own], all: true };
    const { parts, all } = await receipts.ask(
      (more) => this.#tell({ [what]: toBase64(body), ...more }, true),
      ms,
      options,
    );
    return { parts: [own, ...parts], all };
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

  #onTold(
    { message, own }: Relayed,
    isTold: boolean,
  ): Receipt | undefined {
    const told = message as UsersMessage;
    if (told.login !== undefined) {
      this.#onLogin(toInt64(BigInt(told.login)), own);
    }
    for (const what of USER_COMMANDS) {
      const body = told[what];
      if (body === undefined) continue;
      return this.#commands.run(what, fromBase64(body), isTold);
    }
    return undefined;
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
