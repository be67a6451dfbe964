// Receipts: waits for what a gateway tells of the frames that it was sent on one connection.

import { AwaitedReceipts, onAbort, type Receipt } from "@maple/box/internal";
import { WorkerError } from "./errors.ts";
import type { WaitOptions } from "./task_connection.ts";

/** The receipts of one connection to a gateway. */
export class Receipts {
  /** Whether the gateway gives any: it says so in its greeting. */
  given = false;
  readonly #gateway: string;
  readonly #awaited = new AwaitedReceipts();
  readonly #waiting = new Set<(error: WorkerError) => void>();

  /** @param gateway Its host and port, for messages. */
  constructor(gateway: string) {
    this.#gateway = gateway;
  }

  /**
   * Sends a frame and waits for its receipt.
   *
   * @param send Sends it; false when the connection is gone.
   * @throws {WorkerError} by the promise: it is not sent, the gateway gives none or refuses it, or
   * none has come; the reason of `signal`.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async of(
    frame: Uint8Array,
    send: (frame: Uint8Array) => boolean,
    { ms, signal }: WaitOptions,
  ): Promise<Receipt> {
    signal?.throwIfAborted();
    if (!this.given) {
      throw this.#error(
        "this gateway gives no receipts and answers no questions, as those of the original system",
      );
    }
    return new Promise((resolve, reject) => {
      const end = (error: unknown) => {
        stop();
        reject(error);
      };
      const id = this.#awaited.expect(frame, (receipt) => {
        stop();
        if (receipt.error === "" || receipt.error.startsWith("busy")) {
          resolve(receipt);
        } else reject(this.#error(receipt.error));
      });
      const timer = setTimeout(() => {
        end(this.#error(`no answer within ${ms / 1000} s${IN_DOUBT}`));
      }, ms);
      const aborted = onAbort(signal, () => end(signal!.reason));
      const stop = () => {
        clearTimeout(timer);
        aborted[Symbol.dispose]();
        this.#awaited.forget(id);
        this.#waiting.delete(end);
      };
      this.#waiting.add(end);
      try {
        if (!send(frame)) end(this.#error("the connection is gone"));
      } catch (error) {
        end(error);
      }
    });
  }

  /** Whether a frame from the gateway is a receipt, which then goes to whoever waits for it. */
  take(frame: Uint8Array): boolean {
    return this.#awaited.take(frame) !== false;
  }

  /** The connection has ended. */
  end(): void {
    for (const end of [...this.#waiting]) {
      end(this.#error(`the connection was lost${IN_DOUBT}`));
    }
  }

  #error(why: string): WorkerError {
    return new WorkerError(`Cannot tell of gateway ${this.#gateway}: ${why}`);
  }
}

const IN_DOUBT = ": it may have been done";
