// Robot: a player without a person, for a hall that is not empty: a client as the page is one.

import { decide } from "./bots.ts";
import { GameClient } from "./game_client.ts";
import type { View } from "./view.ts";

const THINK_MS = [500, 2000] as const;

/** Plays one game after the other. */
export class Robot implements AsyncDisposable {
  readonly #game: GameClient;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #plannedFor = "";

  /** Makes one. */
  constructor(name: string) {
    const token = crypto.randomUUID();
    const onView = (view: View) => this.#onView(view);
    this.#game = new GameClient({ token, name, onView });
  }

  /** Comes in and sits down. */
  async play(url: string): Promise<void> {
    await this.#game.connect(url);
    await this.#game.sit();
  }

  /** Goes home. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    await this.#game[Symbol.asyncDispose]();
  }

  #onView(view: View): void {
    const { table, n, phase, turn, you } = view;
    const isOver = phase === "over";
    // The same may be told twice.
    const key = `${table}:${n}`;
    if (key === this.#plannedFor || (!isOver && turn !== you)) return;
    this.#plannedFor = key;
    const [from, to] = THINK_MS;
    this.#timer = setTimeout(() => {
      const done = isOver ? this.#game.sit() : this.#game.move(decide(view));
      // What is not answered is played by the server in the end.
      done.catch(() => {});
    }, from + Math.random() * (to - from));
  }
}
