// GameClient: a player's side of the messages, for the page and for the crowd. It stays connected,
// keeps the newest view, repeats what was not answered, and asks when it hears nothing for long.

import { Box, type BoxFields, Client, RET } from "@maple/box/client";
import type { Choice } from "./bots.ts";
import {
  type ChatBody,
  Cmd,
  type EnterAnswer,
  Ret,
  type ServerLine,
  type SitAnswer,
} from "./messages.ts";
import type { View } from "./view.ts";

/** Settings of {@linkcode GameClient}. */
export interface GameClientOptions {
  /** The player's secret, 16 to 64 characters. */
  readonly token: string;
  /** What the others see. */
  readonly name: string;
  /** Is called when anything has changed. */
  readonly onChange?: () => void;
  /** Is called with each newer view, and the one before. */
  readonly onView?: (view: View, before: View | null) => void;
  /** Is called with what is said at the table, once for each line. */
  readonly onChat?: (chat: ChatBody) => void;
}

/** What is known of the server: that workers come and go shows here, and nowhere else. */
export interface ServerSeen extends ServerLine {
  /** How often the process in a worker's place was another one than before, at most. */
  readonly reloads: number;
  /** How often the connection was lost and made again. */
  readonly reconnects: number;
}

// What a worker could not do, another one can: the same again.
const AGAIN: readonly number[] = [RET.WORKER_LOST, RET.INTERNAL, RET.BUSY];
const ATTEMPTS = 6;
const WATCH_MS = 1000;
// How long after the end of a turn, and in the hall, nothing may be heard.
const SILENCE_MS = 3000;
// Lines of the chat that are known when they come again.
const HEARD_MAX = 100;

/** A player at the server. */
export class GameClient implements AsyncDisposable {
  /** The table, as it was told last; null before the first. */
  view: View | null = null;
  /** Whether the player waits in the hall. */
  waiting = false;
  /** All that was won and lost. */
  score = 0;
  /** Whether it is connected and known. */
  connected = false;
  /** Whether the server knows this connection no more: the same player has come by another one. */
  replaced = false;
  readonly #client: Client<BoxFields>;
  readonly #options: GameClientOptions;
  readonly #pids = new Map<number, Set<number>>();
  readonly #watch: ReturnType<typeof setInterval>;
  #server: ServerLine = { worker: 0, pid: 0 };
  #connections = 0;
  // When something is to be heard at the latest, and when the turn is over, by performance.now().
  #silentUntil = Infinity;
  #turnEnds = 0;
  #leftTable = 0;
  // The number of the last line: above those of the page before it was loaded anew.
  #said = Date.now();
  readonly #heard = new Set<string>();

  /** Makes one; {@linkcode GameClient.connect} connects it. */
  constructor(options: GameClientOptions) {
    this.#options = options;
    const client = this.#client = new Client(Box, { maxDelay: 5 });
    client.onConnect(async (session) => {
      const { token, name } = options;
      const body = { token, name };
      const box = await session.request({ cmd: Cmd.ENTER, body });
      if (box.ret !== 0) throw new Error(`ENTER: ret ${box.ret}`);
      this.#onEnter(box.json<EnterAnswer>());
    });
    client.onStateChange((state) => {
      this.connected = state === "open";
      // What was asked just before may not have been heard.
      if (state === "open" && this.waiting) this.sit().catch(() => {});
      this.#changed();
    });
    client.on(Cmd.TABLE, (box) => this.#onView(box.json<View & ServerLine>()));
    client.on(Cmd.CHAT, (box) => this.#onChat(box.json<ChatBody>()));
    this.#watch = setInterval(() => this.#lookAround(), WATCH_MS);
  }

  /** What is known of the server. */
  get server(): ServerSeen {
    const times = [...this.#pids.values()].map(({ size }) => size - 1);
    return {
      ...this.#server,
      reloads: Math.max(0, ...times),
      reconnects: Math.max(0, this.#connections - 1),
    };
  }

  /** Milliseconds that are left of the turn. */
  get left(): number {
    return Math.max(0, this.#turnEnds - performance.now());
  }

  /** Connects; resolves when the player is known. */
  connect(url: string): Promise<void> {
    return this.#client.connect(url);
  }

  /** Plays here again, after the same player has come by another connection. */
  async comeBack(): Promise<void> {
    await this.#enter();
    if (!this.view) await this.sit();
  }

  /** Wants a table. */
  async sit(): Promise<void> {
    this.waiting = true;
    this.#hearWithin(2 * SILENCE_MS);
    this.#changed();
    let { ret, body } = await this.#ask<SitAnswer>(Cmd.SIT, {});
    if (ret === Ret.NOT_KNOWN) {
      // The store has lost what it had.
      await this.#enter();
      ({ ret, body } = await this.#ask<SitAnswer>(Cmd.SIT, {}));
    }
    if (body?.view) this.#onView({ ...body.view, ...body });
    else this.#changed();
  }

  /**
   * Makes a move at the table as it is seen.
   *
   * @returns 0, or why it was refused, one of `Ret`.
   */
  async move(choice: Choice): Promise<number> {
    const { table, n } = this.view!;
    const cmd = "bid" in choice ? Cmd.BID : Cmd.PLAY;
    const { ret } = await this.#ask(cmd, { table, n, ...choice });
    if (ret === Ret.NO_TABLE && this.view?.table === table) this.#forget();
    return ret;
  }

  /** Leaves the table. */
  async leave(): Promise<void> {
    if (!this.view) return;
    const { table } = this.view;
    this.#leftTable = table;
    this.#forget();
    await this.#ask(Cmd.LEAVE, { table });
  }

  /** Says something at the table. */
  async say(text: string): Promise<void> {
    if (!this.view) return;
    const n = ++this.#said;
    await this.#ask(Cmd.SAY, { table: this.view.table, n, text });
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    await this.#client[Symbol.asyncDispose]();
  }

  // Once more, by a connection that is there already.
  async #enter(): Promise<void> {
    const { token, name } = this.#options;
    const { ret, body } = await this.#ask<EnterAnswer>(Cmd.ENTER, {
      token,
      name,
    });
    if (ret !== 0) return;
    this.#connections--;
    this.#onEnter(body!);
  }

  #onEnter(body: EnterAnswer): void {
    this.#connections++;
    this.replaced = false;
    if (body.view) this.#onView({ ...body.view, ...body });
    // The table is not there any more.
    else if (this.view && this.view.phase !== "over") this.view = null;
    this.score = body.score;
    this.#seen(body);
    this.#changed();
  }

  // What another worker tells again was told.
  #onChat(chat: ChatBody): void {
    const key = `${chat.table} ${chat.seat} ${chat.n}`;
    if (this.#heard.has(key)) return;
    this.#heard.add(key);
    const [oldest] = this.#heard;
    if (this.#heard.size > HEARD_MAX) this.#heard.delete(oldest!);
    this.#options.onChat?.(chat);
  }

  #onView(view: View & ServerLine): void {
    this.#seen(view);
    const before = this.view;
    const isOlder = view.table <= this.#leftTable ||
      (before !== null && (view.table < before.table ||
        (view.table === before.table && view.n < before.n)));
    if (isOlder) return;
    this.view = view;
    this.waiting = false;
    this.#turnEnds = performance.now() + view.left;
    if (view.phase === "over") {
      this.#silentUntil = Infinity;
      if (before?.phase !== "over") this.score += view.end!.scores[view.you]!;
    } else this.#hearWithin(view.left + SILENCE_MS);
    this.#options.onView?.(view, before);
    this.#changed();
  }

  #seen({ worker, pid }: ServerLine): void {
    this.#server = { worker, pid };
    const pids = this.#pids.get(worker) ?? new Set();
    this.#pids.set(worker, pids.add(pid));
  }

  // A message may be lost with a connection; then the table is asked for.
  async #lookAround(): Promise<void> {
    if (performance.now() < this.#silentUntil || !this.connected) return;
    this.#hearWithin(SILENCE_MS);
    try {
      if (this.waiting) return await this.sit();
      const { table } = this.view!;
      const { ret, body } = await this.#ask<View & ServerLine>(Cmd.LOOK, {
        table,
      });
      if (ret === 0) this.#onView(body!);
      else if (ret === Ret.NO_TABLE || ret === Ret.NOT_YOURS) {
        this.#forget();
      }
    } catch {
      // It is asked for again soon.
    }
  }

  #isReplaced(): void {
    this.replaced = true;
    this.waiting = false;
    this.#silentUntil = Infinity;
    this.#changed();
  }

  #forget(): void {
    this.view = null;
    this.#silentUntil = Infinity;
    this.#changed();
  }

  #hearWithin(ms: number): void {
    this.#silentUntil = performance.now() + ms;
  }

  async #ask<T extends object>(
    cmd: number,
    body: object,
  ): Promise<{ ret: number; body: T | undefined }> {
    for (let attempt = 1;; attempt++) {
      const data = { cmd, body: body as Record<string, never> };
      const box = await this.#client.request(data, {
        retry: true,
        timeout: 30,
      });
      if (box.ret === Ret.ENTER_FIRST) this.#isReplaced();
      if (AGAIN.includes(box.ret) && attempt < ATTEMPTS) {
        await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
        continue;
      }
      const answer = box.body.length > 0 ? box.json<T>() : undefined;
      if (answer && "pid" in answer) {
        this.#seen(answer as unknown as ServerLine);
      }
      return { ret: box.ret, body: answer };
    }
  }

  #changed(): void {
    this.#options.onChange?.();
  }
}
