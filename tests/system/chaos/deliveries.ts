// Deliveries: which messages were sent to whom, which have come, and what is wrong with them.

import type { ChaosEvents } from "./events.ts";
import { GROUPS, type Message, TO_ALL, TO_GROUP } from "./messages.ts";

/** A time in which what is sent may be lost. */
export interface Excuse {
  /** From when on, in milliseconds of `performance.now`. */
  readonly from: number;
  /** Until when; Infinity while it lasts. */
  to: number;
  /** The user that it holds for; undefined for all. */
  readonly user: number | undefined;
}

/** What was sent and must come. */
interface Expected {
  readonly from: number;
  readonly to: number;
  readonly seq: number;
  readonly sentAt: number;
  readonly isSure: boolean;
}

/** What came of the messages. */
export interface DeliverySums {
  /** Messages that must have come, counted once for each user. */
  expected: number;
  /** Messages that came. */
  received: number;
  /** Those that never came. */
  lost: number;
  /** The same while the bus or the user's gateway was away. */
  excused: number;
  /** Those that never came, of which nobody had said that they had gone out. */
  unsure: number;
}

const QUIET_MS = 1500;

/** Which messages were sent to whom, and which have come. */
export class Deliveries {
  /** Messages that came. */
  received = 0;
  /** Messages that came twice. */
  doubled = 0;
  /** Messages that came a second time since a worker was lost, and its task handled anew. */
  repeated = 0;
  /** Messages to somebody else. */
  wrongUser = 0;
  /** Messages that came before an earlier one from there to there. */
  outOfOrder = 0;
  /** The same while the bus was away: what it had kept comes behind what went directly. */
  overtaken = 0;
  readonly #users: number;
  readonly #events: ChaosEvents;
  readonly #expected: Expected[] = [];
  readonly #excuses: Excuse[] = [];
  // For each user, by who has sent to whom: the nonces by number.
  readonly #seen: Map<string, Map<number, number>>[];
  readonly #last: Map<string, number>[];

  /** Of users from 1 to `users`. */
  constructor(users: number, events: ChaosEvents) {
    this.#users = users;
    this.#events = events;
    this.#seen = Array.from({ length: users + 1 }, () => new Map());
    this.#last = Array.from({ length: users + 1 }, () => new Map());
  }

  /**
   * A message was sent and must come to all that it is for.
   *
   * @param isSure Whether a gateway has said that it has it.
   */
  expect(
    { from, to, seq }: Omit<Message, "nonce">,
    sentAt: number,
    isSure: boolean,
  ): void {
    this.#expected.push({ from, to, seq, sentAt, isSure });
  }

  /** What is sent from now on may be lost, until `to` of what is given is set. */
  excuse(from: number, user?: number): Excuse {
    const excuse = { from, to: Infinity, user };
    this.#excuses.push(excuse);
    return excuse;
  }

  /** A user has got a message. */
  arrived(user: number, { from, to, seq, nonce }: Message): void {
    this.received++;
    if (!isFor(user, to)) {
      this.wrongUser++;
      this.#note(user, `got number ${seq} of ${from}, which is for ${to}`);
      return;
    }
    const way = `${from} ${to}`;
    const seen = entry(this.#seen[user]!, way, () => new Map());
    const last = this.#last[user]!.get(way) ?? 0;
    const known = seen.get(seq);
    if (known === nonce) {
      this.doubled++;
      this.#note(user, `got number ${seq} of ${way} twice`);
    } else if (known !== undefined) this.repeated++;
    else if (seq < last && this.#isBusAway()) this.overtaken++;
    else if (seq < last) {
      this.outOfOrder++;
      this.#note(user, `got number ${seq} of ${way} after number ${last}`);
    }
    seen.set(seq, nonce);
    this.#last[user]!.set(way, Math.max(last, seq));
  }

  /** Waits until nothing has come for a while. */
  async untilQuiet(): Promise<void> {
    for (let received = -1; received !== this.received;) {
      ({ received } = this);
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    }
  }

  /** What came of all that was sent. */
  sums(): DeliverySums {
    const sums = {
      expected: 0,
      received: this.received,
      lost: 0,
      excused: 0,
      unsure: 0,
    };
    for (const one of this.#expected) {
      for (const user of this.#usersOf(one.to)) {
        sums.expected++;
        if (this.#seen[user]!.get(`${one.from} ${one.to}`)?.has(one.seq)) {
          continue;
        }
        if (this.#isExcused(one, user)) sums.excused++;
        else if (!one.isSure) sums.unsure++;
        else {
          sums.lost++;
          this.#note(
            user,
            `never got number ${one.seq} of ${one.from} to ${one.to}, sent at ${
              this.#events.clock(one.sentAt)
            }`,
          );
        }
      }
    }
    return sums;
  }

  *#usersOf(to: number): Iterable<number> {
    if (to !== TO_ALL && to < TO_GROUP) return yield to;
    for (let user = 1; user <= this.#users; user++) {
      if (isFor(user, to)) yield user;
    }
  }

  #isExcused({ from, sentAt }: Expected, user: number): boolean {
    return this.#excuses.some((one) =>
      sentAt >= one.from && sentAt <= one.to &&
      (one.user === undefined || one.user === user || one.user === from)
    );
  }

  #isBusAway(): boolean {
    const now = performance.now();
    return this.#excuses.some(({ from, to, user }) =>
      user === undefined && now >= from && now <= to
    );
  }

  #note(user: number, what: string): void {
    this.#events.fault(`USER ${user}: ${what}`);
  }
}

function isFor(user: number, to: number): boolean {
  if (to === TO_ALL) return true;
  return to < TO_GROUP ? to === user : user % GROUPS === to - TO_GROUP;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}
