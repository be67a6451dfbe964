// A clock that is read once a turn of the event loop, for times that are taken with every message.

import { atEndOfTurn } from "./turn.ts";

let now = 0;
let isRead = false;

/** The time of this turn in milliseconds of `performance.now()`: the same for all that happens in it. */
export function turnNow(): number {
  if (!isRead) {
    isRead = true;
    now = performance.now();
    atEndOfTurn(forget);
  }
  return now;
}

function forget(): void {
  isRead = false;
}
