// UsersLine: what the processes or threads of a server tell each other of its users. Each of them
// does once what another has told, also where one takes the place of another meanwhile.

import type { AskOptions, Int64 } from "@maple/box";
import { toInt64 } from "@maple/box";
import type { Logger, Receipt, Relayed, Siblings } from "@maple/box/internal";
import { fromBase64, toBase64 } from "./base64.ts";
import {
  type ReceiptMessage,
  type SiblingAnswers,
  SiblingReceipts,
} from "./sibling_receipts.ts";
import {
  USER_COMMANDS,
  type UserCommand,
  type UserCounters,
} from "./user_commands.ts";

/** What they tell each other; bytes are base64. */
interface UsersMessage
  extends ReceiptMessage, Partial<Readonly<Record<UserCommand, string>>> {
  /** The uid that has logged in; as text, since it may be beyond 2^53. */
  readonly login?: string;
}

/** What a line needs of its users. */
export interface UsersLineOptions {
  /** The others. */
  readonly siblings: Siblings;
  /** Does what another has told; gives what became of it where somebody wants to know. */
  readonly run: (
    what: UserCommand,
    body: Uint8Array,
    isTold: boolean,
  ) => Receipt | undefined;
  /** Unbinds a user that has logged in elsewhere. */
  readonly logout: (uid: Int64) => void;
  /** Where is counted what could not be told. */
  readonly counters: Pick<UserCounters, "relayDropped">;
  /** Where that is said. */
  readonly app: { readonly logger: Logger };
  /** Whether another process has the place of this one, which will take it. */
  readonly standsIn: boolean;
}

/**
 * What the processes or threads of a server tell each other of its users, by way of their master.
 *
 * A process that is to take the place of another does nothing of what others tell before it has its
 * users; it keeps what comes. The other one says with these up to which number it has done it, and
 * does no more then: what is behind that is done here.
 *
 * A uid is logged in once: its connection is that whose login was the last to reach the master.
 * Until a login has come back from there, those of others that come in are older, and do not count.
 */
export class UsersLine {
  readonly #options: UsersLineOptions;
  readonly #receipts: SiblingReceipts;
  // How many logins of a uid are on their way to the master and back.
  readonly #onTheWay = new Map<Int64, number>();
  // Whether the users are those of this process, and whether it does what others tell.
  #owns: boolean;
  #works: boolean;
  // What is done when it works; undefined where it is another's to do.
  #kept: Relayed[] | undefined;
  // The number of the last that was done, here or by the one before.
  #last = 0;
  #told = 0;

  /** Listens from now on. */
  constructor(options: UsersLineOptions) {
    const { siblings, standsIn } = options;
    this.#options = options;
    this.#owns = this.#works = !standsIn;
    this.#receipts = new SiblingReceipts(siblings);
    siblings.onRelayed = (relayed) => this.#hear(relayed);
  }

  /** Grows with what is told to the others, but for answers. */
  get told(): number {
    return this.#told;
  }

  /** The number of the last of all that was told that is done. */
  get last(): number {
    return this.#last;
  }

  /** Tells of a login. */
  login(uid: Int64): void {
    if (!this.#tell({ login: String(uid) }, true)) return;
    this.#onTheWay.set(uid, (this.#onTheWay.get(uid) ?? 0) + 1);
  }

  /** Tells the others to do something. */
  tell(what: UserCommand, body: Uint8Array): boolean {
    return this.#tell({ [what]: toBase64(body) });
  }

  /** The same, and what they tell of it within so many milliseconds. */
  ask(
    what: UserCommand,
    body: Uint8Array,
    { ms, ...options }: AskOptions & { readonly ms: number },
  ): Promise<SiblingAnswers> {
    return this.#receipts.ask(
      (more) => this.#tell({ [what]: toBase64(body), ...more }, true),
      // Here it is done. But while another has the users, that one is asked as well.
      { ...options, ms, hasOwn: this.#owns },
    );
  }

  /**
   * Keeps what others tell from now on. When it resolves all that this one has told before will be
   * done by the one that has the users, if that settles only then.
   */
  async keep(): Promise<void> {
    this.#kept = [];
    await this.#options.siblings.settle();
  }

  /** The users are those of this process; up to a number all is done that was told. */
  takeOver(last: number): void {
    this.#owns = true;
    this.#last = last;
  }

  /** Does what is left of what was kept, and what comes from now on. */
  begin(): void {
    this.#owns = this.#works = true;
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const relayed of kept) this.#work(relayed, false);
  }

  /** Resolves when all is done that was told until now, here and by this one. */
  async settle(): Promise<void> {
    const last = await this.#options.siblings.settle();
    this.#last = Math.max(this.#last, last);
  }

  /** The users are another process's, which does what others tell from now on. */
  letGo(): void {
    this.#owns = this.#works = false;
  }

  #hear(relayed: Relayed): void {
    const { ask, answers } = relayed.message as ReceiptMessage;
    // What this one has asked for nobody else waits.
    const isMine = answers !== undefined || relayed.own && ask !== undefined;
    if (isMine || this.#works) this.#work(relayed, isMine);
    else this.#kept?.push(relayed);
  }

  #work(relayed: Relayed, isMine: boolean): void {
    const isNew = relayed.no > this.#last;
    // The one before has done it, which was faster to hear of it.
    if (!isNew && !isMine) return;
    if (isNew && this.#works) this.#last = relayed.no;
    this.#receipts.heard(relayed, (isTold) => this.#do(relayed, isTold));
  }

  #do({ message, own }: Relayed, isTold: boolean): Receipt | undefined {
    const told = message as UsersMessage;
    if (told.login !== undefined) {
      this.#onLogin(toInt64(BigInt(told.login)), own);
    }
    for (const what of USER_COMMANDS) {
      const body = told[what];
      if (body === undefined) continue;
      return this.#options.run(what, fromBase64(body), isTold);
    }
    return undefined;
  }

  #onLogin(uid: Int64, own: boolean): void {
    const onTheWay = this.#onTheWay.get(uid) ?? 0;
    if (!own) {
      if (onTheWay === 0) this.#options.logout(uid);
    } else if (onTheWay > 1) this.#onTheWay.set(uid, onTheWay - 1);
    else this.#onTheWay.delete(uid);
  }

  #tell(message: UsersMessage, echo = false): boolean {
    const { siblings, counters, app } = this.#options;
    this.#told++;
    if (siblings.tell({ message, echo })) return true;
    counters.relayDropped++;
    const [what] = Object.keys(message);
    app.logger.warn(
      `a ${what} does not reach the users of the other processes: it is too long (3 MB are not), or what was told before is not read`,
    );
    return false;
  }
}
