// Who wins how much.

import type { Combination } from "./combination.ts";

/** What a game was like at its end. */
export interface Finished {
  /** What the landlord has bid. */
  readonly bid: number;
  /** The landlord's seat. */
  readonly landlord: number;
  /** The seat that has no cards any more. */
  readonly winner: number;
  /** How many bombs and rockets were played. */
  readonly bombs: number;
  /** How often each seat has played cards. */
  readonly plays: readonly number[];
}

/** Whether it counts as a bomb. */
export function isBomb({ kind }: Combination): boolean {
  return kind === "bomb" || kind === "rocket";
}

/** What the bid is multiplied by: twice for each bomb, and once more for a spring. */
export function multiplier(
  { bombs, landlord, winner, plays }: Omit<Finished, "bid">,
): number {
  const spring = winner === landlord
    // The others have played nothing at all,
    ? plays.every((count, seat) => seat === landlord || count === 0)
    // or the landlord only his first cards.
    : plays[landlord] === 1;
  return 2 ** (bombs + (spring ? 1 : 0));
}

/** What each seat wins; a loss is below 0. Together it is nothing. */
export function scores(game: Finished): number[] {
  const stake = game.bid * multiplier(game) *
    (game.winner === game.landlord ? 1 : -1);
  return [0, 1, 2].map((seat) => seat === game.landlord ? 2 * stake : -stake);
}
