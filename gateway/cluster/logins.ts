// Logins: one user, one connection in the whole cluster. Who logs in is told to all gateways with a
// stamp, and who has the user with a lower one does what it does when he logs in anew at the same
// gateway. Nobody asks before a login, so that none ever waits.

import type { Int64 } from "@maple/box";
import type { SessionTable } from "@maple/box/internal";
import type { GatewayCounters } from "../metrics/counters.ts";
import type { ClientSession } from "../outer/client_session.ts";
import type { Cluster } from "./cluster.ts";
import type { Member, Members } from "./members.ts";
import {
  encodeLogins,
  LOGIN_BYTES,
  type LoginRow,
  readLogins,
} from "./login_rows.ts";

/** What it needs of the cluster. */
export interface LoginsCluster extends
  Pick<
    Cluster,
    | "id"
    | "node"
    | "stamp"
    | "logins"
    | "hasJoined"
    | "isAlone"
    | "publish"
  >,
  Pick<Cluster, "on" | "onBack" | "onHello"> {
  /** Who is there, comes and goes. */
  readonly members: Pick<Members, "onChange" | "size">;
}

/** What {@linkcode Logins} works with. */
export interface LoginsOptions {
  /** Whom it is told to, and who tells. */
  readonly cluster: LoginsCluster;
  /** Who is logged in. */
  readonly sessions: SessionTable<ClientSession>;
  /** What is counted. */
  readonly counters: Pick<GatewayCounters, "clusterDropped" | "clusterMoved">;
  /** Calls `work` when all others who have something to do have had their turn. */
  readonly afterOthers: (work: () => void) => void;
  /** Milliseconds over which all are told again. @default {10_000} */
  readonly spreadMs?: number;
}

/** What of it goes to the process that takes the place of this one. */
export interface LoginsPiece {
  /** How many messages have come of each gateway, by its id. */
  readonly heardOf: readonly (readonly [id: number, count: number])[];
  /** Whether all have to be told again. */
  readonly again: boolean;
}

// What one message tells: 64 KiB.
const ROWS_MAX = 64 * 1024 / LOGIN_BYTES;
// What the bus has not taken is tried again so much later.
const RETRY_MS = 1000;
const SPREAD_MS = 10_000;
// In so many steps all are told again.
const STEPS = 100;
// With so few others each turn has its message: there is no bus that minds.
const FEW = 20;

/**
 * Milliseconds over which a gateway gathers logins before it tells them. A message goes to all
 * others, so that what the bus carries would grow with the square of their number.
 */
export function gatherMs(others: number): number {
  return others > FEW ? others : 0;
}

/** Makes a user have one connection in the whole cluster. */
export class Logins {
  readonly #options: LoginsOptions;
  // Whose logins are still to be told: each connection at most once.
  readonly #due = new Set<ClientSession>();
  // How many messages have come of each gateway, with those that were sent before it was heard of.
  readonly #heardOf = new Map<number, number>();
  #scheduled = false;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #round: ReturnType<typeof setInterval> | undefined;
  #again = false;

  /** Takes what others tell from now on. */
  constructor(options: LoginsOptions) {
    this.#options = options;
    const { cluster } = options;
    cluster.on("logins", (body, from) => this.#take(body, from));
    cluster.onBack(() => this.#tellAll());
    cluster.onHello((id, { logins }) => this.#compare(id, logins));
    cluster.members.onChange(({ id }, change) => {
      if (change === "left" || change === "lost") this.#heardOf.delete(id);
    });
  }

  /** Another user is logged in on a connection, or none. */
  changed(session: ClientSession): void {
    const { cluster } = this.#options;
    // Of one that is taken over the others know.
    if (session.uid === 0 || !cluster.hasJoined) return;
    session.loginStamp = cluster.stamp = Math.max(
      Date.now(),
      cluster.stamp + 1,
    );
    this.#tell(session);
  }

  /** Tells at once what is still to be told, as far as the bus takes it. */
  finish(): void {
    if (this.#scheduled) this.#flush();
  }

  /** What is known beside the stamps of the sessions, for another process. */
  give(): LoginsPiece {
    return {
      heardOf: [...this.#heardOf],
      again: this.#round !== undefined || this.#due.size > 0,
    };
  }

  /** Takes that; gives what is to be done when all begins. */
  takeOver({ heardOf, again }: LoginsPiece): () => void {
    for (const [id, count] of heardOf) this.#heardOf.set(id, count);
    return () => {
      if (again) this.#tellAll();
    };
  }

  /** Tells nothing any more. */
  close(): void {
    this.#due.clear();
    clearTimeout(this.#gathering);
    clearTimeout(this.#retry);
    clearInterval(this.#round);
  }

  #tell(session: ClientSession): void {
    this.#due.add(session);
    if (this.#scheduled) return;
    this.#scheduled = true;
    const { afterOthers, cluster } = this.#options;
    const ms = gatherMs(cluster.members.size);
    if (ms === 0) afterOthers(this.#turn);
    else this.#gathering = setTimeout(this.#turn, ms);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  #flush(): void {
    const { cluster } = this.#options;
    // When the bus is back, all are told.
    if (cluster.isAlone) this.#due.clear();
    while (this.#due.size > 0) {
      const told: ClientSession[] = [];
      const rows: LoginRow[] = [];
      for (const session of this.#due) {
        told.push(session);
        const { uid, loginStamp: stamp } = session;
        // Others have logged in or out since.
        if (this.#holds(session)) rows.push({ uid, stamp });
        if (rows.length === ROWS_MAX) break;
      }
      if (rows.length > 0) {
        if (!cluster.publish("logins", encodeLogins(rows))) {
          return this.#retryLater();
        }
        cluster.logins++;
      }
      for (const session of told) this.#due.delete(session);
    }
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, RETRY_MS);
  }

  #holds(session: ClientSession): boolean {
    const { sessions } = this.#options;
    return session.uid !== 0 && sessions.ofUser(session.uid) === session;
  }

  #take(body: Uint8Array, { id, node }: Member): void {
    const { clusterDropped } = this.#options.counters;
    const heard = this.#heardOf.get(id);
    if (heard !== undefined) this.#heardOf.set(id, heard + 1);
    const visit = (uid: Int64, stamp: number) =>
      this.#heard({ uid, stamp }, { id, node });
    if (!readLogins(body, visit)) clusterDropped.bad++;
  }

  #heard(
    { uid, stamp }: LoginRow,
    { id, node }: Pick<Member, "id" | "node">,
  ): void {
    const { cluster, sessions, counters } = this.#options;
    if (stamp > cluster.stamp) cluster.stamp = stamp;
    const session = sessions.ofUser(uid);
    if (!session) return;
    const ahead = stamp - session.loginStamp || node - cluster.node ||
      id - cluster.id;
    if (ahead > 0) {
      counters.clusterMoved++;
      sessions.logout(session);
    } // That gateway has not heard of the later login, or not yet.
    else if (ahead < 0) this.#tell(session);
  }

  // A message of it was lost on its way. Where it has told of a user that is here as well, it does
  // so again when it hears of him.
  #compare(id: number, told: number): void {
    const heard = this.#heardOf.get(id);
    this.#heardOf.set(id, told);
    if (heard !== undefined && heard !== told) this.#tellAll();
  }

  // Others may have missed some: all are told again, a few at a time.
  #tellAll(): void {
    this.#again = this.#round !== undefined;
    if (this.#round !== undefined) return;
    const { sessions, spreadMs = SPREAD_MS } = this.#options;
    if (sessions.users === 0) return;
    const all = sessions.loggedIn();
    const perStep = Math.ceil(sessions.users / STEPS);
    let steps = STEPS;
    this.#round = setInterval(() => {
      for (let i = 0; i < perStep; i++) {
        const { value, done } = all.next();
        if (done) steps = 0;
        else this.#due.add(value);
        if (done) break;
      }
      this.#flush();
      if (--steps > 0) return;
      clearInterval(this.#round);
      this.#round = undefined;
      if (this.#again) this.#tellAll();
    }, spreadMs / STEPS);
  }
}
