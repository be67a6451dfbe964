// Users: who is logged in on the connections of a haven server, and what is sent to them.

import type {
  AskOptions,
  BoxClass,
  GroupSelection,
  GroupsRow,
  Int64,
  UserSelection,
  UsersRow,
  WriteReceipt,
} from "@maple/box";
import {
  decodeCloseUsers,
  encodeCloseUsers,
  encodeGroups,
  toInt64,
} from "@maple/box";
import type { ResolvedListen } from "./resolve_options.ts";
import {
  addOffline,
  ANSWER_MS,
  answerQuery,
  decodeQuery,
  encodeQuery,
  groupsBody,
  type Logger,
  noReceipt,
  type Query,
  QUERY_MAX,
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
import { type ReceiptMessage, SiblingReceipts } from "./sibling_receipts.ts";
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
interface UsersMessage extends ReceiptMessage {
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
  /** The body of a `QUERY`. */
  readonly query?: string;
}

/** Told what became of something here. */
type Tell = ((receipt: Receipt) => void) | undefined;

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
  readonly #receipts: SiblingReceipts | undefined;
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
    if (!siblings) return;
    const receipts = this.#receipts = new SiblingReceipts(siblings);
    siblings.onRelayed = (relayed) =>
      receipts.heard(relayed, (tell) => this.#onTold(relayed, tell));
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
    const body = this.#usersBody(rows);
    this.#deliver(body, undefined);
    return !this.#siblings || this.#tell({ write: toBase64(body) });
  }

  /**
   * The same, and what became of it.
   *
   * @throws {BoxError} as `write`, at once; by the promise, the reason of `signal`.
   */
  writeForReceipt(
    rows: readonly UsersRow<F>[],
    options: AskOptions,
  ): Promise<WriteReceipt> {
    const body = this.#usersBody(rows);
    return this.#receiptOf(
      (tell) => this.#deliver(body, tell),
      () => ({ write: toBase64(body) }),
      options,
    );
  }

  /**
   * Closes the connections of users.
   *
   * @returns false when those of the other processes or threads are not reached.
   * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer.
   */
  close(selection: UserSelection): boolean {
    const body = encodeCloseUsers(selection);
    this.#close(body, undefined);
    return !this.#siblings || this.#tell({ close: toBase64(body) });
  }

  /** The same, and what became of it; see `writeForReceipt`. */
  closeForReceipt(
    selection: UserSelection,
    options: AskOptions,
  ): Promise<WriteReceipt> {
    const body = encodeCloseUsers(selection);
    return this.#receiptOf(
      (tell) => this.#close(body, tell),
      () => ({ close: toBase64(body) }),
      options,
    );
  }

  /**
   * Sends messages to groups.
   *
   * @returns false when they do not reach the members of the other processes or threads.
   * @throws {BoxError} `value` when a name, uid or userdata does not fit, or a box cannot be
   * packed; a HavenError `limit` when a box is longer than `outboxBytes`: nobody gets any then.
   */
  writeToGroups(rows: readonly GroupsRow<F>[]): boolean {
    const body = this.#groupsBody(rows);
    this.#groups.write(body);
    return !this.#siblings || this.#tell({ toGroups: toBase64(body) });
  }

  /** The same, and what became of it; see `writeForReceipt`. */
  writeToGroupsForReceipt(
    rows: readonly GroupsRow<F>[],
    options: AskOptions,
  ): Promise<WriteReceipt> {
    const body = this.#groupsBody(rows);
    return this.#receiptOf(
      (tell) => tell(receiptOf(this.#groups.write(body))),
      () => ({ toGroups: toBase64(body) }),
      options,
    );
  }

  /** Closes the members of a group. */
  closeGroup(name: string): boolean {
    const body = encodeGroups({ names: [name], uids: [] });
    this.#groups.close(body);
    return !this.#siblings || this.#tell({ closeGroups: toBase64(body) });
  }

  /** The same, and what became of it; see `writeForReceipt`. */
  closeGroupForReceipt(
    name: string,
    options: AskOptions,
  ): Promise<WriteReceipt> {
    const body = encodeGroups({ names: [name], uids: [] });
    return this.#receiptOf(
      (tell) => tell(receiptOf(this.#groups.close(body))),
      () => ({ closeGroups: toBase64(body) }),
      options,
    );
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

  /**
   * Answers a question about the users of the whole server.
   *
   * @throws {HavenError} `timeout` when the others do not answer within 2 s; the reason of
   * `signal`.
   */
  async ask(query: Partial<Query>, options: AskOptions): Promise<Receipt> {
    options.signal?.throwIfAborted();
    const body = encodeQuery(query);
    const own = this.#answerTo(body);
    const receipts = this.#receipts;
    if (!receipts) return own;
    const { parts, all } = await receipts.ask(
      (more) => this.#tell({ query: toBase64(body), ...more }, true),
      ANSWER_MS,
      options,
    );
    if (all) return sumReceipts([own, ...parts]);
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

  async #receiptOf(
    work: (tell: (receipt: Receipt) => void) => void,
    message: () => UsersMessage,
    options: AskOptions,
  ): Promise<WriteReceipt> {
    options.signal?.throwIfAborted();
    const own = new Promise<Receipt>((resolve) => work(resolve));
    const receipts = this.#receipts;
    if (!receipts) return writeReceipt(await own, true);
    const { parts, all } = await receipts.ask(
      (more) => this.#tell({ ...message(), ...more }, true),
      RECEIPT_MS,
      options,
    );
    return writeReceipt(sumReceipts([await own, ...parts]), all);
  }

  #answerTo(body: Uint8Array): Receipt {
    const sessions = this.#table;
    const groups = this.#groups.asked;
    const asked = { sessions, groups, uidsMax: QUERY_MAX };
    return { ...noReceipt(), ...answerQuery(decodeQuery(body), asked) };
  }

  #deliver(body: Uint8Array, tell: Tell): void {
    const { counters } = this;
    const offline = tell && new Set<Int64>();
    let delivered = 0;
    readRspToUsers(body, (message) => {
      counters.userMessages++;
      if (offline) addOffline(offline, this.#table, message);
      this.#table.forEachSelected(message, (session) => {
        if (session.write(message.buf)) delivered++;
      });
      return true;
    });
    counters.userDeliveries += delivered;
    tell?.(receiptOf(delivered, offline));
  }

  #close(body: Uint8Array, tell: Tell): void {
    const selection = decodeCloseUsers(body);
    const offline = tell && new Set<Int64>();
    if (offline) addOffline(offline, this.#table, selection);
    let closed = 0;
    this.#table.forEachSelected(selection, (session) => {
      session.close();
      closed++;
    });
    tell?.(receiptOf(closed, offline));
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

  #onTold({ message, own }: Relayed, tell: Tell): void {
    const { login, write, close, query, ...ofGroups } = message as UsersMessage;
    if (write !== undefined) this.#deliver(fromBase64(write), tell);
    if (close !== undefined) this.#close(fromBase64(close), tell);
    if (query !== undefined) tell?.(this.#answerTo(fromBase64(query)));
    const { join, leave, toGroups, closeGroups } = ofGroups;
    if (join !== undefined) this.#groups.joinUsers(fromBase64(join));
    if (leave !== undefined) this.#groups.leaveUsers(fromBase64(leave));
    if (toGroups !== undefined) {
      const delivered = this.#groups.write(fromBase64(toGroups));
      tell?.(receiptOf(delivered));
    }
    if (closeGroups !== undefined) {
      const closed = this.#groups.close(fromBase64(closeGroups));
      tell?.(receiptOf(closed));
    }
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

function receiptOf(delivered: number, offline?: Iterable<Int64>): Receipt {
  return { ...noReceipt(), delivered, offline: [...offline ?? []] };
}
