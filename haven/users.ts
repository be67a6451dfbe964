// Users: who is logged in on the connections of a haven server, and what is sent to them.

import type { BoxClass, Int64, UserSelection, UsersRow } from "@maple/box";
import { decodeCloseUsers, encodeCloseUsers } from "@maple/box";
import {
  readRspToUsers,
  SessionTable,
  type TableSession,
  usersBody,
} from "@maple/box/internal";
import { checkSize } from "./message_size.ts";

/** A session whose client can be sent something. */
export interface UserSession extends TableSession {
  /** Sends a packed box. */
  write(frame: Uint8Array): boolean;
  /** Closes the connection, after what was sent before. */
  close(): void;
}

/** What is counted about users. */
export interface UserCounters {
  /** Messages to users, each row one. */
  userMessages: number;
  /** Connections that they were sent to. */
  userDeliveries: number;
}

/**
 * Who is logged in on the connections of this process or thread, and what is sent to them, by the
 * rules of a gateway.
 */
export class Users<F extends object> {
  /** Messages and deliveries. */
  readonly counters: UserCounters = { userMessages: 0, userDeliveries: 0 };
  readonly #boxClass: BoxClass<F>;
  readonly #outboxMax: number;
  readonly #table = new SessionTable<UserSession>();

  /**
   * @param boxClass The class of the clients' boxes.
   * @param outboxMax Bytes that may wait to be sent to one client.
   */
  constructor(boxClass: BoxClass<F>, outboxMax: number) {
    this.#boxClass = boxClass;
    this.#outboxMax = outboxMax;
  }

  /** How many users are logged in. */
  get size(): number {
    return this.#table.users;
  }

  /** Takes a connection in. */
  add(session: UserSession): void {
    this.#table.add(session);
  }

  /** Takes a connection out that has ended; it keeps its uid and userdata. */
  remove(session: UserSession): void {
    this.#table.remove(session);
  }

  /** Binds a user to a connection. */
  login(session: UserSession, uid: Int64, userdata: Int64): void {
    this.#table.login(session, uid, userdata);
  }

  /** Unbinds the user of a connection. */
  logout(session: UserSession): void {
    this.#table.logout(session);
  }

  /**
   * Sends messages to users.
   *
   * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer, or a box cannot be
   * packed; a HavenError `limit` when a box is longer than `outboxMax`: nobody gets any then.
   */
  write(rows: readonly UsersRow<F>[]): boolean {
    const body = usersBody(this.#boxClass, rows);
    for (const { buf } of readRspToUsers(body)) {
      checkSize(buf.length, this.#outboxMax);
    }
    this.#deliver(body);
    return true;
  }

  /**
   * Closes the connections of users.
   *
   * @throws {BoxError} `value` when a uid or userdata is no 64-bit integer.
   */
  close(selection: UserSelection): boolean {
    this.#close(encodeCloseUsers(selection));
    return true;
  }

  #deliver(body: Uint8Array): void {
    const { counters } = this;
    for (const message of readRspToUsers(body)) {
      counters.userMessages++;
      this.#table.forEachSelected(message, (session) => {
        if (session.write(message.buf)) counters.userDeliveries++;
      });
    }
  }

  #close(body: Uint8Array): void {
    const selection = decodeCloseUsers(body);
    this.#table.forEachSelected(selection, (session) => session.close());
  }
}
