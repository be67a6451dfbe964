// A world for tables whose time and cards a test decides.

import { decide } from "../../../examples/doudizhu/bots.ts";
import {
  type Card,
  shuffledDeck,
} from "../../../examples/doudizhu/rules/cards.ts";
import {
  type Message,
  newTable,
  step,
  type Table,
  type World,
} from "../../../examples/doudizhu/table.ts";
import { viewOf } from "../../../examples/doudizhu/view.ts";
import type { Random } from "../../helpers/random.ts";

/** Times that are told apart easily. */
export const TIMES = { turnMs: 20_000, botMs: 1000, afterMs: 60_000 };

/** A world whose clock stands still until it is moved, with decks that a seed determines. */
export class TestWorld implements World {
  now = 1_000_000;
  readonly times = TIMES;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  readonly deck = (): Card[] =>
    shuffledDeck((bound) => this.#random.between(0, bound - 1));
}

/** A table of three people, 11, 12 and 13. */
export function tableOf(world: World, uids = [11, 12, 13]): Table {
  return newTable(
    3,
    uids.map((uid) => ({ uid, name: `user ${uid}` })),
    world,
  );
}

/** The move that a bot would make for whose turn it is. */
export function nextMove(table: Table, world: World): Message {
  const { turn, log } = table;
  const choice = decide(viewOf(table, turn, world.now));
  return "bid" in choice
    ? { type: "bid", seat: turn, n: log.length, bid: choice.bid }
    : { type: "play", seat: turn, n: log.length, cards: choice.cards };
}

/** A table at which the bidding is over. */
export function playing(world: World): Table {
  let table = tableOf(world);
  const { turn, log } = table;
  const bid: Message = { type: "bid", seat: turn, n: log.length, bid: 3 };
  table = step(table, bid, world).table;
  return table;
}
