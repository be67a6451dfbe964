// RequestLoad: clients that send numbered requests without pause and check every answer.

import { Box, type BoxFields, TcpClient } from "@maple/box";
import type { Address } from "../helpers/raw_peer.ts";
import { LifeCmd, type Who } from "./programs/life_worker.ts";

/**
 * Clients that send numbered requests without pause, each the next one when the one before is
 * answered.
 */
export class RequestLoad implements AsyncDisposable {
  /** Requests that were answered. */
  answered = 0;
  /** How many answers each version of the code has given. */
  readonly versions = new Map<string, number>();
  readonly #running: Promise<void[]>;
  readonly #clients: TcpClient<BoxFields>[];
  #stopping = false;

  private constructor(clients: TcpClient<BoxFields>[]) {
    this.#clients = clients;
    this.#running = Promise.all(clients.map((client) => this.#run(client)));
    // It is told by `stop`; until then nobody waits for it.
    this.#running.catch(() => {});
  }

  /** Connects the clients and starts. */
  static async start(
    { hostname, port }: Address,
    count = 10,
  ): Promise<RequestLoad> {
    const clients = Array.from(
      { length: count },
      () => new TcpClient(Box, hostname, port, { timeout: 30 }),
    );
    await Promise.all(clients.map((client) => client.connect()));
    return new RequestLoad(clients);
  }

  /** How many answers a version has given. */
  by(version: string): number {
    return this.versions.get(version) ?? 0;
  }

  /**
   * Waits for the last answers.
   *
   * @throws {Error} when an answer was lost or wrong, or a client was disconnected.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** Disconnects the clients. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
    await this.#running.catch(() => {});
  }

  async #run(client: TcpClient<BoxFields>): Promise<void> {
    for (let sn = 1; !this.#stopping; sn++) {
      await client.write({ cmd: LifeCmd.WHO, sn });
      const box = await client.read();
      if (!box) throw new Error(`disconnected at request ${sn}`);
      if (box.sn !== sn || box.ret !== 0) {
        throw new Error(`request ${sn} was answered with ${box}`);
      }
      const { version } = box.json<Who>();
      this.versions.set(version, this.by(version) + 1);
      this.answered++;
    }
  }
}
