// How a bot plays: it sees what a player sees, and no more. It plays for who is away, fills a table
// at which one is missing, and is the player of the crowd.

import { countRanks, Rank, rankOf } from "./rules/cards.ts";
import type { Card } from "./rules/cards.ts";
import { isBomb } from "./rules/score.ts";
import { plays } from "./rules/plays.ts";
import { read } from "./rules/combination.ts";
import type { View } from "./view.ts";

/** What a bot does: it bids, or plays cards, of which none is to pass. */
export type Choice = { readonly bid: number } | { readonly cards: Card[] };

// From how few cards on another one is about to win.
const FEW = 4;

/** What to do in one's turn. */
export function decide(view: View): Choice {
  return view.phase === "bid" ? { bid: chooseBid(view) } : {
    cards: view.lead ? follow(view) : lead(view),
  };
}

function chooseBid({ hand, bid }: View): number {
  const counts = countRanks(hand);
  const bombs = counts.filter((count) => count === 4).length;
  const strength = 4 * counts[Rank.BIG_JOKER]! + 3 * counts[Rank.SMALL_JOKER]! +
    2 * counts[Rank.TWO]! + counts[Rank.ACE]! + 3 * bombs;
  const wanted = strength >= 8 ? 3 : strength >= 6 ? 2 : strength >= 4 ? 1 : 0;
  return wanted > bid ? wanted : 0;
}

// Gets rid of the lowest card, together with as many as go with it.
function lead(view: View): Card[] {
  const { hand } = view;
  const all = plays(hand);
  const whole = all.find((cards) => cards.length === hand.length);
  if (whole) return whole;
  const gentle = all.filter((cards) => !isBomb(read(cards)!));
  const choices = gentle.length > 0 ? gentle : all;
  if (others(view).some((seat) => view.seats[seat]!.cards === 1)) {
    const several = choices.filter((cards) => cards.length > 1);
    return several[0] ?? choices.toSorted((a, b) => b[0]! - a[0]!)[0]!;
  }
  const lowest = rankOf(hand.at(-1)!);
  const withLowest = choices.filter((cards) =>
    cards.some((card) => rankOf(card) === lowest)
  );
  return withLowest.reduce((best, cards) =>
    cards.length > best.length ? cards : best
  );
}

function follow(view: View): Card[] {
  const { hand, seats } = view;
  const lead = view.lead!;
  const all = plays(hand, lead.as);
  const whole = all.find((cards) => cards.length === hand.length);
  if (whole) return whole;
  const isFoe = others(view).includes(lead.seat);
  if (!isFoe) return [];
  const urgent = hand.length <= 2 * FEW || seats[lead.seat]!.cards <= FEW;
  const choice = all.find((cards) => {
    const as = read(cards, lead.as)!;
    return urgent || !isBomb(as);
  });
  return choice ?? [];
}

// Those who play against this seat.
function others({ you, landlord }: View): number[] {
  return [0, 1, 2].filter((seat) =>
    seat !== you && (you === landlord || seat === landlord)
  );
}
