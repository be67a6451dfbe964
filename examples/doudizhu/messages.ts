// What players and workers say to each other: the commands, return codes and bodies (JSON).

import type { Card } from "./rules/cards.ts";
import type { View } from "./view.ts";

/** The commands. */
export const Cmd = {
  /** {@linkcode EnterBody}: who is there; answered with {@linkcode EnterAnswer}. */
  ENTER: 1,
  /** Wants to play, or is back where a bot has played: answered with {@linkcode SitAnswer}. */
  SIT: 2,
  /** {@linkcode MoveBody}, with `bid`. */
  BID: 3,
  /** {@linkcode MoveBody}, with `cards`; none = passes. */
  PLAY: 4,
  /** {@linkcode TableBody}: leaves for good; a bot goes on. */
  LEAVE: 5,
  /** {@linkcode SayBody}. */
  SAY: 6,
  /** {@linkcode TableBody}: how does the table look? Answered with the {@linkcode View}. */
  LOOK: 7,
  /** From a worker, for any worker: the time of a document is over. Clients are refused. */
  TIME: 50,
  /** From the server: a {@linkcode View}. */
  TABLE: 100,
  /** From the server, to a table's group: {@linkcode ChatBody}. */
  CHAT: 101,
} as const;

/** What the server answers beside 0. */
export const Ret = {
  /** There is no such table any more. */
  NO_TABLE: 1,
  /** You do not sit there. */
  NOT_YOURS: 2,
  /** It is another one's turn, or the move is not of the number that is next. */
  NOT_NOW: 3,
  /** The rules forbid it. */
  AGAINST_RULES: 4,
  /** ENTER comes first. */
  ENTER_FIRST: 5,
  /** To SIT: the store does not know you, or that you are here; ENTER once more. */
  NOT_KNOWN: 6,
} as const;

/** Body of ENTER. */
export interface EnterBody {
  /** The player's secret, 16 to 64 characters: who knows it is that player. */
  readonly token: string;
  /** What the others see. */
  readonly name: string;
}

/** The answer to ENTER. */
export interface EnterAnswer extends ServerLine {
  /** The player's number. */
  readonly uid: number;
  /** All that was won and lost. */
  readonly score: number;
  /** The table at which the player sits. */
  readonly view: View | null;
}

/** The answer to SIT: a table, or how many wait. */
export interface SitAnswer extends ServerLine {
  /** The table. */
  readonly view: View | null;
  /** How many wait in the hall. */
  readonly waiting: number;
}

/** Names a table. */
export interface TableBody {
  /** Its number. */
  readonly table: number;
}

/** Body of BID and PLAY. */
export interface MoveBody extends TableBody {
  /** Which move of the table this is: the same move sent twice has the same number. */
  readonly n: number;
  /** 0 to 3; 0 = passes. */
  readonly bid?: number;
  /** What is played; empty = passes. */
  readonly cards?: readonly Card[];
}

/** Body of SAY. */
export interface SayBody extends TableBody {
  /** Which line of this client it is: the same line sent, or told, twice has the same number. */
  readonly n: number;
  /** Up to 200 characters. */
  readonly text: string;
}

/** Body of CHAT. */
export interface ChatBody extends SayBody {
  /** Who says it. */
  readonly seat: number;
}

/** Which process answers: for the page's line about the server. */
export interface ServerLine {
  /** The worker's place, from 1. */
  readonly worker: number;
  /** Its process. */
  readonly pid: number;
}
