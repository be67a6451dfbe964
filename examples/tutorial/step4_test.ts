// Step 4: tests, of the rules alone and of the server without a socket.
//
//   deno test -A examples/tutorial/step4_test.ts

import { assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { Haven } from "@maple/haven";
import { testClient } from "@maple/haven/testing";
import {
  EMPTY,
  play,
  sit,
  type Table,
  type View,
  viewOf,
} from "./step2_rules.ts";
import { Cmd, MemoryStore, registerGame, Ret } from "./step3_game.ts";

const DECK = Array.from({ length: 20 }, (_, index) => 20 - index);

function bothSit(): Table {
  return sit(sit(EMPTY, 1, DECK)!, 2, DECK)!;
}

Deno.test("the higher card takes the trick", () => {
  const [one, two] = bothSit().seats;
  assertEquals(one!.hand, [20, 19, 18, 17, 16]);
  assertEquals(two!.hand, [15, 14, 13, 12, 11]);
  const table = play(play(bothSit(), 2, 15)!, 1, 16)!;
  assertEquals(table.seats.map(({ tricks }) => tricks), [1, 0]);
});

Deno.test("nobody plays twice, or a card of somebody else", () => {
  const table = play(bothSit(), 1, 20)!;
  assertEquals(play(table, 1, 19), undefined);
  assertEquals(play(table, 2, 19), undefined);
  assertEquals(play(sit(EMPTY, 1, DECK)!, 1, 20), undefined);
});

Deno.test("nobody sees what the other holds or has played", () => {
  const table = play(bothSit(), 1, 20)!;
  assertEquals(viewOf(table, 2)?.rival, { uid: 1, hasPlayed: true, tricks: 0 });
});

Deno.test("two play to the end, and a third one is not let in", async () => {
  await using app = new Haven(Box);
  registerGame(app, new MemoryStore());
  const players = [testClient(app), testClient(app)];
  const views: View[] = [];
  for (const [seat, player] of players.entries()) {
    player.on(Cmd.TABLE, (box) => views[seat] = box.json());
    await player.request({ cmd: Cmd.SIT, body: { uid: seat + 1 } });
  }
  const third = testClient(app);
  const { ret } = await third.request({ cmd: Cmd.SIT, body: { uid: 3 } });
  assertEquals(ret, Ret.FULL);

  for (let trick = 0; trick < 5; trick++) {
    for (const [seat, player] of players.entries()) {
      const body = { card: views[seat]!.hand[0] };
      assertEquals((await player.request({ cmd: Cmd.PLAY, body })).ret, 0);
      assertEquals(
        (await player.request({ cmd: Cmd.PLAY, body })).ret,
        Ret.NOT_NOW,
      );
    }
  }
  for (const player of players) await player.readAll();
  assertEquals(views.map(({ over }) => over), [true, true]);
  assertEquals(views[0]!.tricks + views[1]!.tricks, 5);
});
