// The judge: plays a finished game once more, by the rules alone, and says what was against them.

import { type Card, type Deal, DECK_SIZE, sorted, without } from "./cards.ts";
import { type Combination, read } from "./combination.ts";
import { isBomb, scores } from "./score.ts";

/** A finished game, from its deal on. */
export interface Record {
  /** What was dealt. */
  readonly deal: Deal;
  /** All moves, in their order. */
  readonly log: readonly {
    readonly seat: number;
    readonly bid?: number;
    readonly cards?: readonly Card[];
  }[];
  /** What each seat is said to have won. */
  readonly scores: readonly number[];
}

/** What was against the rules in a game; nothing in one that was well played. */
export function violations({ deal, log, scores: said }: Record): string[] {
  const found: string[] = [];
  const all = [...deal.hands.flat(), ...deal.bottom];
  if (all.length !== DECK_SIZE || new Set(all).size !== DECK_SIZE) {
    found.push("the deal is not of 54 different cards");
  }
  const hands = deal.hands.map((hand) => [...hand]);
  const bids: (number | undefined)[] = [undefined, undefined, undefined];
  const plays = [0, 0, 0];
  let turn = log[0]?.seat ?? 0;
  let landlord: number | undefined;
  let lead: { seat: number; as: Combination } | undefined;
  let bombs = 0;
  let winner: number | undefined;
  for (const [n, { seat, bid, cards }] of log.entries()) {
    const wrong = (what: string) => found.push(`move ${n}: ${what}`);
    if (winner !== undefined) wrong("the game was over");
    if (seat !== turn) wrong(`it was the turn of seat ${turn}, not ${seat}`);
    turn = (seat + 1) % 3;
    const highest = Math.max(0, ...bids.map((one) => one ?? 0));
    if (bid !== undefined) {
      if (landlord !== undefined) wrong("the bidding was over");
      if (![0, 1, 2, 3].includes(bid) || (bid > 0 && bid <= highest)) {
        wrong(`a bid of ${bid} after ${highest}`);
      }
      bids[seat] = bid;
      if (bid === 3 || !bids.includes(undefined)) {
        landlord = bids.indexOf(Math.max(highest, bid));
        turn = landlord;
        hands[landlord] = sorted([...hands[landlord]!, ...deal.bottom]);
      }
      continue;
    }
    if (landlord === undefined) wrong("cards before the end of the bidding");
    if (!cards || cards.length === 0) {
      if (!lead) wrong("who leads has passed");
      else if (lead.seat === turn) lead = undefined;
      continue;
    }
    const rest = without(hands[seat]!, cards);
    if (!rest) wrong("cards that were not in the hand");
    const as = read(cards, lead?.as);
    if (!as) wrong("cards that may not be played then");
    hands[seat] = rest ?? [];
    plays[seat]!++;
    if (as) {
      lead = { seat, as };
      if (isBomb(as)) bombs++;
    }
    if (hands[seat]!.length === 0) winner = seat;
  }
  if (winner === undefined || landlord === undefined) {
    return [...found, "nobody has won"];
  }
  const bid = bids[landlord]!;
  const due = scores({ bid, landlord, winner, bombs, plays });
  if (due.join() !== said.join()) {
    found.push(`the scores are ${said}, must be ${due}`);
  }
  return found;
}
