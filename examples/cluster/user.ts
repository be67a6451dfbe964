// User: somebody who plays, and writes to others, wherever they are.

import { Box, Client } from "@maple/box";
import { pause } from "./say.ts";
import { Cmd } from "./worker.ts";

/** What all users count together. */
export const totals = {
  ...{ sent: 0, answered: 0, cut: 0, failed: 0 },
  ...{ whispers: 0, across: 0, absent: 0, got: 0, broadcasts: 0 },
  ...{ twice: 0, twiceMoving: 0 },
};

const MOMENT_MS = 2000;

/** Somebody who plays, and writes to others. */
export class User implements AsyncDisposable {
  /** Who he is. */
  readonly uid: number;
  /** The gateway that he is at. */
  node = -1;
  /** How often he had no connection. */
  cuts = 0;
  readonly #client = new Client(Box, {
    ...{ moveCmd: Cmd.MOVE_AWAY, minDelay: 0.1, timeout: 10 },
  });
  readonly #seen = new Set<string>();
  #cameAt = 0;
  #isOver = false;
  #playing: Promise<void> | undefined;

  /** He is not connected yet. */
  constructor(uid: number) {
    this.uid = uid;
    this.#client.onConnect(async (session) => {
      this.#cameAt = performance.now();
      const answer = await session.request({ cmd: Cmd.LOGIN, body: { uid } });
      this.node = answer.json<{ node: number }>().node;
    });
    this.#client.onStateChange((state) => {
      if (state !== "waiting") return;
      this.cuts++;
      this.node = -1;
    });
    this.#client.on(Cmd.LINE, (box) => this.#onLine(box.text()));
  }

  /** Connects, and logs in. */
  async connect(port: number): Promise<void> {
    await this.#client.connect(`tcp://127.0.0.1:${port}`);
  }

  /** Begins to play, and to write to the others. */
  play(all: readonly User[]): void {
    this.#playing = this.#play(all);
  }

  /** Does nothing more; resolves when what he has begun is done. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#playing;
  }

  /** Disconnects. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  async #play(all: readonly User[]): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      const whom = n % 2 === 0 ? undefined : all[(this.uid + n) % all.length]!;
      const { cuts } = this;
      totals.sent++;
      try {
        const answer = await this.#client.request(
          whom
            ? {
              cmd: Cmd.WHISPER,
              body: { to: whom.uid, line: `${this.uid}'s line ${n}` },
            }
            : { cmd: Cmd.MOVE },
        );
        totals.answered++;
        if (whom) this.#onWhispered(whom, answer);
      } catch {
        // Its gateway was killed, and the request with it: the client knows, and may ask again.
        if (this.cuts > cuts) totals.cut++;
        else totals.failed++;
      }
      await pause(0.01);
    }
  }

  #onWhispered(whom: User, answer: Box): void {
    const { delivered } = answer.json<{ delivered: number }>();
    if (delivered === 0) totals.absent++;
    totals.whispers++;
    if (whom.node !== this.node) totals.across++;
  }

  #onLine(line: string): void {
    if (this.#seen.has(line)) {
      // For the moment until all gateways know of a login a user is at two of them.
      if (performance.now() < this.#cameAt + MOMENT_MS) totals.twiceMoving++;
      else totals.twice++;
      return;
    }
    this.#seen.add(line);
    if (line.includes("'s line")) totals.got++;
    else totals.broadcasts++;
  }
}
