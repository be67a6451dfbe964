// The handlers, in memory: what players ask and what they are told.

import { assert, assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { testClient } from "@maple/haven/testing";
import { Worker } from "@maple/worker";
import {
  Cmd,
  Ret,
  type SitAnswer,
} from "../../../examples/doudizhu/messages.ts";
import { violations } from "../../../examples/doudizhu/rules/judge.ts";
import { SqliteStore } from "../../../examples/doudizhu/store/sqlite_store.ts";
import {
  registerTables,
  type TablesOptions,
} from "../../../examples/doudizhu/worker.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { PlayerAt, type PlayerClient } from "./player.ts";

function appWith(options: Partial<TablesOptions> = {}): Worker {
  const app = new Worker(Box, { logger: new LogCollector() });
  const open = () => Promise.resolve(new SqliteStore(":memory:"));
  registerTables(app, { open, ...options });
  return app;
}

function playerOf(app: Worker, name: string): PlayerAt {
  return new PlayerAt(name, testClient(app) as unknown as PlayerClient);
}

async function seatThree(app: Worker): Promise<PlayerAt[]> {
  const players = ["ann", "bob", "cai"].map((name) => playerOf(app, name));
  for (const player of players) {
    assertEquals((await player.enter()).ret, 0);
    await player.ask(Cmd.SIT);
  }
  for (const player of players) await player.sees("a table", () => true);
  return players;
}

Deno.test("three players who send every move twice play a whole game, and see each other's moves", async () => {
  await using app = appWith();
  const players = await seatThree(app);
  for (;;) {
    const { n, phase, turn } = players[0]!.view;
    if (phase === "over") break;
    const player = players.find(({ view }) => view.you === turn)!;
    assertEquals(await player.move(2), [0, 0]);
    for (const one of players) {
      await one.sees(`move ${n}`, (view) => view.n > n);
    }
  }
  for (const { view } of players) assertEquals(violations(view.end!), []);
  // Who comes back then sees how it has ended, and what is in the account.
  const [ann] = players as [PlayerAt];
  const { score, view } = await ann.enter();
  assertEquals(view!.end, ann.view.end);
  assertEquals(score, view!.end!.scores[view!.you]);
  // And who wants to play gets a new table.
  assertEquals((await ann.ask<SitAnswer>(Cmd.SIT)).view, null);
});

Deno.test("nobody sees or plays the cards of others, or without a login; clients cannot say that time is over", async () => {
  await using app = appWith();
  const stranger = playerOf(app, "stranger");
  assertEquals((await stranger.ask(Cmd.SIT)).ret, Ret.ENTER_FIRST);
  assertEquals(
    (await stranger.ask(Cmd.ENTER, { token: "short" })).ret,
    Ret.ENTER_FIRST,
  );
  const players = await seatThree(app);
  await stranger.enter();
  const { table, n, turn } = players[0]!.view;
  const time = { key: `table:${table}` };
  assertEquals((await stranger.ask(Cmd.TIME, time)).ret, Ret.ENTER_FIRST);
  for (
    const [cmd, body] of [
      [Cmd.LOOK, { table }],
      [Cmd.SAY, { table, n: 1, text: "hi" }],
      [Cmd.BID, { table, n, bid: 3 }],
      [Cmd.PLAY, { table, n, cards: [] }],
    ] as const
  ) {
    assertEquals((await stranger.ask(cmd, body)).ret, Ret.NOT_YOURS, `${cmd}`);
  }
  const waits = players.find(({ view }) => view.you !== turn)!;
  assertEquals(
    (await waits.ask(Cmd.BID, { table, n, bid: 3 })).ret,
    Ret.NOT_NOW,
  );
  for (const body of [{ bid: "3" }, { bid: 4 }, {}]) {
    const plays = players.find(({ view }) => view.you === turn)!;
    assertEquals(
      (await plays.ask(Cmd.BID, { table, n, ...body })).ret,
      Ret.AGAINST_RULES,
    );
  }
  for (const cards of [[54], [1, 1], "all", [0.5], null]) {
    assertEquals(
      (await waits.ask(Cmd.PLAY, { table, n, cards })).ret,
      Ret.AGAINST_RULES,
    );
  }
  const hands = new Set(players.map(({ view }) => view.hand.join()));
  assertEquals(hands.size, 3);
});

Deno.test("who comes back in the middle of a game has the whole table again", async () => {
  await using app = appWith();
  const players = await seatThree(app);
  const [ann] = players as [PlayerAt];
  const { view: before } = ann;
  const again = playerOf(app, "ann");
  const { view, ret } = await again.enter();
  assertEquals(ret, 0);
  for (const name of ["table", "n", "you", "hand", "phase", "seats"] as const) {
    assertEquals(view![name], before[name]);
  }
  // Waiting for a table while sitting at one gives that.
  const sat = await again.ask<SitAnswer>(Cmd.SIT);
  assertEquals(sat.view?.table, before.table);
});

Deno.test("chat reaches the table and nobody else", async () => {
  await using app = appWith();
  const players = await seatThree(app);
  const [ann] = players as [PlayerAt];
  const { table, you } = ann.view;
  const other = playerOf(app, "dan");
  await other.enter();
  assertEquals(
    (await ann.ask(Cmd.SAY, { table, n: 1, text: " 快 点 \n" })).ret,
    0,
  );
  for (const { chat } of players) {
    await eventually(() => chat.length === 1);
    assertEquals([chat[0]!.seat, chat[0]!.text], [you, "快 点"]);
  }
  assertEquals(other.chat, []);
});

Deno.test("with nobody else there, bots fill the table; who does nothing is played by one, to the end", async () => {
  await using app = appWith({
    ...{ waitMs: 10, turnMs: 10, botMs: 1, afterMs: 10 },
    sweepSeconds: 0.01,
  });
  const ann = playerOf(app, "ann");
  await ann.enter();
  assertEquals((await ann.ask<SitAnswer>(Cmd.SIT)).waiting, 1);
  const { seats } = await ann.sees("the table", () => true);
  assertEquals(seats.filter(({ name }) => name.startsWith("🤖")).length, 2);
  const { end } = await ann.sees("the end", ({ phase }) => phase === "over");
  assertEquals(violations(end!), []);
  // And then it is forgotten.
  const { table } = ann.view;
  await eventually(async () =>
    (await ann.ask(Cmd.LOOK, { table })).ret === Ret.NO_TABLE
  );
});

Deno.test("who leaves is played by a bot, hears no more of the table, and may sit down elsewhere", async () => {
  await using app = appWith({ botMs: 1 });
  const players = await seatThree(app);
  const ann = players.find(({ view }) => view.you === view.turn)!;
  const bob = players.find((player) => player !== ann)!;
  const { n, you, table } = ann.view;
  assertEquals((await ann.ask(Cmd.LEAVE, { table })).ret, 0);
  assertEquals((await ann.ask(Cmd.LEAVE, { table })).ret, 0);
  const view = await bob.sees("the bot's move", (view) => view.n > n);
  assert(view.seats[you]!.bot);
  assertEquals(ann.view.n, n);
  assertEquals((await ann.ask<SitAnswer>(Cmd.SIT)).waiting, 1);
});
