// NatsService: a nats-server with one service behind it, in a process of its own.

import type { LoadFlags } from "./generator.ts";
import { NatsServer } from "./nats_server.ts";
import { Program } from "./program.ts";

const SUBJECT = "echo";

/** A nats-server with a service that answers requests. */
export class NatsService implements AsyncDisposable {
  /** What the load tool is to speak. */
  static readonly flags: LoadFlags = { nats: SUBJECT };
  /** Where clients connect. */
  readonly port: number;
  readonly #running: AsyncDisposableStack;

  private constructor(port: number, running: AsyncDisposableStack) {
    this.port = port;
    this.#running = running;
  }

  /**
   * Starts both and waits until the service has subscribed; undefined where no nats-server is
   * installed.
   *
   * @param folder Where the server may write which ports it has got.
   */
  static async start(folder: string): Promise<NatsService | undefined> {
    await using starting = new AsyncDisposableStack();
    try {
      const { port } = starting.use(await NatsServer.start(folder));
      const args = [String(port), SUBJECT];
      starting.use(
        await Program.deno("programs/peers/nats_service.ts", args, {
          ready: /^ready/,
        }),
      );
      return new NatsService(port, starting.move());
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Ends both. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#running.disposeAsync();
  }
}
