// Games: what happens to tables, players and the hall, on a store. Each function reads, works out
// what follows, and writes on the condition that nobody was faster; else it does so again. It keeps
// nothing in memory, so it does not matter which worker is asked.

import {
  Documents,
  type Found,
  HALL,
  type Player,
  playerKey,
  put,
  tableKey,
  tableOf,
} from "./documents.ts";
import { fill, fillDue, type Hall, join, quit, type Seating } from "./hall.ts";
import { Ret } from "./messages.ts";
import { shuffledDeck } from "./rules/cards.ts";
import type { Change, TableStore, Versioned } from "./store/table_store.ts";
import {
  type Message,
  newTable,
  type Outcome,
  step,
  type Table,
  type Times,
  type World,
} from "./table.ts";

/** Settings of {@linkcode Games}. */
export interface GamesOptions extends Times {
  /** After how long in the hall bots fill a table. */
  readonly waitMs: number;
}

/** What people can wait for, in milliseconds. */
export const DEFAULT_TIMES: GamesOptions = {
  ...{ turnMs: 20_000, botMs: 1200, waitMs: 5000, afterMs: 60_000 },
};

/** Whose time has come. */
export type TimeOutcome =
  /** Something has happened at a table, or it was made: all are to be told. */
  | { readonly kind: "table"; readonly table: Table; readonly isNew: boolean }
  /** A table is forgotten. */
  | { readonly kind: "forgotten"; readonly table: Table }
  /** It was not time yet: somebody was faster. */
  | { readonly kind: "nothing" };

/** Games on a store. */
export class Games {
  readonly #store: TableStore;
  readonly #documents: Documents;
  readonly #options: GamesOptions;
  // In one process one at a time goes to the hall: all of them want the same document.
  #atHall: Promise<unknown> = Promise.resolve();

  /** @param store Where everything is. */
  constructor(store: TableStore, options: Partial<GamesOptions> = {}) {
    this.#store = store;
    this.#documents = new Documents(store);
    this.#options = { ...DEFAULT_TIMES, ...options };
  }

  /** A table as it is. */
  async look(id: number): Promise<Table | undefined> {
    return (await this.#documents.table(id)).value;
  }

  /** Whose time has come; they come again after 2 s, unless something has happened to them. */
  due(limit = 200): Promise<string[]> {
    const now = Date.now();
    return this.#store.takeDue(now, now + 2000, limit);
  }

  /**
   * A player is there, by a connection.
   *
   * @returns The player, and the table, also of a game that is over, as long as it is there.
   */
  enter(
    uid: number,
    name: string,
    connection: string,
  ): Promise<{ player: Player; table: Table | undefined }> {
    return this.#until(async () => {
      const before = await this.#documents.player(uid);
      const player = {
        ...{ table: 0, score: 0, ...before.value, name, connection },
      };
      const found = await this.#documents.table(player.table);
      const { change, table = ended(found, uid) } = this.#seated(
        ...[found, uid, "return"] as const,
      );
      const changes = [put(playerKey(uid), before, player), ...change];
      return await this.#store.commit(changes) ? { player, table } : undefined;
    });
  }

  /** A connection is gone: if it is still the player's, the player is away. */
  gone(uid: number, connection: string): Promise<Table | undefined> {
    return this.#until(async () => {
      const before = await this.#documents.player(uid);
      if (before.value?.connection !== connection) return { table: undefined };
      const player = { ...before.value, connection: "" };
      const found = await this.#documents.table(player.table);
      const { change, table } = this.#seated(found, uid, "away");
      const changes = [
        ...[put(playerKey(uid), before, player), ...change],
        ...await this.#outOfHall(uid),
      ];
      return await this.#store.commit(changes) ? { table } : undefined;
    }).then(({ table }) => table);
  }

  /**
   * A player wants to play: at the table of a game that goes on, instead of the bot that does, or
   * waits for a new one. Who is away, or not known, does not.
   *
   * @returns 0 or `Ret.NOT_KNOWN`, the table, if there is one, and how many wait.
   */
  sit(
    uid: number,
  ): Promise<{ ret: number; table: Table | undefined; waiting: number }> {
    return this.#inHall<
      { ret: number; table: Table | undefined; waiting: number }
    >(
      async (hall) => {
        const before = await this.#documents.player(uid);
        const player = before.value;
        if (!player?.connection) {
          return { ret: Ret.NOT_KNOWN, table: undefined, waiting: 0 };
        }
        const found = await this.#documents.table(player.table);
        const { table, change } = this.#seated(found, uid, "return");
        if (table) {
          const isDone = change.length === 0 ||
            await this.#store.commit(change);
          return isDone ? { ret: 0, table, waiting: 0 } : undefined;
        }
        const { name } = player;
        const seating = join(hall.value, { uid, name, since: Date.now() });
        // Who goes away at this moment is not left behind in the hall.
        const still = seating.players
          ? []
          : [put(playerKey(uid), before, player)];
        const made = await this.#seat(hall, seating, still);
        const waiting = seating.hall.waiting.length;
        return made && { ret: 0, ...made, waiting };
      },
    );
  }

  /**
   * A player's message to a table.
   *
   * @param make Makes it, for the seat of the player.
   */
  play(
    uid: number,
    id: number,
    make: (seat: number) => Message,
  ): Promise<{ ret: number; table: Table | undefined }> {
    return this.#until<{ ret: number; table: Table | undefined }>(async () => {
      const found = await this.#documents.table(id);
      if (!found.value) return { ret: Ret.NO_TABLE, table: undefined };
      const seat = seatOf(found.value, uid);
      if (seat < 0) return { ret: Ret.NOT_YOURS, table: undefined };
      const message = make(seat);
      const outcome = step(found.value, message, this.#world());
      if (outcome.table === found.value) return outcome;
      const changes = await this.#changes(found, outcome);
      if (message.type === "leave") changes.push(...await this.#away(uid, id));
      return await this.#store.commit(changes) ? outcome : undefined;
    });
  }

  /** The time of a document is over, as {@linkcode Games.due} has told. */
  time(key: string): Promise<TimeOutcome> {
    if (key === HALL) return this.#fill();
    const id = tableOf(key);
    return this.#until<TimeOutcome>(async () => {
      const found = await this.#documents.table(id);
      const table = found.value;
      if (!table || Date.now() < table.due) return { kind: "nothing" };
      if (table.phase === "over") {
        const { version } = found;
        const gone = { key, version, value: undefined };
        return await this.#store.commit([gone])
          ? { kind: "forgotten", table }
          : undefined;
      }
      const outcome = step(table, { type: "time" }, this.#world());
      const changes = await this.#changes(found, outcome);
      return await this.#store.commit(changes)
        ? { kind: "table", table: outcome.table, isNew: false }
        : undefined;
    });
  }

  #fill(): Promise<TimeOutcome> {
    return this.#inHall<TimeOutcome>(async (hall) => {
      const seating = fill(hall.value, Date.now(), this.#options.waitMs);
      const made = await this.#seat(hall, seating);
      if (!made) return undefined;
      const { table } = made;
      return table
        ? { kind: "table", table, isNew: true }
        : { kind: "nothing" };
    });
  }

  // Writes what has become of the hall, and the table of those who have got one.
  async #seat(
    hall: Found<Hall>,
    { hall: after, players }: Seating,
    more: readonly Change[] = [],
  ): Promise<{ table: Table | undefined } | undefined> {
    if (after === hall.value) return { table: undefined };
    const due = fillDue(after, this.#options.waitMs);
    const changes = [put(HALL, hall, after, due), ...more];
    let table: Table | undefined;
    if (players) {
      table = newTable(after.tables, players, this.#world());
      const none = { version: 0, value: undefined };
      changes.push(put(tableKey(table.id), none, table, table.due));
      for (const { uid } of players.filter(({ uid }) => uid !== 0)) {
        const before = await this.#documents.player(uid);
        const player = { ...before.value!, table: table.id };
        changes.push(put(playerKey(uid), before, player));
      }
    }
    return await this.#store.commit(changes) ? { table } : undefined;
  }

  // A table after a message; with its last move the players' scores, in the same breath.
  async #changes(
    before: Versioned<Table>,
    { table }: Outcome,
  ): Promise<Change[]> {
    const changes = [put(tableKey(table.id), before, table, table.due)];
    if (table.phase !== "over" || before.value!.phase === "over") {
      return changes;
    }
    for (const [seat, { uid }] of table.seats.entries()) {
      if (uid === 0) continue;
      const found = await this.#documents.player(uid);
      const player = found.value!;
      const score = player.score + table.scores![seat]!;
      changes.push(put(playerKey(uid), found, { ...player, score }));
    }
    return changes;
  }

  async #away(uid: number, id: number): Promise<Change[]> {
    const found = await this.#documents.player(uid);
    if (found.value?.table !== id) return [];
    return [put(playerKey(uid), found, { ...found.value, table: 0 })];
  }

  // What a player's coming or going changes at the table of a game that goes on.
  #seated(
    found: Versioned<Table>,
    uid: number,
    type: "away" | "return",
  ): { table: Table | undefined; change: Change[] } {
    const before = found.value;
    if (!before || !isIn(before, uid)) return { table: undefined, change: [] };
    const seat = seatOf(before, uid);
    const { table } = step(before, { type, seat }, this.#world());
    const change = table === before
      ? []
      : [put(tableKey(table.id), found, table, table.due)];
    return { table, change };
  }

  async #outOfHall(uid: number): Promise<Change[]> {
    const hall = await this.#documents.hall();
    const after = quit(hall.value, uid);
    if (after === hall.value) return [];
    return [put(HALL, hall, after, fillDue(after, this.#options.waitMs))];
  }

  async #inHall<T>(work: (hall: Found<Hall>) => Promise<T | undefined>) {
    const turn = this.#atHall.then(() =>
      this.#until(async () => await work(await this.#documents.hall()))
    );
    this.#atHall = turn.catch(() => {});
    return await turn;
  }

  #world(): World {
    return {
      ...{ now: Date.now(), times: this.#options },
      deck: () => shuffledDeck(secretBelow),
    };
  }

  // Until it could be written: `work` gives undefined when somebody was faster.
  async #until<T>(work: () => Promise<T | undefined>): Promise<T> {
    for (let attempt = 1;; attempt++) {
      const done = await work();
      if (done !== undefined) return done;
      // Those who want the same get apart.
      const most = Math.min(50, 2 ** attempt);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * most));
    }
  }
}

function seatOf({ seats }: Table, uid: number): number {
  return seats.findIndex((seat) => seat.uid === uid && !seat.left);
}

// The table of a game that is over, if the player was in it.
function ended(
  { value: table }: Versioned<Table>,
  uid: number,
): Table | undefined {
  return table && seatOf(table, uid) >= 0 ? table : undefined;
}

// Whether a player is in a game that goes on.
function isIn(table: Table, uid: number): boolean {
  return table.phase !== "over" && seatOf(table, uid) >= 0;
}

// Each number is as likely as any other, and nobody can foresee it.
function secretBelow(bound: number): number {
  const most = 2 ** 32 - 2 ** 32 % bound;
  for (;;) {
    const [number] = crypto.getRandomValues(new Uint32Array(1));
    if (number! < most) return number! % bound;
  }
}
