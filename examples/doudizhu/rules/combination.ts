// What cards may be played together, and what beats what.
//
// Wings of triples and of fours are any other cards, but not both jokers, and none of the ranks
// that they are added to; pairs as wings are of different ranks. A few sets can be read in two ways
// (333444555666 is a plane of four, or one of three with three wings): who follows another one has
// to be read as what beats it, who leads as the first of them.

import { type Card, countRanks, Rank } from "./cards.ts";

/** The kinds of what is played. */
export type Kind =
  | "single"
  | "pair"
  | "triple"
  | "triple+single"
  | "triple+pair"
  | "straight"
  | "pairs"
  | "plane"
  | "plane+singles"
  | "plane+pairs"
  | "four+singles"
  | "four+pairs"
  | "bomb"
  | "rocket";

/** Cards as they are read. */
export interface Combination {
  /** Which kind. */
  readonly kind: Kind;
  /** What decides between two of a kind: the lowest rank of its body. */
  readonly rank: number;
  /** How many cards. */
  readonly size: number;
}

// Of how many ranks a sequence is at least, by how many cards of each there are.
const SEQUENCES: readonly [width: number, least: number, kind: Kind][] = [
  [1, 5, "straight"],
  [2, 3, "pairs"],
  [3, 2, "plane"],
];

/** Of how many ranks in a row such a sequence is at least; twos and jokers are in none. */
export function leastRanks(kind: "straight" | "pairs" | "plane"): number {
  return SEQUENCES.find(([, , name]) => name === kind)![1];
}

/** All ways in which cards can be read; none when they may not be played together. */
export function readings(cards: readonly Card[]): Combination[] {
  const counts = countRanks(cards);
  const size = cards.length;
  const highest = Math.max(...counts);
  const lowest = counts.findIndex((count) => count > 0);
  const one = (kind: Kind) => [{ kind, rank: lowest, size }];
  if (size === 1) return one("single");
  if (size === 2 && lowest === Rank.SMALL_JOKER) return one("rocket");
  if (size === highest) {
    const kind = ([, , "pair", "triple", "bomb"] as const)[size];
    return kind ? one(kind) : [];
  }
  return [
    ...sequences(counts, size),
    ...withWings(counts, size),
    ...foursWithTwo(counts, size),
  ];
}

/**
 * How cards are read when they are played.
 *
 * @param lead What they have to beat; none for who leads.
 * @returns undefined when they may not be played.
 */
export function read(
  cards: readonly Card[],
  lead?: Combination,
): Combination | undefined {
  return readings(cards).find((one) => !lead || beats(one, lead));
}

/** Whether something beats another. */
export function beats(one: Combination, lead: Combination): boolean {
  if (one.kind === "rocket") return true;
  if (one.kind === "bomb" && lead.kind !== "bomb") {
    return lead.kind !== "rocket";
  }
  return one.kind === lead.kind && one.size === lead.size &&
    one.rank > lead.rank;
}

function sequences(counts: readonly number[], size: number): Combination[] {
  return SEQUENCES.flatMap(([width, least, kind]) => {
    const length = size / width;
    const rank = counts.findIndex((count) => count > 0);
    const fits = length >= least && inARow(counts, rank, length) &&
      counts.every((count) => count === 0 || count === width);
    return fits ? [{ kind, rank, size }] : [];
  });
}

function inARow(
  counts: readonly number[],
  rank: number,
  length: number,
  width = 1,
): boolean {
  if (length > 1 && rank + length - 1 > Rank.ACE) return false;
  for (let i = rank; i < rank + length; i++) {
    if (!(counts[i]! >= width)) return false;
  }
  return true;
}

function withWings(counts: readonly number[], size: number): Combination[] {
  const found: Combination[] = [];
  for (const wing of [1, 2]) {
    const length = size / (3 + wing);
    if (!Number.isInteger(length)) continue;
    const kind: Kind = length === 1
      ? wing === 1 ? "triple+single" : "triple+pair"
      : wing === 1
      ? "plane+singles"
      : "plane+pairs";
    // The highest body first.
    for (let rank = Rank.TWO; rank >= 0; rank--) {
      if (!inARow(counts, rank, length, 3)) continue;
      const rest = counts.map((count, i) =>
        i >= rank && i < rank + length ? count - 3 : count
      );
      const apart = rest.slice(rank, rank + length).every((n) => n === 0);
      if (apart && areWings(rest, wing)) found.push({ kind, rank, size });
    }
  }
  return found;
}

function foursWithTwo(counts: readonly number[], size: number): Combination[] {
  if (size !== 6 && size !== 8) return [];
  const wing = size === 6 ? 1 : 2;
  return counts.flatMap((count, rank) => {
    if (count !== 4) return [];
    const kind: Kind = wing === 1 ? "four+singles" : "four+pairs";
    const fits = areWings(counts.with(rank, 0), wing);
    return fits ? [{ kind, rank, size }] : [];
  }).reverse();
}

function areWings(rest: readonly number[], wing: number): boolean {
  if (wing === 2) return rest.every((count) => count === 0 || count === 2);
  return rest[Rank.SMALL_JOKER] === 0 || rest[Rank.BIG_JOKER] === 0;
}
