// Commands: has the gateways do what a worker wants of them, and tells what became of it; in tests
// the gateway in memory.

import type {
  AskOptions,
  ReceiptOptions,
  Task,
  TaskReceipt,
  WriteReceipt,
} from "@maple/box";
import {
  ANSWER_MS,
  type Asker,
  type Query,
  queryTask,
  type Receipt,
  RECEIPT_MS,
  sumReceipts,
  writeReceipt,
} from "@maple/box/internal";
import { WorkerError } from "./errors.ts";
import type { GatewayLinks } from "./gateway_links.ts";
import type { MemoryGateway } from "./memory_gateway.ts";
import type { WaitOptions } from "./task_connection.ts";

/** The commands of one worker. */
export class Commands implements Asker {
  /** Stands for a gateway where there are no links. */
  memory: MemoryGateway | undefined;
  readonly #links: GatewayLinks;

  /** @param links Those to the gateways; none before the worker is attached. */
  constructor(links: GatewayLinks) {
    this.#links = links;
  }

  /**
   * Sends a task to all gateways.
   *
   * @returns false when one of them is away; with `receipt`, what became of it.
   * @throws {WorkerError} when it is too long; by the promise, when no gateway is there, or one
   * does not tell.
   */
  toAll(task: Task): boolean;
  toAll(
    task: Task,
    options: ReceiptOptions | undefined,
  ): boolean | Promise<WriteReceipt>;
  toAll(
    task: Task,
    options?: ReceiptOptions,
  ): boolean | Promise<WriteReceipt> {
    if (options?.receipt) return this.#receiptOfAll(task, options);
    const frame = task.pack();
    this.#links.checkSize(frame.length);
    const inMemory = this.memory?.send(frame) ?? false;
    return this.#links.size > 0 ? this.#links.sendToAll(frame) : inMemory;
  }

  /** Sends a task to one gateway, in turn; see {@linkcode Commands.toAll}. */
  toOne(
    task: Task,
    options: ReceiptOptions | undefined,
  ): boolean | Promise<TaskReceipt> {
    const frame = task.pack();
    if (!options?.receipt) {
      return this.#links.sendToOne(frame) ||
        (this.memory?.send(frame) ?? false);
    }
    const wait = { ms: RECEIPT_MS, signal: options.signal };
    const receipt = this.memory && this.#links.size === 0
      ? this.memory.sendForReceipt(frame, wait)
      : this.#links.receiptOfOne(frame, wait);
    return receipt.then(({ delivered }) => ({ taken: delivered > 0 }));
  }

  /**
   * Puts a question to all gateways.
   *
   * @throws {WorkerError} by the promise, when one of them is away or does not answer.
   */
  async ask(query: Partial<Query>, { signal }: AskOptions): Promise<Receipt> {
    const parts = await this.#receipts(
      queryTask(query),
      { ms: ANSWER_MS, signal },
    );
    if (parts.length >= this.#links.size) return sumReceipts(parts);
    throw new WorkerError(
      "Cannot tell who is logged in: not all gateways are there",
    );
  }

  async #receiptOfAll(
    task: Task,
    { signal }: ReceiptOptions,
  ): Promise<WriteReceipt> {
    const parts = await this.#receipts(task, { ms: RECEIPT_MS, signal });
    const all = parts.length >= this.#links.size;
    return writeReceipt(sumReceipts(parts), all);
  }

  // deno-lint-ignore require-await -- so that an error rejects
  async #receipts(task: Task, options: WaitOptions): Promise<Receipt[]> {
    const frame = task.pack();
    if (this.memory && this.#links.size === 0) {
      return Promise.all([this.memory.sendForReceipt(frame, options)]);
    }
    this.#links.checkSize(frame.length);
    return this.#links.receiptsOfAll(frame, options);
  }
}
