// The table as a state machine.

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Ret } from "../../../examples/doudizhu/messages.ts";
import { violations } from "../../../examples/doudizhu/rules/judge.ts";
import {
  type Message,
  step,
  type Table,
} from "../../../examples/doudizhu/table.ts";
import { viewOf } from "../../../examples/doudizhu/view.ts";
import { propertyTest, Random } from "../../helpers/random.ts";
import { nextMove, playing, tableOf, TestWorld, TIMES } from "./world.ts";

function finish(table: Table, world: TestWorld): Table {
  while (table.phase !== "over") {
    const { ret, table: next } = step(table, nextMove(table, world), world);
    assertEquals(ret, 0);
    table = next;
  }
  return table;
}

propertyTest(
  "a whole game: every move applied, judged, and worth nothing in all",
  (random) => {
    for (let round = 0; round < 50; round++) {
      const world = new TestWorld(random);
      const table = finish(tableOf(world), world);
      const { end } = viewOf(table, 0, world.now);
      assertEquals(violations(end!), []);
      assertEquals(end!.scores.reduce((a, b) => a + b), 0);
    }
  },
);

propertyTest(
  "a move that comes as often as it likes is made once",
  (random) => {
    const world = new TestWorld(random);
    let table = tableOf(world);
    while (table.phase !== "over") {
      const move = nextMove(table, world);
      const after = step(table, move, world).table;
      for (const late of [move, { ...move }]) {
        const again = step(after, late, world);
        assertEquals(again.ret, 0);
        assertStrictEquals(again.table, after);
      }
      table = after;
    }
    assertEquals(violations(viewOf(table, 0, world.now).end!), []);
  },
);

Deno.test("another move of the same number, another seat's move, and one that is not next are refused", () => {
  const world = new TestWorld(new Random(1));
  const first = tableOf(world);
  const { turn } = first;
  const bid = (seat: number, n: number, bid: number): Message => ({
    ...{ type: "bid", seat, n, bid },
  });
  const after = step(first, bid(turn, 0, 1), world).table;
  for (
    const message of [
      bid(turn, 0, 2),
      bid((turn + 1) % 3, 0, 1),
      bid(turn, 1, 2),
      bid((turn + 1) % 3, 2, 2),
      { type: "play", seat: (turn + 1) % 3, n: 1, cards: [] } as Message,
    ]
  ) {
    const { ret, table } = step(after, message, world);
    assertEquals(ret, Ret.NOT_NOW);
    assertStrictEquals(table, after);
  }
});

Deno.test("what the rules forbid changes nothing", () => {
  const world = new TestWorld(new Random(2));
  const table = playing(world);
  const { turn, log, hands } = table;
  const foreign = hands[(turn + 1) % 3]!.slice(0, 1);
  for (const cards of [[], foreign, hands[turn]!]) {
    const message: Message = { type: "play", seat: turn, n: log.length, cards };
    const outcome = step(table, message, world);
    assertEquals(outcome.ret, Ret.AGAINST_RULES);
    assertStrictEquals(outcome.table, table);
  }
  const first = tableOf(world);
  for (const bid of [-1, 4, 1.5, NaN]) {
    const message: Message = { type: "bid", seat: first.turn, n: 0, bid };
    assertEquals(step(first, message, world).ret, Ret.AGAINST_RULES);
  }
});

Deno.test("the landlord gets the three cards and leads; when nobody bids it is dealt again", () => {
  const world = new TestWorld(new Random(3));
  const table = playing(world);
  assertEquals([table.phase, table.landlord, table.turn], ["play", 0, 0]);
  assertEquals(table.hands.map((hand) => hand.length), [20, 17, 17]);
  assert(table.deal.bottom.every((card) => table.hands[0]!.includes(card)));

  let passed = tableOf(world);
  const before = passed.deal;
  for (let n = 0; n < 3; n++) {
    const message: Message = { type: "bid", seat: passed.turn, n, bid: 0 };
    passed = step(passed, message, world).table;
  }
  assertEquals([passed.phase, passed.log.length, passed.bids], [
    ...["bid", 3],
    [null, null, null],
  ]);
  assert(JSON.stringify(passed.deal) !== JSON.stringify(before));
  const end = viewOf(finish(passed, world), 0, world.now).end!;
  assertEquals(violations(end), []);
});

Deno.test("who lets the time pass is played by a bot, until the next move of their own", () => {
  const world = new TestWorld(new Random(4));
  const first = playing(world);
  assertEquals(first.due, world.now + TIMES.turnMs);
  world.now = first.due - 1;
  assertStrictEquals(step(first, { type: "time" }, world).table, first);
  world.now = first.due;
  const late = step(first, { type: "time" }, world).table;
  assertEquals([late.log.length, late.seats[0]!.bot], [2, true]);
  // Twice in a row: its time is not over.
  assertStrictEquals(step(late, { type: "time" }, world).table, late);

  let table = late;
  while (table.turn !== 0) {
    table = step(table, nextMove(table, world), world).table;
  }
  assertEquals(table.due, world.now + TIMES.botMs);
  table = step(table, nextMove(table, world), world).table;
  assertEquals(table.seats[0]!.bot, false);
});

Deno.test("a bot goes on for who is away, is gone on return, and who has left is told no more", () => {
  const world = new TestWorld(new Random(5));
  const table = playing(world);
  const away = step(table, { type: "away", seat: 0 }, world).table;
  assertEquals([away.seats[0]!.bot, away.due], [true, world.now + 1000]);
  world.now += 500;
  const back = step(away, { type: "return", seat: 0 }, world).table;
  assertEquals([back.seats[0]!.bot, back.due], [false, world.now + 20_000]);
  assertStrictEquals(
    step(back, { type: "return", seat: 0 }, world).table,
    back,
  );
  const left = step(back, { type: "leave", seat: 1 }, world).table;
  assertEquals(left.seats[1], {
    ...{ uid: 12, name: "user 12", bot: true, left: true },
  });
  // It was not their turn: nobody's time has changed.
  assertEquals(left.due, back.due);
});

propertyTest(
  "a table of bots alone comes to its end by time alone",
  (random) => {
    const world = new TestWorld(random);
    let table = tableOf(world, [0, 0, 0]);
    while (table.phase !== "over") {
      world.now = table.due;
      table = step(table, { type: "time" }, world).table;
    }
    assertEquals(table.due, world.now + TIMES.afterMs);
    assertEquals(violations(viewOf(table, 0, world.now).end!), []);
  },
);

propertyTest("a view holds no card that the player may not see", (random) => {
  const world = new TestWorld(random);
  let table = tableOf(world);
  while (table.phase !== "over") {
    for (const you of [0, 1, 2]) {
      const { hand, end, bottom, ...open } = viewOf(table, you, world.now);
      assertEquals(hand, table.hands[you]);
      assertEquals(end, null);
      assertEquals(bottom !== null, table.landlord !== null);
      const seen = new Set([
        ...open.seats.flatMap(({ last }) => last ?? []),
        ...open.lead?.cards ?? [],
      ]);
      for (const held of table.hands.flat()) assert(!seen.has(held));
    }
    table = step(table, nextMove(table, world), world).table;
  }
});

propertyTest("the judge finds what is against the rules", (random) => {
  const world = new TestWorld(random);
  const table = finish(tableOf(world), world);
  const end = viewOf(table, 0, world.now).end!;
  const { log, scores, deal } = end;
  const plays = log.flatMap(({ cards }, n) => cards?.length ? [n] : []);
  const n = random.pick(plays);
  const without = { ...end, log: log.toSpliced(n, 1) };
  const twice = { ...end, log: log.toSpliced(n, 0, log[n]!) };
  const swapped = {
    ...end,
    log: log.with(n, { ...log[n]!, seat: (log[n]!.seat + 1) % 3 }),
  };
  const marked = {
    ...end,
    deal: { ...deal, bottom: deal.hands[0]!.slice(0, 3) },
  };
  const paid = { ...end, scores: scores.map((score) => 2 * score) };
  for (const wrong of [without, twice, swapped, marked, paid]) {
    assert(violations(wrong).length > 0);
  }
});
