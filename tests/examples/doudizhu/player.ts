// PlayerAt: a player as a test needs it: reads what it is told, and asks.

import type { Box } from "@maple/box";
import { decide } from "../../../examples/doudizhu/bots.ts";
import { Cmd, type EnterAnswer } from "../../../examples/doudizhu/messages.ts";
import type { View } from "../../../examples/doudizhu/view.ts";
import { eventually } from "../../helpers/eventually.ts";

/** What it needs of a client. */
export interface PlayerClient {
  request(data: { cmd: number; body?: unknown }): Promise<Box>;
  on(cmd: number, handler: (box: Box) => void): () => void;
}

/** A player. */
export class PlayerAt {
  readonly client: PlayerClient;
  readonly token: string;
  /** All views that came, the newest last. */
  readonly views: View[] = [];
  readonly chat: { seat: number; text: string }[] = [];

  constructor(name: string, client: PlayerClient) {
    this.client = client;
    this.token = `the secret of ${name}`;
    client.on(Cmd.TABLE, (box) => this.views.push(box.json<View>()));
    client.on(Cmd.CHAT, (box) => this.chat.push(box.json()));
  }

  /** The newest view. */
  get view(): View {
    return this.views.reduce((best, view) =>
      view.table > best.table || (view.table === best.table && view.n >= best.n)
        ? view
        : best
    );
  }

  async ask<T>(cmd: number, body: unknown = {}): Promise<T & { ret: number }> {
    const box = await this.client.request({ cmd, body });
    return { ...(box.body.length > 0 ? box.json<T>() : {} as T), ret: box.ret };
  }

  enter(): Promise<EnterAnswer & { ret: number }> {
    const name = this.token.split(" ").at(-1);
    return this.ask(Cmd.ENTER, { token: this.token, name });
  }

  /** Waits until it is told something that fits. */
  async sees(what: string, fits: (view: View) => boolean): Promise<View> {
    await eventually(() => this.views.length > 0 && fits(this.view), {
      timeout: 60_000,
      what,
    });
    return this.view;
  }

  /** Makes the move that a bot would make, so many times. */
  async move(times = 1): Promise<number[]> {
    const { table, n, ...view } = this.view;
    const choice = decide({ table, n, ...view });
    const cmd = "bid" in choice ? Cmd.BID : Cmd.PLAY;
    const answers = await Promise.all(
      Array.from(
        { length: times },
        () => this.ask(cmd, { table, n, ...choice }),
      ),
    );
    return answers.map(({ ret }) => ret);
  }
}
