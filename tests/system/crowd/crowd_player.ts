// CrowdPlayer: one of many who play, each move after 0.5 to 2 s, and check all that they are told.

import { decide } from "../../../examples/doudizhu/bots.ts";
import { GameClient } from "../../../examples/doudizhu/game_client.ts";
import type { Card } from "../../../examples/doudizhu/rules/cards.ts";
import { violations } from "../../../examples/doudizhu/rules/judge.ts";
import type { Move } from "../../../examples/doudizhu/table.ts";
import type { View } from "../../../examples/doudizhu/view.ts";
import type { CrowdTotals } from "./totals.ts";

/** What all players have in common. */
export interface CrowdContext {
  /** Where they connect. */
  readonly url: string;
  /** What they see. */
  readonly totals: CrowdTotals;
  /** Milliseconds that they think, from and to. */
  readonly thinkMs: readonly [from: number, to: number];
  /** Whether the crowd goes home: no more moves. */
  over: boolean;
}

/** A player. */
export class CrowdPlayer implements AsyncDisposable {
  readonly #context: CrowdContext;
  readonly #name: string;
  readonly #token: string;
  // Moves that were sent at this table, and that of those were made, by their number.
  readonly #sent = new Map<number, Move>();
  readonly #made = new Set<number>();
  // Moves that a bot was to make, since the page was closed.
  readonly #absent = new Set<number>();
  #table = 0;
  #game: GameClient;
  #reconnects = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #plannedFor = "";
  #closing = false;

  /** Makes one; {@linkcode CrowdPlayer.connect} connects it. */
  constructor(context: CrowdContext, number: number) {
    this.#context = context;
    this.#name = `player ${number}`;
    this.#token = `${crypto.randomUUID()} ${number}`;
    this.#game = this.#newGame();
  }

  /** Whether it waits for a table. */
  get waiting(): boolean {
    return this.#game.waiting;
  }

  /** Whether it sits at a table and does not have to move just now. */
  get idle(): boolean {
    const { view } = this.#game;
    return view?.phase === "play" && view.turn !== view.you;
  }

  /** Comes in. */
  connect(): Promise<void> {
    return this.#game.connect(this.#context.url);
  }

  /** Wants a table. */
  async sit(): Promise<void> {
    await this.#game.sit();
  }

  /** Closes the page and opens it again: the hand has to be there. */
  async comeBack(): Promise<void> {
    const before = this.#game.view!;
    await this.#leavePage();
    this.#game = this.#newGame();
    this.#plannedFor = "";
    await this.connect();
    const { totals } = this.#context;
    totals.cameBack++;
    const { view } = this.#game;
    // The game may have come to its end meanwhile.
    if (!view) return this.sit();
    const isThere = view.table !== before.table ||
      view.hand.every((card) => holds(before, view, card));
    if (!isThere) totals.handsLost++;
    if (view.table !== before.table) return;
    for (let n = before.n; n < view.n; n++) this.#absent.add(n);
  }

  /** Goes home. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leavePage();
  }

  async #leavePage(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    await this.#game[Symbol.asyncDispose]();
    this.#closing = false;
  }

  #newGame(): GameClient {
    this.#reconnects = 0;
    let inGame = false;
    const game = new GameClient({
      ...{ token: this.#token, name: this.#name },
      onView: (view, before) => {
        inGame = view.phase !== "over";
        this.#check(view, before);
        this.#plan(view);
      },
      onChange: () => {
        if (this.#closing) return;
        const { server, view } = game;
        const { totals } = this.#context;
        if (server.pid > 0) totals.pids.add(server.pid);
        totals.cut += server.reconnects - this.#reconnects;
        this.#reconnects = server.reconnects;
        if (inGame && !view) {
          inGame = false;
          totals.handsLost++;
          this.#later(0, () => game.sit());
        }
      },
    });
    return game;
  }

  #check(view: View, before: View | null): void {
    const { totals } = this.#context;
    if (this.#table !== view.table) {
      this.#table = view.table;
      for (const known of [this.#sent, this.#made, this.#absent]) known.clear();
    }
    if (before?.table !== view.table) return;
    for (let n = before.n; n < view.n; n++) totals.see(view.table, n, view.you);
    if (!view.hand.every((card) => holds(before, view, card))) {
      totals.handsLost++;
    }
    if (view.phase === "over" && before.phase !== "over") this.#checkEnd(view);
  }

  #checkEnd({ table, n, you, end }: View): void {
    const { totals } = this.#context;
    const { log } = end!;
    const first = n - log.length;
    for (const [i, move] of log.entries()) {
      if (move.seat !== you) continue;
      const sent = this.#sent.get(first + i);
      if (!sent) totals.forPlayers += this.#absent.has(first + i) ? 0 : 1;
      else if (sent.bid !== move.bid || !sameCards(sent.cards, move.cards)) {
        // Another one than was sent is only all right where it was refused for that.
        if (this.#made.has(first + i)) totals.lost++;
        else totals.forPlayers++;
      }
    }
    for (const n of this.#made) {
      if (n >= first && log[n - first]?.seat !== you) totals.lost++;
    }
    if (totals.finished.has(table)) return;
    totals.finished.add(table);
    totals.violations.push(
      ...violations(end!).map((what) => `table ${table}: ${what}`),
    );
  }

  #plan(view: View): void {
    const { thinkMs: [from, to] } = this.#context;
    // The same may come twice.
    const key = `${view.table}:${view.n}:${view.phase}`;
    if (this.#plannedFor === key) return;
    this.#plannedFor = key;
    const think = from + Math.random() * (to - from);
    if (view.phase === "over") this.#later(think, () => this.#game.sit());
    else if (view.turn === view.you) this.#later(think, () => this.#move());
  }

  async #move(): Promise<void> {
    const { totals } = this.#context;
    const view = this.#game.view;
    if (!view || view.phase === "over" || view.turn !== view.you) return;
    const choice = decide(view);
    const { table, n, you } = view;
    this.#sent.set(n, { seat: you, ...choice });
    totals.send(table, n, you);
    const ret = await this.#game.move(choice);
    if (ret === 0) {
      totals.made++;
      if (this.#game.view?.table === table) this.#made.add(n);
    } else totals.refused++;
  }

  #later(ms: number, work: () => Promise<void>): void {
    clearTimeout(this.#timer);
    if (this.#context.over) return;
    this.#timer = setTimeout(() => {
      if (this.#context.over) return;
      const game = this.#game;
      work().catch(() => {
        // Who has closed the page does not wait for an answer.
        if (game === this.#game && !this.#closing) {
          this.#context.totals.refused++;
        }
      });
    }, ms);
  }
}

// Whether a card in a hand can be there: it was there before, was the landlord's, or is dealt anew.
function holds(before: View, view: View, card: Card): boolean {
  return before.hand.includes(card) || before.phase === "bid" &&
      (view.phase === "bid" || view.n > before.n + 1 ||
        view.bottom!.includes(card));
}

function sameCards(
  a: readonly Card[] | undefined,
  b: readonly Card[] | undefined,
): boolean {
  return a?.toSorted().join() === b?.toSorted().join();
}
