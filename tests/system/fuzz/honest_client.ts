// HonestClient: wants nothing but its answers and its news, each once, in order and in time.

import { Box, type BoxClass, LineBox } from "@maple/box";
import { type PeerConn, RawPeer } from "../../helpers/raw_peer.ts";
import { FuzzCmd, NEWS_CMD } from "./commands.ts";

/** Milliseconds within which an honest request must be answered. */
export const BOUND_MS = 20_000;

/** What honest clients say and are told, in the body of each frame. */
interface Message {
  /** Whose it is. */
  readonly client: string;
  /** Which of its requests, or of its news. */
  readonly number: number;
  /** Whether it is news. */
  readonly news?: boolean;
}

/** How an honest client is made. */
export interface HonestOptions {
  /** What it is called in findings. */
  readonly name: string;
  /** Whether it speaks lines instead of boxes. */
  readonly lines?: boolean;
  /** The user that it logs in as; of one that does, news is awaited. @default none */
  readonly uid?: number;
  /** Connects it. */
  readonly connect: () => Promise<PeerConn>;
}

/** An honest client. */
export class HonestClient {
  readonly #options: HonestOptions;
  readonly #framing: BoxClass<object>;
  readonly #faults: string[];
  #peer: RawPeer | undefined;
  #sent = 0;
  #news = 0;

  /** @param faults Where it tells what has befallen it. */
  constructor(options: HonestOptions, faults: string[]) {
    this.#options = options;
    this.#faults = faults;
    this.#framing = (options.lines ? LineBox : Box) as BoxClass<object>;
  }

  /** What it is called. */
  get name(): string {
    return this.#options.name;
  }

  /** How much news it has got. */
  get news(): number {
    return this.#news;
  }

  /** Connects, and logs in. */
  async open(): Promise<void> {
    const { connect, uid } = this.#options;
    this.#peer = new RawPeer(await connect(), this.#framing);
    if (uid === undefined) return;
    await this.#send(FuzzCmd.LOGIN, { uid });
    await this.#answer(FuzzCmd.LOGIN);
  }

  /**
   * Sends a request and waits for its answer; connects again where it was disconnected, which is a
   * fault.
   */
  async ask(): Promise<void> {
    try {
      if (!this.#peer) await this.open();
      await this.#send(FuzzCmd.ECHO, {});
      await this.#answer(FuzzCmd.ECHO);
    } catch (error) {
      this.#fault((error as Error).message);
      this.close();
    }
  }

  /** Waits for news up to this number. */
  async heard(number: number): Promise<void> {
    try {
      while (this.#peer && this.#news < number) await this.#next();
    } catch (error) {
      this.#fault(`news ${number}: ${(error as Error).message}`);
    }
  }

  /** Disconnects. */
  close(): void {
    this.#peer?.close();
    this.#peer = undefined;
  }

  #fault(what: string): void {
    this.#faults.push(`honest client ${this.name}: ${what}`);
  }

  async #send(cmd: number, more: object): Promise<void> {
    const number = ++this.#sent;
    const body = JSON.stringify({ client: this.name, number, ...more });
    const frame = this.#options.lines
      ? new LineBox({ body })
      : new Box({ cmd, sn: number, body });
    await this.#peer!.sendBytes(frame.pack());
  }

  async #answer(cmd: number): Promise<void> {
    for (;;) {
      const { header, message } = await this.#next();
      if (message.news) continue;
      const { client, number } = message;
      if (client !== this.name || number !== this.#sent) {
        throw new Error(
          `request ${this.#sent} got the answer of ${client} to ${number}`,
        );
      }
      if (!header) return;
      if (header.cmd === cmd && header.sn === number && header.ret === 0) {
        return;
      }
      throw new Error(`request ${number} got the answer ${header}`);
    }
  }

  // The next frame; news is looked at.
  async #next(): Promise<{ header: Box | undefined; message: Message }> {
    const frame = await this.#peer!.nextFrame(BOUND_MS);
    if (!frame) throw new Error(`disconnected with request ${this.#sent} open`);
    const { lines } = this.#options;
    const header = lines ? undefined : Box.fromFrame(frame) as Box;
    let message: Message;
    try {
      message = (header ?? LineBox.fromFrame(frame)).json<Message>();
    } catch {
      throw new Error(
        `request ${this.#sent} got ${
          header ?? "a line"
        } that is nothing of its own`,
      );
    }
    if (message.news || header?.cmd === NEWS_CMD) this.#onNews(message);
    return { header, message };
  }

  #onNews({ client, number }: Message): void {
    if (client !== this.name) this.#fault(`got the news of ${client}`);
    else if (number !== this.#news + 1) {
      this.#fault(`got news ${number} after ${this.#news}`);
    }
    this.#news = number;
  }
}
