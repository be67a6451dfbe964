// Skynet: its gate and one service behind it, in one process with threads.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free_port.ts";
import type { LoadFlags } from "./generator.ts";
import { Program } from "./program.ts";

const SERVICES = fileURLToPath(
  new URL("../programs/peers/skynet", import.meta.url),
);
// As in the examples that come with it.
const THREADS = 8;

/** A skynet with a gate and a service. */
export class Skynet implements AsyncDisposable {
  /** What the load tool is to speak: the gate's messages have two bytes of length before them. */
  static readonly flags: LoadFlags = { prefix: 2 };
  /** Where clients connect. */
  readonly port: number;
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
    this.port = program.port();
  }

  /**
   * Starts it and waits until the gate listens; undefined where it is missing.
   *
   * @param peers The folder of the other systems.
   * @param state Where it may write.
   */
  static async start(
    peers: string,
    state: string,
  ): Promise<Skynet | undefined> {
    const folder = join(peers, "skynet");
    const env = {
      SKYNET: folder,
      SERVICES,
      LOG: join(state, "skynet.log"),
      PORT: String(freePort()),
      THREADS: String(THREADS),
    };
    try {
      const command = [join(folder, "skynet"), join(SERVICES, "config.lua")];
      const program = await Program.start(command, { env, ready: /^ready/ });
      return new Skynet(program);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Ends it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}
