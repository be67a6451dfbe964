// What can be played from a hand: held against trying all sets of cards.

import { assert, assertEquals } from "@std/assert";
import {
  type Card,
  shuffledDeck,
} from "../../../examples/doudizhu/rules/cards.ts";
import {
  read,
  readings,
} from "../../../examples/doudizhu/rules/combination.ts";
import { plays } from "../../../examples/doudizhu/rules/plays.ts";
import { propertyTest } from "../../helpers/random.ts";
import { cardsOf } from "./cards_of.ts";

function* subsets(hand: readonly Card[]): Generator<Card[]> {
  for (let bits = 1; bits < 2 ** hand.length; bits++) {
    yield hand.filter((_, i) => bits & (1 << i));
  }
}

const kindOf = (cards: readonly Card[], lead?: Parameters<typeof read>[1]) => {
  const { kind, rank, size } = read(cards, lead)!;
  return `${kind} ${rank} ${size}`;
};

propertyTest(
  "plays() finds all kinds, ranks and sizes that trying everything finds, and nothing else",
  (random) => {
    for (let round = 0; round < 100; round++) {
      // Few ranks, so that there is something to play.
      const deck = shuffledDeck((bound) => random.between(0, bound - 1))
        .filter((card) => card < 24 || card > 47);
      const hand = deck.slice(0, random.between(1, 11)).sort((a, b) => b - a);
      const lead = random.between(0, 2) === 0
        ? undefined
        : readings(random.pick([...subsets(deck.slice(20, 26))]))[0];
      const wanted = new Set<string>();
      for (const cards of subsets(hand)) {
        if (read(cards, lead)) wanted.add(kindOf(cards, lead));
      }
      const found = plays(hand, lead);
      for (const cards of found) {
        assert(cards.every((card) => hand.includes(card)));
        assertEquals(new Set(cards).size, cards.length);
      }
      assertEquals(
        [...new Set(found.map((cards) => kindOf(cards, lead)))].sort(),
        [...wanted].sort(),
        `hand ${hand}, lead ${JSON.stringify(lead)}`,
      );
    }
  },
);

Deno.test("plays() gives the cheapest first, bombs last", () => {
  const hand = cardsOf("JOKER joker 9 9 9 9 5 4 3");
  const lead = readings(cardsOf("3"))[0];
  const found = plays(hand, lead).map((cards) => cards.length);
  assertEquals(found[0], 1);
  assertEquals(found.slice(-2), [4, 2]);
});
