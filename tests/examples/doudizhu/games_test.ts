// Games on a store: who asks whom does not matter, and nothing is done twice.

import { assert, assertEquals } from "@std/assert";
import { decide } from "../../../examples/doudizhu/bots.ts";
import { Games } from "../../../examples/doudizhu/games.ts";
import { Ret } from "../../../examples/doudizhu/messages.ts";
import { violations } from "../../../examples/doudizhu/rules/judge.ts";
import { SqliteStore } from "../../../examples/doudizhu/store/sqlite_store.ts";
import type { Message, Table } from "../../../examples/doudizhu/table.ts";
import { viewOf } from "../../../examples/doudizhu/view.ts";
import { overStores } from "./stores.ts";

const QUICK = { turnMs: 20, botMs: 0, waitMs: 0, afterMs: 0 };

function moveOf(table: Table): (seat: number) => Message {
  const { turn, log } = table;
  const n = log.length;
  const choice = decide(viewOf(table, turn, Date.now()));
  return (seat) =>
    "bid" in choice
      ? { type: "bid", seat, n, bid: choice.bid }
      : { type: "play", seat, n, cards: choice.cards };
}

async function enter(games: Games, ...uids: number[]): Promise<void> {
  for (const uid of uids) await games.enter(uid, `user ${uid}`, `c${uid}`);
}

overStores(
  "all who come at once get a table, three and three, and no two are at the same one twice",
  async (_, open) => {
    const games = [new Games(await open()), new Games(await open())];
    const uids = Array.from({ length: 30 }, (_, i) => i + 1);
    await enter(games[0]!, ...uids);
    await Promise.all(uids.map((uid) => games[uid % 2]!.sit(uid)));
    // Asked again, each gets the same table.
    const tables = await Promise.all(
      uids.map(async (uid) => (await games[uid % 2]!.sit(uid)).table!),
    );
    const sizes = Map.groupBy(tables, ({ id }) => id);
    assertEquals([...sizes.keys()].sort((a, b) => a - b), [
      ...Array.from({ length: 10 }, (_, i) => i + 1),
    ]);
    for (const [, same] of sizes) assertEquals(same.length, 3);
    const seated = new Set(
      [...sizes.values()].flatMap(([table]) =>
        table!.seats.map(({ uid }) => uid)
      ),
    );
    assertEquals(seated.size, 30);
  },
);

overStores(
  "a game goes through two workers, each move delivered to both at once, and each is made once",
  async (_, open) => {
    const [one, other] = [new Games(await open()), new Games(await open())];
    const uids = [1, 2, 3];
    await enter(one, ...uids);
    for (const uid of uids) await other.sit(uid);
    let table = (await one.sit(1)).table!;
    while (table.phase !== "over") {
      const { uid } = table.seats[table.turn]!;
      const make = moveOf(table);
      const n = table.log.length;
      const outcomes = await Promise.all(
        [one, other, one].map((games) => games.play(uid, table.id, make)),
      );
      for (const { ret, table: after } of outcomes) {
        assertEquals(ret, 0);
        assertEquals(after!.log.length, n + 1);
      }
      table = outcomes[1]!.table!;
    }
    const { end } = viewOf(table, 0, Date.now());
    assertEquals(violations(end!), []);
    // What was won is in the accounts, once.
    for (const [seat, { uid }] of table.seats.entries()) {
      const { player } = await one.enter(uid, "x", "y");
      assertEquals(player.score, end!.scores[seat]);
    }
  },
);

overStores(
  "time goes on when those who watch it die: a game of people who do nothing ends",
  async (_, open) => {
    const store = await open();
    const games = new Games(store, QUICK);
    await enter(games, 1, 2, 3);
    for (const uid of [1, 2, 3]) await games.sit(uid);
    const kinds: string[] = [];
    let table: Table | undefined;
    for (
      let now = Date.now() + 100;
      !kinds.includes("forgotten");
      now += 3000
    ) {
      // Each time another one watches, and the one that was told first has died.
      const dead = await store.takeDue(now, now + 2000, 10);
      assertEquals(dead.length, 1);
      const [key] = await store.takeDue(now + 2000, now + 4000, 10);
      assertEquals(key, dead[0]);
      // Until it is really time.
      for (;;) {
        const outcome = await new Games(store, QUICK).time(key!);
        kinds.push(outcome.kind);
        if (outcome.kind !== "nothing") {
          table = outcome.table;
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    assertEquals(violations(viewOf(table!, 0, 0).end!), []);
    assertEquals(await games.look(table!.id), undefined);
  },
);

overStores(
  "who comes back by another connection is not away when the old one ends later",
  async (_, open) => {
    const games = new Games(await open());
    await enter(games, 1, 2, 3);
    for (const uid of [1, 2, 3]) await games.sit(uid);
    const botOf = (table?: Table) =>
      table?.seats.find(({ uid }) => uid === 1)?.bot;
    assertEquals(botOf(await games.gone(1, "c1")), true);
    assertEquals(botOf((await games.enter(1, "one", "new")).table), false);
    assertEquals(await games.gone(1, "c1"), undefined);
    const { table } = await games.sit(1);
    assertEquals(botOf(table), false);
  },
);

overStores(
  "who goes away in the hall does not get a table, who waits gets bots",
  async (_, open) => {
    const games = new Games(await open(), QUICK);
    await enter(games, 1, 2);
    await games.sit(1);
    await games.sit(2);
    await games.gone(1, "c1");
    const outcome = await games.time("hall");
    assert(outcome.kind === "table" && outcome.isNew);
    assertEquals(outcome.table.seats.map(({ uid }) => uid), [2, 0, 0]);
    assertEquals((await games.time("hall")).kind, "nothing");
  },
);

overStores(
  "who goes away while sitting down is not left behind in the hall, and sits nowhere until they are back",
  async (_, open) => {
    const store = await open();
    const games = new Games(store);
    await enter(games, 1);
    let goes = true;
    // The connection ends after all was read, before anything is written.
    const racing = new Games({
      read: (key) => store.read(key),
      takeDue: (...args) => store.takeDue(...args),
      async commit(changes) {
        if (goes) {
          goes = false;
          await games.gone(1, "c1");
        }
        return await store.commit(changes);
      },
      async [Symbol.asyncDispose]() {},
    });
    const away = { ret: Ret.NOT_KNOWN, table: undefined, waiting: 0 };
    assertEquals(await racing.sit(1), away);
    await enter(games, 2);
    assertEquals((await games.sit(2)).waiting, 1);
    // Asked too late, or by somebody of whom the store knows nothing.
    assertEquals(await games.sit(1), away);
    assertEquals(await games.sit(3), away);
    await enter(games, 1);
    assertEquals((await games.sit(1)).waiting, 2);
  },
);

Deno.test("who has left is not at the table any more, sits down elsewhere, and their cards are played", async () => {
  await using store = new SqliteStore(":memory:");
  const games = new Games(store);
  await enter(games, 1, 2, 3);
  for (const uid of [1, 2, 3]) await games.sit(uid);
  const { table } = await games.sit(1);
  const leave = (seat: number): Message => ({ type: "leave", seat });
  const { ret, table: left } = await games.play(1, table!.id, leave);
  assertEquals(ret, 0);
  assertEquals(left!.seats.map(({ bot }) => bot).filter(Boolean).length, 1);
  const again = await games.play(1, table!.id, leave);
  assertEquals(again.ret, Ret.NOT_YOURS);
  assertEquals((await games.play(1, 99, leave)).ret, Ret.NO_TABLE);
  assertEquals(await games.sit(1), {
    ...{ ret: 0, table: undefined, waiting: 1 },
  });
});
