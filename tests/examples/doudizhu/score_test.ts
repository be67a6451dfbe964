// Who wins how much.

import { assertEquals } from "@std/assert";
import { scores } from "../../../examples/doudizhu/rules/score.ts";

const GAMES: [what: string, Parameters<typeof scores>[0], number[]][] = [
  [
    "the landlord",
    { bid: 2, landlord: 0, winner: 0, bombs: 0, plays: [5, 3, 2] },
    [4, -2, -2],
  ],
  [
    "the others",
    { bid: 3, landlord: 1, winner: 2, bombs: 0, plays: [3, 4, 5] },
    [3, -6, 3],
  ],
  [
    "the landlord with two bombs",
    { bid: 1, landlord: 2, winner: 2, bombs: 2, plays: [1, 1, 5] },
    [-4, -4, 8],
  ],
  [
    "the landlord before the others have played: a spring",
    { bid: 3, landlord: 0, winner: 0, bombs: 1, plays: [6, 0, 0] },
    [24, -12, -12],
  ],
  [
    "the others after one play of the landlord: a spring",
    { bid: 1, landlord: 0, winner: 1, bombs: 0, plays: [1, 5, 4] },
    [-4, 2, 2],
  ],
];

for (const [what, game, expected] of GAMES) {
  Deno.test(`scores(): won by ${what}`, () => {
    assertEquals(scores(game), expected);
  });
}
