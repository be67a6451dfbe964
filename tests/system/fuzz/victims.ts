// Victims: clients of a gateway with hostile workers, which bear whatever these do to them.

import { Box } from "@maple/box";
import { type Address, RawPeer } from "../../helpers/raw_peer.ts";
import { FuzzCmd } from "./commands.ts";
import { type Seen, VICTIMS } from "./generate/tasks.ts";

const PATIENCE_MS = 1000;
const PAUSE_MS = 20;
const TRIES = 20;

/** Clients that bear everything; they ask on, whatever they get. */
export class Victims implements AsyncDisposable {
  /** What is known of their gateway and their connections. */
  readonly seen: { tag: number; conns: number[]; delivery: number } & Seen = {
    tag: 0,
    conns: Array<number>(VICTIMS).fill(0),
    delivery: 0,
  };
  readonly #address: Address;
  readonly #peers: (RawPeer | undefined)[] = [];
  #resting = true;
  #working: Promise<unknown> = Promise.resolve();

  private constructor(address: Address) {
    this.#address = address;
  }

  /** Connects them, and finds out what is to be known; they work then. */
  static async start(address: Address): Promise<Victims> {
    const victims = new Victims(address);
    for (let i = 0; i < VICTIMS; i++) await victims.#ask(i, FuzzCmd.WHO);
    if (victims.seen.tag === 0) {
      throw new Error("The gateway's tag is not known");
    }
    victims.work();
    return victims;
  }

  /** They go on. */
  work(): void {
    if (!this.#resting) return;
    this.#resting = false;
    this.#working = Promise.all(
      Array.from({ length: VICTIMS }, (_, i) => this.#askOn(i)),
    );
  }

  /** They stop, all of them connected. */
  async rest(): Promise<void> {
    this.#resting = true;
    await this.#working;
    // Connected anew: none waits for what a hostile worker has taken away.
    for (let i = 0; i < VICTIMS; i++) {
      this.#peers[i]?.close();
      this.#peers[i] = undefined;
      for (let n = 0; n < TRIES && !this.#peers[i]; n++) {
        await this.#ask(i, FuzzCmd.WHO);
      }
    }
  }

  /** Disconnects them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#resting = true;
    await this.#working;
    for (const peer of this.#peers) peer?.close();
  }

  async #askOn(i: number): Promise<void> {
    for (let n = 0; !this.#resting; n++) {
      // WHO after each time that it was disconnected, and at times in between.
      await this.#ask(
        i,
        this.#peers[i] && n % 20 > 0 ? FuzzCmd.ECHO : FuzzCmd.WHO,
      );
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #ask(i: number, cmd: number): Promise<void> {
    try {
      const peer = this.#peers[i] ??= await RawPeer.connect(Box, this.#address);
      await peer.sendBytes(new Box({ cmd, sn: i, body: "victim" }).pack());
      const frame = await peer.nextFrame(PATIENCE_MS);
      if (!frame) {
        peer.close();
        this.#peers[i] = undefined;
      } else if (cmd === FuzzCmd.WHO) {
        this.#learn(i, Box.fromFrame(frame) as Box);
      }
    } catch {
      // Bytes that are no frame came, or nothing: a new connection.
      this.#peers[i]?.close();
      this.#peers[i] = undefined;
    }
  }

  #learn(i: number, box: Box): void {
    try {
      const { conn, tag } = box.json<{ conn: string; tag: number }>();
      if (!Number.isSafeInteger(Number(conn)) || !Number.isSafeInteger(tag)) {
        return;
      }
      this.seen.conns[i] = Number(conn);
      this.seen.tag = tag;
    } catch {
      // Something else that was sent to it.
    }
  }
}
