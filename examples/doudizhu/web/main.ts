// The page: what is seen is made anew from the view each time something has changed.

import { decide } from "../bots.ts";
import { GameClient } from "../game_client.ts";
import type { ChatBody } from "../messages.ts";
import type { Card } from "../rules/cards.ts";
import { read } from "../rules/combination.ts";
import { plays } from "../rules/plays.ts";
import type { View } from "../view.ts";
import { button, element } from "./elements.ts";
import { lobby, replacedBy, waitingRoom } from "./hall_elements.ts";
import { newsOf } from "./news.ts";
import { settings } from "./settings.ts";
import { clock, type Seated, signed, tableOf } from "./table_elements.ts";
import { Talk } from "./talk.ts";

const CHAT_KEPT = 30;

const { wsPort }: { wsPort: number } = await fetch("server.json")
  .then((answer) => answer.json());
const chat: ChatBody[] = [];
const chosen = new Set<Card>();
let hints: Card[][] = [];
let hinted = -1;
let notice = "";

let game: GameClient | undefined;

async function start(name: string): Promise<void> {
  settings.name = name;
  game = new GameClient({
    token: settings.token,
    name,
    onChange: draw,
    onView,
    onChat: (line) => {
      if (line.table !== game?.view?.table) return;
      chat.splice(0, chat.length - CHAT_KEPT + 1);
      chat.push(line);
      draw();
    },
  });
  draw();
  const { protocol, hostname } = location;
  const scheme = protocol === "https:" ? "wss" : "ws";
  await game.connect(`${scheme}://${hostname}:${wsPort}/`);
  settings.playing = true;
  if (!game.view) await sit();
}

async function sit(): Promise<void> {
  chosen.clear();
  await attempt(() => game!.sit());
}

function onView(view: View, before: View | null): void {
  if (view.table !== before?.table) chat.length = 0;
  if (view.n !== before?.n) {
    notice = "";
    hints = [];
    hinted = -1;
  }
  for (const card of chosen) if (!view.hand.includes(card)) chosen.delete(card);
  find("#news").textContent = newsOf(view, before);
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  const { texts } = settings;
  try {
    const ret = await work();
    notice = typeof ret === "number" ? texts.refused[ret] ?? texts.failed : "";
  } catch {
    notice = texts.failed;
  }
  draw();
}

function isMyTurn(): boolean {
  const view = game?.view;
  return view?.phase !== "over" && view?.turn === view?.you;
}

function playChosen(): void {
  const view = game?.view;
  if (!view || !isMyTurn() || view.phase !== "play") return;
  const cards = [...chosen];
  if (cards.length === 0 || !read(cards, view.lead?.as)) {
    notice = settings.texts.refused[4]!;
    return draw();
  }
  attempt(() => game!.move({ cards }));
}

function pass(): void {
  const view = game?.view;
  if (!isMyTurn() || view?.phase !== "play" || !view.lead) return;
  chosen.clear();
  attempt(() => game!.move({ cards: [] }));
}

function bid(value: number): void {
  const view = game?.view;
  if (!isMyTurn() || view?.phase !== "bid") return;
  if (value > 0 && value <= view.bid) return;
  attempt(() => game!.move({ bid: value }));
}

function hint(): void {
  const view = game?.view;
  if (!view || view.phase !== "play" || !isMyTurn()) return;
  if (hints.length === 0) {
    hints = plays(view.hand, view.lead?.as);
    const choice = decide(view);
    // What a bot would do comes first.
    if ("cards" in choice && choice.cards.length > 0) {
      hints.unshift(choice.cards);
    }
  }
  if (hints.length === 0) return pass();
  hinted = (hinted + 1) % hints.length;
  chosen.clear();
  for (const card of hints[hinted]!) chosen.add(card);
  draw();
  // So that Enter plays it, and arrows go on from there.
  byKey(`card${hints[hinted]![0]}`)?.focus();
}

function toggle(card: Card): void {
  if (!chosen.delete(card)) chosen.add(card);
  notice = "";
  draw();
}

function clear(): void {
  chosen.clear();
  draw();
}

function top(): HTMLElement[] {
  const { texts } = settings;
  const change = (what: () => void) => () => {
    what();
    draw();
  };
  return [
    element("h1", {}, texts.title),
    element(
      "span",
      { className: "facts" },
      !!game?.view && element("span", {}, `${texts.table} ${game.view.table}`),
      !!game && element("span", {}, `${texts.score} ${signed(game.score)}`),
    ),
    element(
      "span",
      { className: "tools" },
      // Not among the moves, where it would be hit by mistake.
      !!game?.view && button("leave", texts.leave, leave),
      button("language", texts.language, change(settings.nextLanguage)),
      button(
        "theme",
        texts.themes[settings.theme],
        change(settings.nextTheme),
      ),
    ),
  ];
}

async function leave(): Promise<void> {
  settings.playing = false;
  const left = game!;
  game = undefined;
  draw();
  await left.leave().catch(() => {});
  await left[Symbol.asyncDispose]();
}

function serverLine(): HTMLElement[] {
  if (!game) return [];
  const { texts } = settings;
  const { worker, pid, reloads, reconnects } = game.server;
  const part = (name: string, key: string, value: number) =>
    element(
      "span",
      {},
      `${name} `,
      element("b", { "data-server": key }, String(value)),
    );
  return [
    element(
      "span",
      { className: game.connected ? "dot on" : "dot", "aria-hidden": "true" },
    ),
    part(texts.worker, "worker", worker),
    part(texts.process, "pid", pid),
    part(texts.reloads, "reloads", reloads),
    part(texts.reconnects, "reconnects", reconnects),
  ];
}

const talk = new Talk(
  find("#talk"),
  (text) => void attempt(() => game!.say(text)),
);

function draw(): void {
  const focused = (document.activeElement as HTMLElement | null)?.dataset.key;
  const view = game?.view;
  const page = !game
    ? lobby(comesIn)
    : game.replaced
    ? replacedBy(() => attempt(() => game!.comeBack()))
    : view
    ? tableOf(view, seated())
    : waitingRoom(game, notice, sit, leave);
  find("#top").replaceChildren(...top());
  find("#page").replaceChildren(page);
  find("#server").replaceChildren(...serverLine());
  talk.show(game?.replaced ? null : view, chat, settings.texts);
  if (focused) byKey(focused)?.focus();
}

function comesIn(name: string): void {
  start(name).catch(() => attempt(() => Promise.reject()));
}

function seated(): Seated {
  const { connected, left } = game!;
  return {
    chosen,
    notice: connected ? notice : settings.texts.connecting,
    left,
    ...{ toggle, clear, hint, bid, play: playChosen, pass, sit },
  };
}

function find(selector: string): HTMLElement {
  return document.querySelector<HTMLElement>(selector)!;
}

function byKey(key: string): HTMLElement | null {
  return document.querySelector(`[data-key="${key}"]`);
}

function moveFocus(by: number): void {
  const cards = [...document.querySelectorAll<HTMLElement>(".hand .card")];
  if (cards.length === 0) return;
  const at = cards.indexOf(document.activeElement as HTMLElement);
  const next = at < 0
    ? by > 0 ? 0 : cards.length - 1
    : Math.min(Math.max(at + by, 0), cards.length - 1);
  cards[next]!.focus();
}

const KEYS: Readonly<Record<string, () => void>> = {
  ArrowLeft: () => moveFocus(-1),
  ArrowRight: () => moveFocus(1),
  p: pass,
  h: hint,
  Escape: clear,
  0: () => bid(0),
  1: () => bid(1),
  2: () => bid(2),
  3: () => bid(3),
};

document.addEventListener("keydown", (event) => {
  const { key, target, ctrlKey, altKey, metaKey } = event;
  const on = target as HTMLElement;
  if (!game?.view || ctrlKey || altKey || metaKey || on.matches("input")) {
    return;
  }
  // Enter on a card plays; on other buttons it presses them.
  if (key === "Enter" && (on.matches(".card") || !on.matches("button"))) {
    event.preventDefault();
    return playChosen();
  }
  const act = KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (!act) return;
  event.preventDefault();
  act();
});

setInterval(() => {
  const shown = document.querySelector(".clock");
  if (shown) shown.textContent = clock(game?.left ?? 0);
}, 250);

draw();
// Who was at a table before the page was loaded anew is there again.
if (settings.playing) start(settings.name).catch(() => {});
