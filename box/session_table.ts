// SessionTable: all client connections, by their number and by user; the same one at a gateway and
// at a haven server.

import type { Int64 } from "./int64.ts";
import { SpecialUid, type UserSelection } from "./users_body.ts";

/** What a table needs of a session, a client's connection with its user. */
export interface TableSession {
  /** The number of the connection. */
  readonly connId: Int64;
  /** The user logged in on it, 0 = none. */
  readonly uid: Int64;
  /** The bit mask given at login. */
  readonly userdata: Int64;
  /** The table's: the last walk that met the session. */
  walk: number;
  /** Sets who is logged in; 0, 0 is nobody. */
  setUser(uid: Int64, userdata: Int64): void;
}

/** All client connections, by their number and by user. */
export class SessionTable<S extends TableSession> {
  readonly #byConnId = new Map<Int64, S>();
  readonly #byUid = new Map<Int64, S>();
  #walk = 0;
  #peak = 0;

  /** How many connections there are. */
  get size(): number {
    return this.#byConnId.size;
  }

  /** How many connections there were at most. */
  get peak(): number {
    return this.#peak;
  }

  /** How many users are logged in. */
  get users(): number {
    return this.#byUid.size;
  }

  /** The connection of that number. */
  get(connId: Int64): S | undefined {
    return this.#byConnId.get(connId);
  }

  /** Whether a user is logged in. */
  has(uid: Int64): boolean {
    return this.#byUid.has(uid);
  }

  /** The users that are logged in. */
  uids(): IterableIterator<Int64> {
    return this.#byUid.keys();
  }

  /** The connection on which that user is logged in. */
  ofUser(uid: Int64): S | undefined {
    return this.#byUid.get(uid);
  }

  /** All connections on which somebody is logged in. */
  loggedIn(): IterableIterator<S> {
    return this.#byUid.values();
  }

  /** All connections. */
  all(): IterableIterator<S> {
    return this.#byConnId.values();
  }

  /** Takes a connection that another process has given, with its user as it is. */
  retake(session: S): void {
    this.add(session);
    if (session.uid !== 0) this.#byUid.set(session.uid, session);
  }

  /** Takes the number of connections that there were at most elsewhere. */
  takePeak(peak: number): void {
    this.#peak = Math.max(this.#peak, peak);
  }

  /** Adds a new connection. */
  add(session: S): void {
    this.#byConnId.set(session.connId, session);
    this.#peak = Math.max(this.#peak, this.size);
  }

  /**
   * Takes a closed connection out; its uid and userdata stay as they were, for the task that tells
   * of it.
   */
  remove(session: S): void {
    this.#byConnId.delete(session.connId);
    if (this.#byUid.get(session.uid) === session) {
      this.#byUid.delete(session.uid);
    }
  }

  /**
   * Binds a user to a connection. A uid bound elsewhere moves here, and the other connection is as
   * if logged out.
   */
  login(session: S, uid: Int64, userdata: Int64): void {
    this.logout(session);
    const former = this.#byUid.get(uid);
    if (former) former.setUser(0, 0);
    this.#byUid.set(uid, session);
    session.setUser(uid, userdata);
  }

  /** Unbinds the user of a connection, if there is one. */
  logout(session: S): void {
    if (session.uid === 0) return;
    this.#byUid.delete(session.uid);
    session.setUser(0, 0);
  }

  /** Calls `visit` once for each connection that a selection means. `visit` may close it. */
  forEachSelected(
    selection: UserSelection,
    visit: (session: S) => void,
  ): void {
    const { uids, userdata, exclude } = selection;
    const excluded = exclude.length > 0 ? new Set(exclude) : undefined;
    const walk = ++this.#walk;
    const meet = (session: S) => {
      if (session.walk === walk) return;
      session.walk = walk;
      if (excluded && session.uid !== 0 && excluded.has(session.uid)) return;
      if (hasBits(session.userdata, userdata)) visit(session);
    };
    let loggedIn = false;
    let others = false;
    for (const uid of uids) {
      if (uid > 0) {
        const session = this.#byUid.get(uid);
        if (session) meet(session);
      } else {
        loggedIn ||= uid === SpecialUid.LOGGED_IN || uid === SpecialUid.ALL;
        others ||= uid === SpecialUid.NOT_LOGGED_IN || uid === SpecialUid.ALL;
      }
    }
    // However often a list names them: a walk over all connections is made once at most.
    if (others) {
      for (const session of this.#byConnId.values()) {
        if (loggedIn || session.uid === 0) meet(session);
      }
    } else if (loggedIn) {
      for (const session of this.#byUid.values()) meet(session);
    }
  }
}

/** Whether `value` has all the bits of `mask`, both 64 bits wide. */
export function hasBits(value: Int64, mask: Int64): boolean {
  if (mask === 0) return true;
  // Fast path: bitwise operators of numbers see 32 bits.
  if (typeof value === "number" && typeof mask === "number") {
    if ((value | 0) === value && (mask | 0) === mask) {
      return (value & mask) === mask;
    }
  }
  const bits = BigInt.asUintN(64, BigInt(mask));
  return (BigInt.asUintN(64, BigInt(value)) & bits) === bits;
}
