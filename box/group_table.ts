// GroupTable: named groups of connections; the same one at a gateway and at a haven server.
//
// There are many memberships: each is one object in two lists, its group's and its member's. So a
// group is walked without a copy, and who joins or leaves meanwhile does not disturb the walk.

import type { Int64 } from "./int64.ts";
import type { Range } from "./options.ts";
import { nextUids } from "./uid_page.ts";

/** What a table needs of a member, a client's connection with its user. */
export interface GroupMember {
  /** The user logged in on it, 0 = none. */
  readonly uid: Int64;
  /** The table's: its first membership. */
  groups: Membership | null;
}

/**
 * What `groupsPerClient` may be: a join looks at all groups of its client, and of a client that is
 * gone the names of all are told in one body.
 */
export const GROUPS_PER_CLIENT: Range = { min: 1, max: 10_000, whole: true };

/** How many groups there may be. */
export interface GroupLimits {
  /** In how many groups a connection may be. */
  readonly groupsPerClient: number;
  /** How many groups there may be. */
  readonly groupsMax: number;
}

/**
 * What becomes of a join: `joined`, `member` where it was one before; or it is refused, since the
 * connection is in as many groups as it may be (`clientFull`), or there are as many groups as there
 * may be (`full`).
 */
export type JoinOutcome = "joined" | "member" | "clientFull" | "full";

/** A connection in a group. */
export class Membership {
  /** The next of the group; kept when it has ended, for a walk that stands here. */
  next: Membership | null = null;
  /** The one before it. */
  previous: Membership | null = null;
  /** The next of the member. */
  nextOfMember: Membership | null = null;
  /** The group; null when it has ended. */
  group: Group | null;
  /** The connection. */
  readonly member: GroupMember;

  /** A connection becomes the member of a group. */
  constructor(member: GroupMember, group: Group) {
    this.member = member;
    this.group = group;
  }
}

/** A group: it is there while it has a member. */
export class Group {
  /** What it is called. */
  readonly name: string;
  /** Its newest member. */
  first: Membership | null = null;
  /** How many members it has. */
  size = 0;

  /** A group without members. */
  constructor(name: string) {
    this.name = name;
  }
}

/** The most groups that one of these connections is in. */
export function mostGroups(members: Iterable<GroupMember>): number {
  let most = 0;
  for (const { groups } of members) {
    let count = 0;
    for (let of = groups; of; of = of.nextOfMember) count++;
    most = Math.max(most, count);
  }
  return most;
}

/** The groups of all connections. */
export class GroupTable<M extends GroupMember> {
  readonly #limits: GroupLimits;
  readonly #byName = new Map<string, Group>();
  #memberships = 0;

  /**
   * Makes a table without groups.
   *
   * @param limits Looked at each time.
   */
  constructor(limits: GroupLimits) {
    this.#limits = limits;
  }

  /** How many groups there are. */
  get count(): number {
    return this.#byName.size;
  }

  /** How many members they have together. */
  get memberships(): number {
    return this.#memberships;
  }

  /** The group of that name. */
  get(name: string): Group | undefined {
    return this.#byName.get(name);
  }

  /** How many members a group has; 0 where there is none of that name. */
  size(name: string): number {
    return this.#byName.get(name)?.size ?? 0;
  }

  /** A connection joins a group. */
  join(member: M, name: string): JoinOutcome {
    let group = this.#byName.get(name);
    let count = 0;
    for (let of = member.groups; of; of = of.nextOfMember) {
      if (of.group === group) return "member";
      count++;
    }
    const { groupsPerClient, groupsMax } = this.#limits;
    if (count >= groupsPerClient) return "clientFull";
    if (!group) {
      if (this.#byName.size >= groupsMax) return "full";
      group = new Group(name);
      this.#byName.set(name, group);
    }
    const membership = new Membership(member, group);
    membership.nextOfMember = member.groups;
    member.groups = membership;
    // At the front: a walk that is under way does not meet whoever joins meanwhile.
    membership.next = group.first;
    if (group.first) group.first.previous = membership;
    group.first = membership;
    group.size++;
    this.#memberships++;
    return "joined";
  }

  /** A connection leaves a group; false where it was not in it. */
  leave(member: M, name: string): boolean {
    const group = this.#byName.get(name);
    if (!group) return false;
    let before: Membership | null = null;
    for (let of = member.groups; of; before = of, of = of.nextOfMember) {
      if (of.group !== group) continue;
      if (before) before.nextOfMember = of.nextOfMember;
      else member.groups = of.nextOfMember;
      this.#end(of, group);
      return true;
    }
    return false;
  }

  /** A connection leaves all its groups. */
  leaveAll(member: M): void {
    for (let of = member.groups; of; of = of.nextOfMember) {
      this.#end(of, of.group!);
    }
    member.groups = null;
  }

  /** The names of the groups that a connection is in, the oldest first. */
  namesOf(member: M): string[] {
    const names: string[] = [];
    for (let of = member.groups; of; of = of.nextOfMember) {
      names.push(of.group!.name);
    }
    return names.reverse();
  }

  /** Calls `visit` for each member of a group. `visit` may make it leave. */
  forEach(name: string, visit: (member: M) => void): void {
    let at = this.#byName.get(name)?.first ?? null;
    for (; at; at = at.next) {
      if (at.group) visit(at.member as M);
    }
  }

  /**
   * The users who are logged in on the connections of a group, in the order of their uids.
   *
   * @param after Only uids beyond this one. @default {0}
   * @param limit How many at most.
   */
  uids(name: string, after: Int64 = 0, limit: number = Infinity): Int64[] {
    return nextUids(this.#uidsOf(name), after, limit);
  }

  /** The groups with the most members, the largest first; it looks at all groups. */
  largest(count: number): { name: string; members: number }[] {
    const found: Group[] = [];
    for (const group of this.#byName.values()) {
      const last = found.at(-1);
      if (found.length === count && last!.size >= group.size) continue;
      if (found.length === count) found.pop();
      let at = found.length;
      while (at > 0 && found[at - 1]!.size < group.size) at--;
      found.splice(at, 0, group);
    }
    return found.map(({ name, size }) => ({ name, members: size }));
  }

  *#uidsOf(name: string): IterableIterator<Int64> {
    let at = this.#byName.get(name)?.first ?? null;
    for (; at; at = at.next) {
      if (at.group && at.member.uid !== 0) yield at.member.uid;
    }
  }

  #end(membership: Membership, group: Group): void {
    const { next, previous } = membership;
    if (previous) previous.next = next;
    else group.first = next;
    if (next) next.previous = previous;
    membership.group = null;
    membership.previous = null;
    this.#memberships--;
    if (--group.size === 0) this.#byName.delete(group.name);
  }
}
