// FanOut: sends messages to many, in slices of a turn of the event loop, so that all else has its
// turn meanwhile.
//
// What a session gets is what it would get if each message went to all at once when it came: before
// something else is sent to a session, or it changes its user or its groups, it is given what is
// still on its way to it. So nothing overtakes, and who joins afterwards is not in the audience.

import { type Audience, GroupsAudience, UsersAudience } from "./audience.ts";
import type { GroupMember, GroupTable } from "./group_table.ts";
import type { GroupMessage } from "./groups_body.ts";
import {
  hasBits,
  type SessionTable,
  type TableSession,
} from "./session_table.ts";
import { SpecialUid, type UserMessage } from "./users_body.ts";

/** What a fan-out needs of a session. */
export interface FanSession extends TableSession, GroupMember {
  /** The fan-out's: the last message that it has been given, or was not for it. */
  fan: number;
}

/** What a {@linkcode FanOut} works with. */
export interface FanOutOptions<S extends FanSession> {
  /** All sessions. */
  readonly sessions: SessionTable<S>;
  /** Their groups. */
  readonly groups: GroupTable<S>;
  /** Sends a session a message; whether it was taken. */
  readonly send: (session: S, message: Uint8Array) => boolean;
  /** Calls `work` when all others who have something to do have had their turn. */
  readonly afterOthers: (work: () => void) => void;
  /**
   * How many bytes may be on their way to their receivers, each message counted for each of these,
   * and as {@linkcode SMALL_BYTES} where it is smaller. Looked at each time.
   */
  readonly maxBytes: () => number;
}

/** Told when a message was sent to all: how many sessions have taken it. */
export type OnSent = (taken: number) => void;

/** A message on its way. */
interface Sending<S> {
  readonly no: number;
  readonly message: Uint8Array;
  readonly audience: Audience<S>;
  /** What it counts as for each receiver, and for those who have not got it yet. */
  readonly unit: number;
  bytes: number;
  readonly onSent: OnSent | undefined;
  taken: number;
}

/** A smaller message costs as much to send as one of so many bytes. */
export const SMALL_BYTES = 512;
// To so many a message goes at once.
const AT_ONCE = 128;
// What one slice does at most: sessions that are written to, messages, bytes, and sessions that are
// looked at.
const SLICE = {
  sessions: 64,
  messages: 2048,
  bytes: 1024 * 1024,
  looks: 8192,
};
const NOBODY = 0;

/** The messages to many of a server. */
export class FanOut<S extends FanSession> {
  readonly #options: FanOutOptions<S>;
  // The oldest first.
  #sending: Sending<S>[] = [];
  #lastNo = 0;
  #bytes = 0;
  #sentMessages = 0;
  #sentBytes = 0;
  #scheduled = false;
  #waiters: (() => void)[] = [];

  /** Nothing is on its way. */
  constructor(options: FanOutOptions<S>) {
    this.#options = options;
  }

  /** Whether something is on its way: `settle` matters. */
  get busy(): boolean {
    return this.#sending.length > 0;
  }

  /** How many bytes are on their way, as `maxBytes` counts them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a message to many is to wait, see {@linkcode FanOut.whenRoom}. */
  get isFull(): boolean {
    return this.#bytes >= this.#options.maxBytes();
  }

  /** Calls `work` when it is not full any more; one after the other, while that is so. */
  whenRoom(work: () => void): void {
    this.#waiters.push(work);
  }

  /** Calls `work` when all others who have something to do have had their turn. */
  afterOthers(work: () => void): void {
    this.#options.afterOthers(work);
  }

  /** Whether a message to users goes to so many that it is sent in slices. */
  isForMany({ uids }: Pick<UserMessage, "uids">): boolean {
    return this.#reach(uids) > AT_ONCE;
  }

  /** Whether a message to groups does. */
  isForManyOf({ names }: Pick<GroupMessage, "names">): boolean {
    return this.#members(names) > AT_ONCE;
  }

  /** A session has come: what is on its way is not for it. */
  enter(session: S): void {
    session.fan = this.#lastNo;
  }

  /** Sends a message to users; `row.buf` is copied where it is not sent at once. */
  toUsers(row: UserMessage, onSent?: OnSent): void {
    const { sessions } = this.#options;
    if (this.isForMany(row)) {
      this.#begin(row.buf, new UsersAudience(sessions, row), onSent);
      return;
    }
    let taken = 0;
    sessions.forEachSelected(row, (session) => {
      if (this.#sendNow(session, row.buf)) taken++;
    });
    onSent?.(taken);
  }

  /** Sends a message to groups; who is in several of them gets it once. */
  toGroups(row: GroupMessage, onSent?: OnSent): void {
    if (this.isForManyOf(row)) {
      const audience = new GroupsAudience(this.#options.groups, row);
      this.#begin(row.buf, audience, onSent);
      return;
    }
    const { names, exclude } = row;
    const taken = names.length === 1 && exclude.length === 0
      ? this.#toGroup(names[0]!, row)
      : this.#toFew(new GroupsAudience(this.#options.groups, row), row.buf);
    onSent?.(taken);
  }

  /** Gives a session what is on its way to it: to be called before anything else is. */
  settle(session: S): void {
    const { fan } = session;
    if (fan === this.#lastNo) return;
    // What is sent may close it, and what is told of that must find it settled.
    session.fan = this.#lastNo;
    for (const sending of this.#sending) {
      if (sending.no <= fan || !sending.audience.has(session)) continue;
      sending.bytes -= sending.unit;
      this.#bytes -= sending.unit;
      if (this.#options.send(session, sending.message)) sending.taken++;
      this.#sentMessages++;
      this.#sentBytes += sending.message.length;
    }
  }

  /** Sends all that is on its way now. */
  finish(): void {
    while (this.busy) this.#slice();
  }

  // The usual case: nothing is made for it.
  #toGroup(name: string, { buf, userdata }: GroupMessage): number {
    let taken = 0;
    let at = this.#options.groups.get(name)?.first ?? null;
    for (; at; at = at.next) {
      if (!at.group) continue;
      const session = at.member as S;
      if (!hasBits(session.userdata, userdata)) continue;
      if (this.#sendNow(session, buf)) taken++;
    }
    return taken;
  }

  // Each once, however often it comes.
  #toFew(audience: Audience<S>, message: Uint8Array): number {
    const no = ++this.#lastNo;
    let taken = 0;
    for (let session; (session = audience.next());) {
      if (session.fan === no || !audience.has(session)) continue;
      if (this.#sendNow(session, message)) taken++;
      session.fan = no;
    }
    return taken;
  }

  #sendNow(session: S, message: Uint8Array): boolean {
    if (this.busy) this.settle(session);
    return this.#options.send(session, message);
  }

  #begin(
    message: Uint8Array,
    audience: Audience<S>,
    onSent: OnSent | undefined,
  ): void {
    const unit = Math.max(SMALL_BYTES, message.length);
    const bytes = audience.size * unit;
    this.#sending.push({
      no: ++this.#lastNo,
      message: message.slice(),
      audience,
      unit,
      bytes,
      onSent,
      taken: 0,
    });
    this.#bytes += bytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Behind what came together with it, which may be for the same sessions.
    queueMicrotask(this.#turn);
  }

  readonly #turn = (): void => {
    this.#slice();
    this.#scheduled = this.busy;
    if (this.#scheduled) this.#options.afterOthers(this.#turn);
  };

  #slice(): void {
    this.#send();
    while (this.#waiters.length > 0 && !this.isFull) this.#waiters.shift()!();
  }

  // Goes through the audience of the oldest message; whom it meets gets the younger ones as well.
  #send(): void {
    let looks = 0;
    let sessions = 0;
    this.#sentMessages = this.#sentBytes = 0;
    while (this.busy && looks < SLICE.looks) {
      const oldest = this.#sending[0]!;
      const session = oldest.audience.next();
      looks++;
      if (!session) {
        this.#end(oldest);
        continue;
      }
      if (session.fan >= oldest.no) continue;
      this.settle(session);
      if (
        ++sessions >= SLICE.sessions ||
        this.#sentMessages >= SLICE.messages || this.#sentBytes >= SLICE.bytes
      ) return;
    }
  }

  #end({ bytes, onSent, taken }: Sending<S>): void {
    this.#sending.shift();
    this.#bytes -= bytes;
    onSent?.(taken);
  }

  // How many sessions a list of uids means, at most.
  #reach(uids: UserMessage["uids"]): number {
    const { sessions } = this.#options;
    let reach = 0;
    for (const uid of uids) {
      if (uid > NOBODY) reach++;
      else {reach += uid === SpecialUid.LOGGED_IN
          ? sessions.users
          : sessions.size;}
    }
    return reach;
  }

  #members(names: readonly string[]): number {
    const { groups } = this.#options;
    let members = 0;
    for (const name of names) members += groups.size(name);
    return members;
  }
}
