// What is read out to those who do not see the table.

import type { View } from "../view.ts";
import { cardName } from "./elements.ts";
import { settings } from "./settings.ts";

/** What has happened since the view before, for those to whom the page is read out. */
export function newsOf(view: View, before: View | null): string {
  const { texts } = settings;
  const said: string[] = [];
  for (const [seat, { name, last, bid }] of view.seats.entries()) {
    const old = before?.seats[seat];
    if (bid !== null && old?.bid === null) {
      said.push(`${name}: ${bid === 0 ? texts.noBid : `${texts.bids} ${bid}`}`);
    }
    if (last && old?.last !== last && view.n !== before?.n) {
      if (seat !== (view.turn + 2) % 3) continue;
      const cards = last.map((card) => cardName(card, texts)).join(", ");
      said.push(`${name}: ${cards || texts.passed}`);
    }
  }
  if (view.turn === view.you && view.phase !== "over") {
    said.push(texts.yourTurn);
  }
  return said.join(". ");
}
