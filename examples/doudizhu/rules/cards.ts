// Cards: numbers from 0 to 53, so that a hand is small in JSON. 0 to 3 are the threes, ... 48 to 51
// the twos, 52 is the small joker, 53 the big one.

/** A card. */
export type Card = number;

/** Ranks, from the lowest; a rank is the place of its name here. */
export const RANK_NAMES = [
  ...["3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K", "A", "2"],
  ...["joker", "JOKER"],
] as const;

/** The ranks that rules speak of. */
export const Rank = {
  ACE: 11,
  TWO: 12,
  SMALL_JOKER: 13,
  BIG_JOKER: 14,
} as const;

/** How many cards there are. */
export const DECK_SIZE = 54;
/** How many each player is dealt. */
export const HAND_SIZE = 17;

const SMALL_JOKER: Card = 52;

/** The rank of a card. */
export function rankOf(card: Card): number {
  return card < SMALL_JOKER ? card >> 2 : card - SMALL_JOKER + Rank.SMALL_JOKER;
}

/** Whether something that came from outside is a list of different cards. */
export function areCards(value: unknown): value is Card[] {
  return Array.isArray(value) && new Set(value).size === value.length &&
    value.every((card) =>
      Number.isInteger(card) && card >= 0 && card < DECK_SIZE
    );
}

/** How many cards there are of each rank. */
export function countRanks(cards: readonly Card[]): number[] {
  const counts = new Array<number>(RANK_NAMES.length).fill(0);
  for (const card of cards) counts[rankOf(card)]!++;
  return counts;
}

/** A hand in the order in which it is held: the highest first. */
export function sorted(cards: readonly Card[]): Card[] {
  return cards.toSorted((a, b) => b - a);
}

/** A hand without some of its cards; undefined where it does not hold all of them. */
export function without(
  hand: readonly Card[],
  cards: readonly Card[],
): Card[] | undefined {
  if (!cards.every((card) => hand.includes(card))) return undefined;
  return hand.filter((card) => !cards.includes(card));
}

/**
 * All cards, shuffled.
 *
 * @param below Gives a whole number from 0 up to its argument, without that: of a real game one
 * that nobody can foresee.
 */
export function shuffledDeck(below: (bound: number) => number): Card[] {
  const deck = Array.from({ length: DECK_SIZE }, (_, card) => card);
  for (let end = deck.length - 1; end > 0; end--) {
    const at = below(end + 1);
    [deck[end], deck[at]] = [deck[at]!, deck[end]!];
  }
  return deck;
}

/** The cards of a new game. */
export interface Deal {
  /** Of each seat. */
  readonly hands: readonly (readonly Card[])[];
  /** The three that the landlord gets. */
  readonly bottom: readonly Card[];
}

/** Deals a shuffled deck: 17 cards each, three are left. */
export function deal(deck: readonly Card[]): Deal {
  const hand = (seat: number) =>
    sorted(deck.slice(seat * HAND_SIZE, (seat + 1) * HAND_SIZE));
  return { hands: [0, 1, 2].map(hand), bottom: sorted(deck.slice(51)) };
}
