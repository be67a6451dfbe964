// A clock that is read as seldom as can be, for times that are taken with every message: to read
// the system's costs as much as to forward one.

import { atEndOfTurn } from "./turn.ts";

let now = 0;
let isRead = false;

/**
 * The time of this turn of the event loop in milliseconds of `performance.now()`: the same for all
 * that happens in it, unless somebody calls {@linkcode readClock}.
 */
export function turnNow(): number {
  return isRead ? now : readClock();
}

/**
 * The time now, after work that may have taken long; `turnNow` gives it as well until the end of
 * the turn.
 */
export function readClock(): number {
  now = performance.now();
  if (!isRead) {
    isRead = true;
    atEndOfTurn(forget, undefined);
  }
  return now;
}

function forget(): void {
  isRead = false;
}
