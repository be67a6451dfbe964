// Elements of the page: made by a function each, anew whenever something has changed.

import { type Card, RANK_NAMES, rankOf } from "../rules/cards.ts";
import type { Texts } from "./texts.ts";

/** What an element is given: properties, and with a dash in the name attributes. */
export type Properties = Readonly<Record<string, unknown>>;

/** Makes an element. */
export function element(
  name: string,
  properties: Properties = {},
  ...children: readonly (Node | string | null | false)[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (key.includes("-") || key === "role") {
      made.setAttribute(key, String(value));
    } else Object.assign(made, { [key]: value });
  }
  made.append(...children.filter((child) => child !== null && child !== false));
  return made;
}

/** A button; `key` keeps the focus on it when it is made anew. */
export function button(
  key: string,
  text: string,
  onclick: () => void,
  properties: Properties = {},
): HTMLElement {
  const all = { type: "button", onclick, "data-key": key, ...properties };
  return element("button", all, text);
}

const SUIT_SIGNS = ["♦", "♣", "♥", "♠"];
const SMALL_JOKER: Card = 52;

/** What a card is called. */
export function cardName(card: Card, texts: Texts): string {
  if (card >= SMALL_JOKER) return texts.jokers[card - SMALL_JOKER]!;
  return texts.of(RANK_NAMES[rankOf(card)]!, texts.suits[card & 3]!);
}

/** The face of a card. */
export function face(card: Card): HTMLElement {
  const isJoker = card >= SMALL_JOKER;
  const isRed = isJoker ? card > SMALL_JOKER : (card & 1) === 0;
  const rank = isJoker ? "JOKER" : RANK_NAMES[rankOf(card)]!;
  const sign = isJoker ? "★" : SUIT_SIGNS[card & 3]!;
  const names = ["face", isRed ? "red" : "black", isJoker ? "joker" : ""];
  return element(
    "span",
    { className: names.join(" ").trim(), "aria-hidden": "true" },
    element("b", {}, rank),
    element("i", {}, sign),
    element("em", {}, sign),
  );
}

/** Cards that lie on the table. */
export function lying(cards: readonly Card[], texts: Texts): HTMLElement {
  const label = cards.map((card) => cardName(card, texts)).join(", ");
  return element(
    "span",
    { className: "lying", role: "img", "aria-label": label },
    ...cards.map(face),
  );
}
