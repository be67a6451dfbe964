// cardsOf: cards by the names of their ranks.

import {
  type Card,
  RANK_NAMES,
  rankOf,
} from "../../../examples/doudizhu/rules/cards.ts";

/** Cards by the names of their ranks: "3 3 10 joker". */
export function cardsOf(text: string): Card[] {
  const taken = new Set<Card>();
  return text.split(" ").filter(Boolean).map((name) => {
    const rank = RANK_NAMES.indexOf(name as typeof RANK_NAMES[number]);
    const card = Array.from({ length: 54 }, (_, card) => card)
      .find((card) => rankOf(card) === rank && !taken.has(card));
    if (card === undefined) throw new Error(`no card ${name} is left`);
    taken.add(card);
    return card;
  });
}
