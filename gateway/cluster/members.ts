// Members: the other gateways of a cluster.

import { type Hello, UNTOLD } from "./hello.ts";
import type { MessageHead } from "./message.ts";

/** Another gateway. */
export interface Member extends Hello {
  /** Its number in every task. */
  readonly node: number;
  /** What it drew at its start: it tells apart its lives. */
  readonly id: number;
}

/**
 * What has become of a member: `changed` = its state or an address, not merely its figures; `lost`
 * = it is gone without a word.
 */
export type MemberChange = "came" | "changed" | "left" | "lost";

/** What is told of changes. */
export type MemberListener = (member: Member, change: MemberChange) => void;

/** For so many seconds nothing has to come of a member until it counts as gone. */
export const MISSED_MAX = 3;

/** What is known of a member, for another process. */
export interface KnownPiece {
  /** What it has told. */
  readonly member: Member;
  /** For how many seconds nothing has come of it. */
  readonly missed: number;
}

interface Known {
  readonly member: Writable<Member>;
  missed: number;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The other gateways of a cluster, as they tell of themselves. */
export class Members {
  readonly #known = new Map<number, Known>();
  readonly #listeners: MemberListener[] = [];

  /** How many there are. */
  get size(): number {
    return this.#known.size;
  }

  /** All of them, in the order of their nodes. */
  all(): Member[] {
    return Array.from(this.#known.values(), ({ member }) => member)
      .sort((a, b) => a.node - b.node || a.id - b.id);
  }

  /**
   * The one with a node id. Where two have it, since one comes for one that leaves, the one of that
   * tag, or the one that does not leave.
   */
  get(node: number, tag?: number): Member | undefined {
    let found: Member | undefined;
    for (const { member } of this.#known.values()) {
      if (member.node !== node) continue;
      if (member.tag === tag) return member;
      if (!found || found.state === "draining") found = member;
    }
    return found;
  }

  /** The one with an id. */
  byId(id: number): Member | undefined {
    return this.#known.get(id)?.member;
  }

  /** All that is known of them, for another process. */
  give(): KnownPiece[] {
    return Array.from(this.#known.values(), ({ member, missed }) => ({
      member: { ...member },
      missed,
    }));
  }

  /** Takes that; nobody is told. */
  takeOver(pieces: readonly KnownPiece[]): void {
    for (const { member, missed } of pieces) {
      const known = { ...UNTOLD, ...member };
      this.#known.set(member.id, { member: known, missed });
    }
  }

  /** Calls the listener for each that comes, changes or is gone. */
  onChange(listener: MemberListener): void {
    this.#listeners.push(listener);
  }

  /** The one that has sent a message, also where it has not said hello yet. */
  sender({ node, id }: Pick<MessageHead, "node" | "id">): Member {
    return this.#known.get(id)?.member ?? { ...UNTOLD, node, id };
  }

  /** One has given a sign of life. */
  seen(id: number): void {
    const known = this.#known.get(id);
    if (known) known.missed = 0;
  }

  /** One has said hello. */
  heard({ node, id }: Pick<MessageHead, "node" | "id">, hello: Hello): void {
    const known = this.#known.get(id);
    if (!known) {
      const member = { ...hello, node, id };
      this.#known.set(id, { member, missed: 0 });
      return this.#tell(member, "came");
    }
    const { member } = known;
    const isSame = member.node === node && member.state === hello.state &&
      member.inner === hello.inner && member.outer === hello.outer;
    Object.assign(member, hello, { node });
    if (!isSame) this.#tell(member, "changed");
  }

  /** One has said goodbye. */
  left(id: number): void {
    this.#remove(id, "left");
  }

  /** The one with a node is gone, as the bus has told. */
  gone(node: number): void {
    for (const [id, { member }] of this.#known) {
      if (member.node === node) this.#remove(id, "lost");
    }
  }

  /** A second has gone by in which each had to say hello. */
  age(): void {
    for (const [id, known] of this.#known) {
      if (++known.missed > MISSED_MAX) this.#remove(id, "lost");
    }
  }

  #remove(id: number, why: "left" | "lost"): void {
    const known = this.#known.get(id);
    if (!known) return;
    this.#known.delete(id);
    this.#tell(known.member, why);
  }

  #tell(member: Member, change: MemberChange): void {
    for (const listener of this.#listeners) listener(member, change);
  }
}
