// What one player may see of a table.

import type { Card, Deal } from "./rules/cards.ts";
import { multiplier } from "./rules/score.ts";
import { highestBid, type Lead, type Move, type Table } from "./table.ts";

/** What a player sees of a place. */
export interface SeatView {
  /** The name. */
  readonly name: string;
  /** Whether a bot plays there. */
  readonly bot: boolean;
  /** How many cards are held. */
  readonly cards: number;
  /** The bid, null = none yet. */
  readonly bid: number | null;
  /** What was played last in this round: empty = passed, null = nothing yet. */
  readonly last: readonly Card[] | null;
}

/** A table as one player sees it. */
export interface View {
  /** The table's number. */
  readonly table: number;
  /** The number of the next move: of two views the one with the higher is newer. */
  readonly n: number;
  /** The player's own seat. */
  readonly you: number;
  /** What goes on. */
  readonly phase: Table["phase"];
  /** Whose turn it is. */
  readonly turn: number;
  /** Milliseconds that are left of it. */
  readonly left: number;
  /** The three places. */
  readonly seats: readonly SeatView[];
  /** The player's own cards. */
  readonly hand: readonly Card[];
  /** The landlord's three cards, once there is one. */
  readonly bottom: readonly Card[] | null;
  /** The landlord's seat. */
  readonly landlord: number | null;
  /** The highest bid. */
  readonly bid: number;
  /** What it is multiplied by so far. */
  readonly times: number;
  /** What is to be beaten; null for who leads. */
  readonly lead: Lead | null;
  /** At the end: who has won how much, and all that happened, to be checked. */
  readonly end: End | null;
}

/** The end of a game, for everybody to see. */
export interface End {
  /** What each seat has won. */
  readonly scores: readonly number[];
  /** What was dealt. */
  readonly deal: Deal;
  /** All moves since. */
  readonly log: readonly Move[];
  /** What each seat still holds. */
  readonly hands: readonly (readonly Card[])[];
}

/** What a seat may see of a table. */
export function viewOf(table: Table, you: number, now: number): View {
  const { id, phase, turn, log, landlord, lead, hands, bids } = table;
  const { bombs, plays, scores, deal, dealtAt } = table;
  return {
    ...{ table: id, n: log.length, you, phase, turn, landlord, lead },
    left: Math.max(0, table.due - now),
    seats: table.seats.map(({ name, bot }, seat) => ({
      ...{ name, bot, bid: bids[seat]!, cards: hands[seat]!.length },
      last: lastOf(table, seat),
    })),
    hand: hands[you]!,
    bottom: landlord === null ? null : deal.bottom,
    bid: highestBid(bids),
    times: phase === "over"
      ? multiplier({
        ...{ bombs, plays, landlord: landlord!, winner: lead!.seat },
      })
      : 2 ** bombs,
    end: scores && { scores, deal, log: log.slice(dealtAt), hands },
  };
}

// Of the last three moves, those since who led.
function lastOf(
  { log, phase, lead, turn }: Table,
  seat: number,
): readonly Card[] | null {
  if (phase === "bid" || (seat === turn && phase !== "over")) return null;
  if (!lead && phase === "play") return null;
  const move = log.slice(-3).findLast((move) => move.seat === seat);
  return move?.cards ?? null;
}
