// The table as a player sees it, as elements.

import type { Card } from "../rules/cards.ts";
import { read } from "../rules/combination.ts";
import type { SeatView, View } from "../view.ts";
import { button, cardName, element, face, lying } from "./elements.ts";
import { settings } from "./settings.ts";

/** What a player can do at the table, and what is shown of what was done. */
export interface Seated {
  /** The cards that are chosen. */
  readonly chosen: ReadonlySet<Card>;
  /** What is to be said to the player: why something was refused. */
  readonly notice: string;
  /** Milliseconds that are left of the turn. */
  readonly left: number;
  /** Chooses a card, or puts it back. */
  toggle(card: Card): void;
  /** Puts all back. */
  clear(): void;
  /** Chooses what could be played; each time something else. */
  hint(): void;
  /** Bids. */
  bid(value: number): void;
  /** Plays what is chosen. */
  play(): void;
  /** Passes. */
  pass(): void;
  /** Takes a place: at a new table, or that of a bot that has played for the player. */
  sit(): void;
}

/** The whole table. */
export function tableOf(view: View, seated: Seated): HTMLElement {
  const { you, phase } = view;
  const { texts } = settings;
  const left = clock(seated.left);
  return element(
    "div",
    { className: "table" },
    seatBox(view, (you + 2) % 3, { place: "before", left }),
    middle(view),
    seatBox(view, (you + 1) % 3, { place: "after", left }),
    phase === "over"
      ? result(view)
      : seatBox(view, you, { place: "mine", left }),
    element("p", { className: "notice", role: "alert" }, seated.notice),
    controls(view, seated),
    phase !== "over" && hand(view, seated),
    element("p", { className: "keys" }, texts.keys),
  );
}

function seatBox(
  view: View,
  seat: number,
  { place, left }: { place: string; left: string },
): HTMLElement {
  const { texts } = settings;
  const it = view.seats[seat]!;
  const isTurn = view.turn === seat && view.phase !== "over";
  const role = view.landlord === null
    ? ""
    : seat === view.landlord
    ? `👑 ${texts.landlord}`
    : texts.peasant;
  return element(
    "section",
    {
      className: `seat ${place}${isTurn ? " turn" : ""}`,
      "aria-label": it.name,
    },
    element(
      "div",
      { className: "who" },
      element("strong", {}, it.name),
      element("small", {}, role),
      it.bot && !it.name.startsWith("🤖") &&
        element("small", { className: "bot" }, `🤖 ${texts.bot}`),
      place !== "mine" &&
        element(
          "span",
          { className: "count", title: `${it.cards} ${texts.cards}` },
          String(it.cards),
        ),
      isTurn && element("span", { className: "clock" }, left),
    ),
    element("div", { className: "played" }, ...playedBy(view, seat, it)),
  );
}

function playedBy(
  view: View,
  seat: number,
  { bid, last }: SeatView,
): (HTMLElement | false)[] {
  const { texts } = settings;
  if (view.phase === "bid") {
    if (bid === null) return [];
    const said = bid === 0 ? texts.noBid : `${texts.bids} ${bid}`;
    return [element("span", { className: "word" }, said)];
  }
  if (!last) return [];
  if (last.length === 0) {
    return [element("span", { className: "word" }, texts.passed)];
  }
  const isLead = view.lead?.seat === seat;
  return [
    lying(last, texts),
    isLead &&
    element("small", { className: "kind" }, texts.kinds[view.lead!.as.kind]),
  ];
}

function middle(view: View): HTMLElement {
  const { texts } = settings;
  const bottom = view.bottom ? lying(view.bottom, texts) : element(
    "span",
    { className: "lying", role: "img", "aria-label": texts.landlordsCards },
    ...[1, 2, 3].map(() => element("span", { className: "face back" })),
  );
  return element(
    "section",
    { className: "middle" },
    bottom,
    element(
      "span",
      { className: "stake" },
      `${texts.stake} ${Math.max(1, view.bid) * view.times}`,
    ),
  );
}

function controls(view: View, seated: Seated): HTMLElement {
  const { texts } = settings;
  const { chosen, bid, play, pass, sit, hint, clear } = seated;
  const main = { className: "main" };
  const box = (...children: (HTMLElement | false)[]) =>
    element("div", { className: "controls" }, ...children);
  if (view.phase === "over") {
    return box(button("again", texts.again, sit, main));
  }
  if (view.seats[view.you]!.bot) {
    return box(
      element("span", {}, texts.botForYou),
      button("back", texts.back, sit, main),
    );
  }
  if (view.turn !== view.you) return box();
  if (view.phase === "bid") {
    return box(
      button("bid0", texts.noBid, () => bid(0)),
      ...[1, 2, 3].map((value) =>
        button(`bid${value}`, `${texts.bid} ${value}`, () => bid(value), {
          disabled: value <= view.bid,
          className: value === 3 ? "main" : "",
        })
      ),
    );
  }
  return box(
    button("pass", texts.pass, pass, { disabled: !view.lead }),
    button("hint", texts.hint, hint),
    button("clear", texts.clear, clear, { disabled: chosen.size === 0 }),
    button("playCards", texts.playCards, play, {
      ...main,
      disabled: !read([...chosen], view.lead?.as),
    }),
  );
}

function hand(view: View, { chosen, toggle }: Seated): HTMLElement {
  const { texts } = settings;
  return element(
    "div",
    { className: "hand", role: "group", "aria-label": texts.hand },
    ...view.hand.map((card) =>
      element(
        "button",
        {
          ...{ type: "button", className: "card", onclick: () => toggle(card) },
          "aria-pressed": String(chosen.has(card)),
          "aria-label": cardName(card, texts),
          "data-key": `card${card}`,
          "data-card": card,
        },
        face(card),
      )
    ),
  );
}

function result(view: View): HTMLElement {
  const { texts } = settings;
  const { scores, hands } = view.end!;
  const own = scores[view.you]!;
  return element(
    "section",
    { className: `result ${own > 0 ? "won" : "lost"}`, role: "status" },
    element("h2", {}, `${own > 0 ? texts.won : texts.lost} ${signed(own)}`),
    ...view.seats.map((seat, i) =>
      element(
        "div",
        { className: "row" },
        element(
          "strong",
          {},
          `${i === view.landlord ? "👑 " : ""}${seat.name}`,
        ),
        element("span", {}, signed(scores[i]!)),
        lying(hands[i]!, texts),
      )
    ),
  );
}

/** What is left of a turn, in words. */
export function clock(leftMs: number): string {
  return `${Math.ceil(leftMs / 1000)} ${settings.texts.seconds}`;
}

/** A number with its sign. */
export function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value);
}
