// Audience: whom a message to many is for, as it was when the message came.

import type {
  Group,
  GroupMember,
  GroupTable,
  Membership,
} from "./group_table.ts";
import type { GroupMessage } from "./groups_body.ts";
import type { Int64 } from "./int64.ts";
import {
  hasBits,
  type SessionTable,
  type TableSession,
} from "./session_table.ts";
import { SpecialUid, type UserSelection } from "./users_body.ts";

/** Whom a message to many is for. */
export interface Audience<S> {
  /** How many sessions `next` gives at most. */
  readonly size: number;
  /** The next session that it may be for; undefined behind the last one. One may come twice. */
  next(): S | undefined;
  /** Whether it is for a session that was there when it came. */
  has(session: S): boolean;
}

/** What is common to both kinds: the user's bits, and who is left out. */
class Filter {
  readonly #userdata: Int64;
  readonly #excluded: ReadonlySet<Int64> | undefined;

  constructor(userdata: Int64, exclude: readonly Int64[]) {
    this.#userdata = userdata;
    this.#excluded = exclude.length > 0 ? new Set(exclude) : undefined;
  }

  lets({ uid, userdata }: TableSession): boolean {
    return !(this.#excluded && uid !== 0 && this.#excluded.has(uid)) &&
      hasBits(userdata, this.#userdata);
  }
}

/** The sessions that a selection of users means. */
export class UsersAudience<S extends TableSession> implements Audience<S> {
  readonly size: number;
  readonly #sessions: SessionTable<S>;
  readonly #filter: Filter;
  readonly #uids: ReadonlySet<Int64>;
  readonly #loggedIn: boolean;
  readonly #others: boolean;
  // Of all sessions, of those that are logged in, or of the uids: what lives on while it is walked.
  readonly #walk: Iterator<S> | undefined;
  readonly #uidWalk: Iterator<Int64> | undefined;

  /** Whom a selection means. */
  constructor(
    sessions: SessionTable<S>,
    { uids, userdata, exclude }: UserSelection,
  ) {
    this.#sessions = sessions;
    this.#filter = new Filter(userdata, exclude);
    const all = uids.includes(SpecialUid.ALL);
    const loggedIn = all || uids.includes(SpecialUid.LOGGED_IN);
    const others = all || uids.includes(SpecialUid.NOT_LOGGED_IN);
    this.#loggedIn = loggedIn;
    this.#others = others;
    this.#uids = new Set(uids);
    if (others) this.#walk = sessions.all();
    else if (loggedIn) this.#walk = sessions.loggedIn();
    else this.#uidWalk = this.#uids.values();
    this.size = others
      ? sessions.size
      : loggedIn
      ? sessions.users
      : this.#uids.size;
  }

  next(): S | undefined {
    if (this.#walk) return this.#walk.next().value;
    for (;;) {
      const uid = this.#uidWalk!.next();
      if (uid.done) return undefined;
      const session = this.#sessions.ofUser(uid.value);
      if (session) return session;
    }
  }

  has(session: S): boolean {
    const { uid } = session;
    const isMeant = uid === 0
      ? this.#others
      : this.#loggedIn || this.#uids.has(uid);
    return isMeant && this.#filter.lets(session);
  }
}

/** The members of some groups. */
export class GroupsAudience<S extends TableSession & GroupMember>
  implements Audience<S> {
  readonly size: number;
  readonly #filter: Filter;
  readonly #groups: ReadonlySet<Group | null>;
  readonly #rest: Iterator<Group>;
  #at: Membership | null = null;

  /** The members of the groups of those names. */
  constructor(
    table: GroupTable<S>,
    { names, userdata, exclude }: Omit<GroupMessage, "buf">,
  ) {
    this.#filter = new Filter(userdata, exclude);
    const groups = new Set<Group>();
    let size = 0;
    for (const name of names) {
      const group = table.get(name);
      if (!group || groups.has(group)) continue;
      groups.add(group);
      size += group.size;
    }
    this.#groups = groups;
    this.#rest = groups.values();
    this.size = size;
  }

  // A membership that has ended leads on to those that were behind it.
  next(): S | undefined {
    for (;;) {
      const at = this.#at;
      if (at) {
        this.#at = at.next;
        if (at.group) return at.member as S;
        continue;
      }
      const group = this.#rest.next();
      if (group.done) return undefined;
      this.#at = group.value.first;
    }
  }

  has(session: S): boolean {
    for (let of = session.groups; of; of = of.nextOfMember) {
      if (this.#groups.has(of.group)) return this.#filter.lets(session);
    }
    return false;
  }
}

/** Calls `visit` once for each member that a message to groups is for. `visit` may close it. */
export function forEachMember<S extends TableSession & GroupMember>(
  table: GroupTable<S>,
  row: Omit<GroupMessage, "buf">,
  visit: (session: S) => void,
): void {
  const audience = new GroupsAudience(table, row);
  // In one group one is once.
  const met = row.names.length > 1 ? new Set<S>() : undefined;
  for (let session; (session = audience.next());) {
    if (met?.has(session) || !audience.has(session)) continue;
    met?.add(session);
    visit(session);
  }
}
