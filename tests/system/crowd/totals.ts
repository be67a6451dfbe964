// CrowdTotals: what all players of the crowd have seen together.

import { WaitTimes } from "../chaos/wait_times.ts";

/** What all players have seen. */
export class CrowdTotals {
  /** From a move to its being seen by each of the other two. */
  waits: WaitTimes = new WaitTimes();
  /** Moves that were sent. */
  sent = 0;
  /** Moves that were answered with 0. */
  made = 0;
  /** Moves that were refused, or never answered. */
  refused = 0;
  /** Moves that were answered with 0 and are not in the log of their game. */
  lost = 0;
  /** Moves of a player that the player has not made, because the server thought them late. */
  forPlayers = 0;
  /** Times that a hand was not what it had to be, or a table was not there any more. */
  handsLost = 0;
  /** Connections that were lost. */
  cut = 0;
  /** Times that a player has closed the page and opened it again in the middle of a game. */
  cameBack = 0;
  /** Games that were played to their end, and how many there are to be checked. */
  readonly finished: Set<number> = new Set();
  /** What was against the rules. */
  readonly violations: string[] = [];
  /** The workers that have answered. */
  readonly pids: Set<number> = new Set();
  // When a move was sent, by whom, and how many have seen it.
  readonly #moves = new Map<
    string,
    { at: number; seat: number; seen: number }
  >();

  /** A move is sent. */
  send(table: number, n: number, seat: number): void {
    this.sent++;
    this.#moves.set(`${table}:${n}`, { at: performance.now(), seat, seen: 0 });
  }

  /** A player has seen that a move was made. */
  see(table: number, n: number, seat: number): void {
    const key = `${table}:${n}`;
    const move = this.#moves.get(key);
    if (!move || move.seat === seat) return;
    this.waits.add(performance.now() - move.at);
    if (++move.seen === 2) this.#moves.delete(key);
  }

  /** Begins to count the times anew. */
  resetWaits(): void {
    this.waits = new WaitTimes();
  }
}
