// EchoWorker: a worker that answers every request with the same box until the gateway closes.

import { type Task, TaskCmd } from "@maple/box";
import type { Address } from "./raw_peer.ts";
import { RawWorker } from "./raw_worker.ts";

const ENDED = [
  Deno.errors.BadResource,
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionReset,
  Deno.errors.Interrupted,
  Deno.errors.NotConnected,
];

/** A worker that answers every request with the same box. */
export class EchoWorker implements AsyncDisposable {
  /** All tasks that it got. */
  readonly tasks: Task[] = [];
  readonly #peer: RawWorker;
  readonly #running: Promise<void>;

  private constructor(peer: RawWorker) {
    this.#peer = peer;
    this.#running = this.#run();
  }

  /** Connects to the inner address of a gateway and asks for the first task. */
  static async attach(address: Address): Promise<EchoWorker> {
    return new EchoWorker(await RawWorker.attach(address));
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        await this.#peer.ask();
        const task = await this.#peer.next(2 ** 31 - 1);
        if (!task) return this.#peer.close();
        this.tasks.push(task);
        if (task.cmd === TaskCmd.CLIENT_REQ) {
          await this.#peer.answer(task, task.body);
        }
      }
    } catch (error) {
      // The connection broke or was closed here: that is the end as well.
      if (!ENDED.some((type) => error instanceof type)) throw error;
    }
  }

  /** Closes the connection and waits for the loop. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
    await this.#running;
  }
}
