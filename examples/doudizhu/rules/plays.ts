// What can be played from a hand: for the page's hint and for bots.

import { type Card, countRanks, Rank, rankOf } from "./cards.ts";
import {
  type Combination,
  type Kind,
  leastRanks,
  read,
} from "./combination.ts";

/**
 * What can be played from a hand, the cheapest first: of cards of the same rank any, of wings the
 * cheapest that there are. So it is not all, but there is something whenever anything can be
 * played.
 *
 * @param lead What is to be beaten; none for who leads.
 */
export function plays(hand: readonly Card[], lead?: Combination): Card[][] {
  const counts = countRanks(hand);
  const found: { cards: Card[]; cost: number }[] = [];
  for (const cards of candidates(hand, counts)) {
    const as = read(cards, lead);
    if (as) found.push({ cards, cost: cost(as, cards, counts) });
  }
  return found.sort((a, b) => a.cost - b.cost).map(({ cards }) => cards);
}

// Bombs last; then low ranks first, and rather what breaks nothing up.
function cost(
  { kind, rank }: Combination,
  cards: readonly Card[],
  counts: readonly number[],
): number {
  const used = countRanks(cards);
  const broken = used.filter((n, i) => n > 0 && n < counts[i]!).length;
  const bomb = kind === "rocket" ? 2000 : kind === "bomb" ? 1000 : 0;
  return bomb + rank + 4 * broken;
}

function* candidates(
  hand: readonly Card[],
  counts: readonly number[],
): Generator<Card[]> {
  const take = (rank: number, n: number) =>
    hand.filter((card) => rankOf(card) === rank).slice(-n);
  for (const [rank, count] of counts.entries()) {
    for (let n = 1; n <= Math.min(count, 4); n++) yield take(rank, n);
    if (count >= 3) yield* bodyWithWings(hand, take(rank, 3), 1);
    if (count === 4) yield* bodyWithWings(hand, take(rank, 4), 2);
  }
  yield hand.filter((card) => rankOf(card) >= Rank.SMALL_JOKER);
  const kinds: [Kind & ("straight" | "pairs" | "plane"), number][] = [
    ["straight", 1],
    ["pairs", 2],
    ["plane", 3],
  ];
  for (const [kind, width] of kinds) {
    for (let from = 0; from <= Rank.ACE; from++) {
      const cards: Card[] = [];
      for (let rank = from; rank <= Rank.ACE; rank++) {
        if (counts[rank]! < width) break;
        cards.push(...take(rank, width));
        const length = rank - from + 1;
        if (length < leastRanks(kind)) continue;
        yield [...cards];
        if (kind === "plane") yield* bodyWithWings(hand, cards, length);
      }
    }
  }
}

// A body with so many single cards, and with so many pairs.
function* bodyWithWings(
  hand: readonly Card[],
  body: readonly Card[],
  wings: number,
): Generator<Card[]> {
  const ranks = new Set(body.map(rankOf));
  const rest = hand.filter((card) => !ranks.has(rankOf(card)));
  const counts = countRanks(rest);
  const cheapest = [...counts.keys()].filter((rank) => counts[rank]! > 0)
    .sort((a, b) => wingCost(a, counts) - wingCost(b, counts));
  const of = (rank: number) => rest.filter((card) => rankOf(card) === rank);
  const singles = cheapest.flatMap(of)
    // One joker at most.
    .filter((card, _, all) =>
      rankOf(card) !== Rank.BIG_JOKER ||
      !all.some((other) => rankOf(other) === Rank.SMALL_JOKER)
    ).slice(0, wings);
  if (singles.length === wings) yield [...body, ...singles];
  const pairs = cheapest.filter((rank) => counts[rank]! >= 2).slice(0, wings);
  if (pairs.length === wings) {
    yield [...body, ...pairs.flatMap((rank) => of(rank).slice(0, 2))];
  }
}

function wingCost(rank: number, counts: readonly number[]): number {
  return rank + 6 * counts[rank]! + (rank >= Rank.TWO ? 20 : 0);
}
