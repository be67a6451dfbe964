// What may be played together, and what beats what.

import { assertEquals } from "@std/assert";
import { RANK_NAMES } from "../../../examples/doudizhu/rules/cards.ts";
import {
  beats,
  type Combination,
  read,
  readings,
} from "../../../examples/doudizhu/rules/combination.ts";
import { cardsOf } from "./cards_of.ts";

function rows(text: string): string[] {
  return readings(cardsOf(text)).map(({ kind, rank, size }) =>
    `${kind} ${RANK_NAMES[rank]} ${size}`
  );
}

const READ: Record<string, string[]> = {
  "3": ["single 3 1"],
  "JOKER": ["single JOKER 1"],
  "2 2": ["pair 2 2"],
  "joker JOKER": ["rocket joker 2"],
  "3 4": [],
  "2 joker": [],
  "8 8 8": ["triple 8 3"],
  "2 2 2": ["triple 2 3"],
  "8 8 9": [],
  "8 8 8 8": ["bomb 8 4"],
  "8 8 8 9": ["triple+single 8 4"],
  "8 8 8 JOKER": ["triple+single 8 4"],
  "8 8 9 9": [],
  "8 8 8 9 9": ["triple+pair 8 5"],
  "8 8 8 9 10": [],
  "8 8 8 joker JOKER": [],
  "8 8 8 8 9": [],
  "3 4 5 6 7": ["straight 3 5"],
  "10 J Q K A": ["straight 10 5"],
  "J Q K A 2": [],
  "3 4 5 6": [],
  "3 4 5 6 8": [],
  "3 4 5 6 7 8 9 10 J Q K A": ["straight 3 12"],
  "3 3 4 4 5 5": ["pairs 3 6"],
  "Q Q K K A A": ["pairs Q 6"],
  "K K A A 2 2": [],
  "3 3 4 4": [],
  "3 3 3 4 4 4": ["plane 3 6"],
  "A A A 2 2 2": [],
  "3 3 3 5 5 5": [],
  "3 3 3 4 4 4 7 8": ["plane+singles 3 8"],
  "3 3 3 4 4 4 7 7": ["plane+singles 3 8"],
  "3 3 3 4 4 4 joker JOKER": [],
  "3 3 3 4 4 4 3 7": [],
  "3 3 3 4 4 4 7 7 8 8": ["plane+pairs 3 10"],
  "3 3 3 4 4 4 7 7 7 7": [],
  "3 3 3 4 4 4 7 7 8 9": [],
  "3 3 3 4 4 4 5 5 5 6 6 6": [
    "plane 3 12",
    "plane+singles 4 12",
    "plane+singles 3 12",
  ],
  "3 3 3 4 4 4 5 5 5 7 7 7": ["plane+singles 3 12"],
  "4 4 4 4 5 6": ["four+singles 4 6"],
  "4 4 4 4 5 5": ["four+singles 4 6"],
  "4 4 4 4 joker JOKER": [],
  "4 4 4 4 5 5 6 6": ["four+pairs 4 8"],
  "4 4 4 4 5 5 6 7": [],
  "3 3 3 3 4 4 4 4": [],
  "": [],
};

for (const [text, expected] of Object.entries(READ)) {
  Deno.test(`readings() of "${text}": ${expected.join(", ") || "none"}`, () => {
    assertEquals(rows(text), expected);
  });
}

const ORDER: [lower: string, higher: string][] = [
  ["3", "4"],
  ["A", "2"],
  ["2", "joker"],
  ["joker", "JOKER"],
  ["K K", "A A"],
  ["9 9 9 3", "10 10 10 4"],
  ["3 4 5 6 7", "4 5 6 7 8"],
  ["3 3 3 4 4 4 9 10", "5 5 5 6 6 6 3 4"],
  ["4 4 4 4 9 10", "5 5 5 5 3 4"],
  ["2 2", "3 3 3 3"],
  ["A A A 3 3", "3 3 3 3"],
  ["3 3 3 3", "4 4 4 4"],
  ["2 2 2 2", "joker JOKER"],
  ["10 J Q K A", "joker JOKER"],
  ["4 4 4 4 9 10", "3 3 3 3"],
];

for (const [lower, higher] of ORDER) {
  Deno.test(`"${higher}" beats "${lower}", and not the other way`, () => {
    const [low, high] = [lower, higher].map((text) =>
      readings(cardsOf(text))[0]!
    ) as [Combination, Combination];
    assertEquals([beats(high, low), beats(low, high)], [true, false]);
  });
}

const APART: [string, string][] = [
  ["3", "4 4"],
  ["3 4 5 6 7", "4 5 6 7 8 9"],
  ["9 9 9 3", "10 10 10 4 4"],
  ["9 9 9", "10 10 10 4"],
  ["4 4 4 4 9 10", "5 5 5 5 9 9 10 10"],
];

for (const [a, b] of APART) {
  Deno.test(`neither of "${a}" and "${b}" beats the other`, () => {
    const [one, other] = [a, b].map((text) => readings(cardsOf(text))[0]!) as [
      Combination,
      Combination,
    ];
    assertEquals([beats(one, other), beats(other, one)], [false, false]);
  });
}

Deno.test("read() takes of several readings the one that beats what is there", () => {
  const cards = cardsOf("3 3 3 4 4 4 5 5 5 6 6 6");
  assertEquals(read(cards)?.kind, "plane");
  const lead = readings(cardsOf("3 3 3 4 4 4 5 5 5 7 8 9"))[0]!;
  assertEquals(read(cards, lead), { kind: "plane+singles", rank: 1, size: 12 });
});
