// answerQuery: the answer to a question, of whoever holds connections: a gateway, a haven server.

import type { Int64 } from "./int64.ts";
import type { Query } from "./query_body.ts";
import type { Receipt } from "./receipt_body.ts";
import { USERS_PAGE } from "./receipts.ts";
import type { SessionTable, TableSession } from "./session_table.ts";
import { nextUids } from "./uid_page.ts";

/** What is asked about. */
export interface Asked {
  /** The connections. */
  readonly sessions: SessionTable<TableSession>;
  /** The groups that they are in; without it there are none. */
  readonly groups?: GroupsAsked;
  /** How many users an answer tells at most. */
  readonly uidsMax: number;
}

/** What is asked about groups. */
export interface GroupsAsked {
  /** How many connections a group has. */
  size(name: string): number;
  /** The users who are logged in on these, in the order of their uids. */
  uids(name: string, after: Int64, limit: number): readonly Int64[];
}

/** The answer to a question. */
export function answerQuery(
  { uids, names, members, after, limit }: Query,
  { sessions, groups, uidsMax }: Asked,
): Partial<Receipt> {
  const page = Math.min(limit || USERS_PAGE, uidsMax);
  if (names.length > 0) {
    // What the members of one take the others do not have. A group is gone through once, however
    // often it is asked for.
    let left = uidsMax;
    const told = new Map<string, readonly Int64[]>();
    return {
      groups: names.map((name) => {
        const size = groups?.size(name) ?? 0;
        if (!members || size === 0 || left <= 0) {
          return { name, size, uids: [] };
        }
        const found = told.get(name) ?? groups!.uids(name, after, page);
        told.set(name, found);
        const uids = found.slice(0, left);
        left -= uids.length;
        return { name, size, uids };
      }),
    };
  }
  if (uids.length === 0) {
    return { online: nextUids(sessions.uids(), after, page) };
  }
  const asked = [...new Set(uids)];
  return {
    online: asked.filter((uid) => sessions.has(uid)),
    offline: asked.filter((uid) => !sessions.has(uid)),
  };
}

/** Adds those of a list of users who are not logged in to a set, but for those left out. */
export function addOffline(
  offline: Set<Int64>,
  sessions: SessionTable<TableSession>,
  { uids, exclude }: { uids: readonly Int64[]; exclude: readonly Int64[] },
): void {
  const excluded = exclude.length > 0 ? new Set(exclude) : undefined;
  for (const uid of uids) {
    if (uid > 0 && !sessions.has(uid) && !excluded?.has(uid)) offline.add(uid);
  }
}
