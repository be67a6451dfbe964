// The table as a state machine: a table and a message in, another table out. It reads no clock,
// draws no cards and knows no player's connection: that is given to it, so it can be tested whole.

import { decide } from "./bots.ts";
import { Ret } from "./messages.ts";
import { type Card, type Deal, deal, sorted, without } from "./rules/cards.ts";
import { type Combination, read } from "./rules/combination.ts";
import { isBomb, scores } from "./rules/score.ts";
import { viewOf } from "./view.ts";

/** Who sits in a place. */
export interface Seat {
  /** The player; 0 = a bot of the house. */
  readonly uid: number;
  /** What the others see. */
  readonly name: string;
  /** Whether a bot plays for the player: until the next move of their own, or their return. */
  readonly bot: boolean;
  /** Whether the player has left for good, and is told no more. */
  readonly left: boolean;
}

/** A move that was made. */
export interface Move {
  /** By whom. */
  readonly seat: number;
  /** A bid: 0 to 3. */
  readonly bid?: number;
  /** What was played; empty = passed. */
  readonly cards?: readonly Card[];
}

/** What is to be beaten. */
export interface Lead {
  /** Whose it is. */
  readonly seat: number;
  /** The cards. */
  readonly cards: readonly Card[];
  /** How they are read. */
  readonly as: Combination;
}

/** A table: plain JSON, never changed, only followed by the next. */
export interface Table {
  /** Its number. */
  readonly id: number;
  /** The three places. */
  readonly seats: readonly Seat[];
  /** What goes on. */
  readonly phase: "bid" | "play" | "over";
  /** All moves so far; the number of the next is their count. */
  readonly log: readonly Move[];
  /** Whose turn it is. */
  readonly turn: number;
  /** What was dealt, for the check at the end. */
  readonly deal: Deal;
  /** From which move on this deal is played: it is dealt again when nobody bids. */
  readonly dealtAt: number;
  /** What each seat holds. */
  readonly hands: readonly (readonly Card[])[];
  /** Of each seat, null = none yet. */
  readonly bids: readonly (number | null)[];
  /** The landlord's seat. */
  readonly landlord: number | null;
  /** What is to be beaten; null for who leads. */
  readonly lead: Lead | null;
  /** How many bombs were played. */
  readonly bombs: number;
  /** How often each seat has played cards. */
  readonly plays: readonly number[];
  /** What each seat has won, at the end. */
  readonly scores: readonly number[] | null;
  /** When the turn is over, or at the end when the table may be forgotten: ms since 1970. */
  readonly due: number;
}

/** What can happen at a table. */
export type Message =
  | {
    readonly type: "bid";
    readonly seat: number;
    readonly n: number;
    readonly bid: number;
  }
  | {
    readonly type: "play";
    readonly seat: number;
    readonly n: number;
    readonly cards: readonly Card[];
  }
  | { readonly type: "time" }
  | { readonly type: "away" | "leave" | "return"; readonly seat: number };

/** What the machine is given from outside. */
export interface World {
  /** Now, ms since 1970. */
  readonly now: number;
  /** Gives a shuffled deck. */
  readonly deck: () => readonly Card[];
  /** How long people and bots may take for a move, and a table stays after its end. */
  readonly times: Times;
}

/** Times of a table, in milliseconds. */
export interface Times {
  /** Of a person for a move. */
  readonly turnMs: number;
  /** Of a bot. */
  readonly botMs: number;
  /** How long a table can be looked at after its end. */
  readonly afterMs: number;
}

/** What became of a message. */
export interface Outcome {
  /** 0, or one of `Ret`. */
  readonly ret: number;
  /** The table; the same object when nothing has changed. */
  readonly table: Table;
}

const TOP_BID = 3;

/** A new table. */
export function newTable(
  id: number,
  players: readonly Pick<Seat, "uid" | "name">[],
  world: World,
): Table {
  const seats = players.map(({ uid, name }) => ({
    ...{ uid, name, bot: uid === 0, left: false },
  }));
  const table = { id, seats, log: [] as Move[], due: 0 };
  return dealt(table, id % 3, world);
}

/**
 * The table after a message.
 *
 * A move that was made already, by its number, changes nothing and is no error: so a message may
 * come as often as it likes.
 */
export function step(table: Table, message: Message, world: World): Outcome {
  switch (message.type) {
    case "time":
      return onTime(table, world);
    case "away":
      return sit(table, message.seat, { bot: true }, world);
    case "leave":
      return sit(table, message.seat, { bot: true, left: true }, world);
    case "return":
      return sit(table, message.seat, { bot: false }, world);
    default:
      return onMove(table, message, world);
  }
}

type MoveMessage = Extract<Message, { n: number }>;

function onMove(table: Table, message: MoveMessage, world: World): Outcome {
  const { n, seat } = message;
  const move: Move = message.type === "bid"
    ? { seat, bid: message.bid }
    : { seat, cards: sorted(message.cards) };
  const made = table.log[n];
  if (made) return { ret: isSame(made, move) ? 0 : Ret.NOT_NOW, table };
  const isNext = n === table.log.length && seat === table.turn &&
    message.type === table.phase;
  if (!isNext) return { ret: Ret.NOT_NOW, table };
  // Who plays is there.
  const { table: there } = sit(table, seat, { bot: false }, world);
  const next = message.type === "bid"
    ? bid(there, move, world)
    : play(there, move, world);
  return next ? { ret: 0, table: next } : { ret: Ret.AGAINST_RULES, table };
}

function isSame(a: Move, b: Move): boolean {
  return a.seat === b.seat && a.bid === b.bid &&
    a.cards?.join() === b.cards?.join();
}

// Whoever has let the time pass is played by a bot, until they play again.
function onTime(table: Table, world: World): Outcome {
  if (table.phase === "over" || world.now < table.due) return { ret: 0, table };
  const { turn, phase, log } = table;
  const { table: there } = sit(table, turn, { bot: true }, world);
  const choice = decide(viewOf(there, turn, world.now));
  const move: Move = { seat: turn, ...choice };
  const next = phase === "bid"
    ? bid(there, move, world)
    : play(there, move, world);
  if (!next) {
    throw new Error(
      `Table ${table.id}: the bot's move ${log.length} is against the rules`,
    );
  }
  return { ret: 0, table: next };
}

function sit(
  table: Table,
  seat: number,
  change: Partial<Seat>,
  world: World,
): Outcome {
  const before = table.seats[seat]!;
  const after = { ...before, ...change };
  if (after.bot === before.bot && after.left === before.left) {
    return { ret: 0, table };
  }
  const next = { ...table, seats: table.seats.with(seat, after) };
  if (table.phase === "over" || seat !== table.turn) {
    return { ret: 0, table: next };
  }
  return { ret: 0, table: { ...next, due: turnEnd(next, world) } };
}

function turnEnd(
  { seats, turn }: Pick<Table, "seats" | "turn">,
  { now, times }: World,
): number {
  return now + (seats[turn]!.bot ? times.botMs : times.turnMs);
}

function dealt(
  table: Pick<Table, "id" | "seats" | "log" | "due">,
  turn: number,
  world: World,
): Table {
  const cards = deal(world.deck());
  const next: Table = {
    ...table,
    ...{ phase: "bid", turn, deal: cards, dealtAt: table.log.length },
    ...{ hands: cards.hands, bids: [null, null, null], landlord: null },
    ...{ lead: null, bombs: 0, plays: [0, 0, 0], scores: null },
  };
  return { ...next, due: turnEnd(next, world) };
}

/** What the highest bid is so far. */
export function highestBid(bids: readonly (number | null)[]): number {
  return Math.max(...bids.map((bid) => bid ?? 0));
}

function bid(table: Table, move: Move, world: World): Table | undefined {
  const { seat } = move;
  const value = move.bid!;
  const isFit = Number.isInteger(value) && value >= 0 && value <= TOP_BID &&
    (value === 0 || value > highestBid(table.bids));
  if (!isFit) return undefined;
  const bids = table.bids.with(seat, value);
  const log = [...table.log, move];
  const turn = (seat + 1) % 3;
  if (value < TOP_BID && bids.includes(null)) {
    const next = { ...table, bids, log, turn };
    return { ...next, due: turnEnd(next, world) };
  }
  const highest = highestBid(bids);
  if (highest === 0) return dealt({ ...table, log }, turn, world);
  const landlord = bids.indexOf(highest);
  const hand = sorted([...table.hands[landlord]!, ...table.deal.bottom]);
  const next: Table = {
    ...{ ...table, bids, log, landlord, phase: "play", turn: landlord },
    hands: table.hands.with(landlord, hand),
  };
  return { ...next, due: turnEnd(next, world) };
}

function play(table: Table, move: Move, world: World): Table | undefined {
  const { seat } = move;
  const cards = move.cards!;
  const log = [...table.log, move];
  const turn = (seat + 1) % 3;
  if (cards.length === 0) {
    // Who leads has to play.
    if (!table.lead) return undefined;
    const lead = table.lead.seat === turn ? null : table.lead;
    const next = { ...table, log, turn, lead };
    return { ...next, due: turnEnd(next, world) };
  }
  const hand = without(table.hands[seat]!, cards);
  const as = read(cards, table.lead?.as);
  if (!hand || !as) return undefined;
  const next: Table = {
    ...{ ...table, log, turn, lead: { seat, cards, as } },
    hands: table.hands.with(seat, hand),
    plays: table.plays.with(seat, table.plays[seat]! + 1),
    bombs: table.bombs + (isBomb(as) ? 1 : 0),
  };
  if (hand.length > 0) return { ...next, due: turnEnd(next, world) };
  return {
    ...{ ...next, phase: "over", due: world.now + world.times.afterMs },
    scores: scores({
      bid: highestBid(table.bids),
      landlord: table.landlord!,
      winner: seat,
      bombs: next.bombs,
      plays: next.plays,
    }),
  };
}
