// Commands: has the gateways do what a worker wants of them and of their users, and tells what
// became of it; in tests the gateway in memory.

import type {
  AskOptions,
  BoxClass,
  GroupsRow,
  Int64,
  ReceiptOptions,
  Task,
  TaskReceipt,
  UserSelection,
  UsersRow,
  WriteReceipt,
} from "@maple/box";
import {
  ANSWER_MS,
  closeGroupTask,
  closeUsersTask,
  joinGroupTask,
  leaveGroupTask,
  missingOf,
  type Query,
  queryTask,
  type Receipt,
  RECEIPT_MS,
  sumReceipts,
  taskReceipt,
  writeReceipt,
  writeToGroupsTask,
  writeToUsersTask,
} from "@maple/box/internal";
import type { Done, ServedUsers } from "@maple/haven/internal";
import { WorkerError } from "./errors.ts";
import type { GatewayLinks } from "./gateway_links.ts";
import type { MemoryGateway } from "./memory_gateway.ts";
import type { AllReceipts } from "./reach.ts";
import type { WaitOptions } from "./task_connection.ts";

/** The commands of one worker. */
export class Commands<F extends object> implements ServedUsers<F> {
  /** Stands for a gateway where there are no links. */
  memory: MemoryGateway | undefined;
  readonly #boxClass: BoxClass<F>;
  readonly #links: GatewayLinks;
  readonly #origin: object | undefined;
  readonly #byOrigin = new WeakMap<object, Commands<F>>();

  /**
   * @param boxClass The class of the clients' boxes.
   * @param links Those to the gateways; none before the worker is attached.
   * @param origin The connection that they go by, where they can.
   */
  constructor(
    boxClass: BoxClass<F>,
    links: GatewayLinks,
    origin?: object,
  ) {
    this.#boxClass = boxClass;
    this.#links = links;
    this.#origin = origin;
  }

  /**
   * Those that are passed on by the gateway at the other end of a connection: what a client causes
   * goes one way then, whichever worker has its request, and stays in order.
   */
  by(origin: object): Commands<F> {
    // Without a gateway there is one way only.
    if (this.memory) return this;
    let commands = this.#byOrigin.get(origin);
    if (!commands) {
      commands = new Commands(this.#boxClass, this.#links, origin);
      this.#byOrigin.set(origin, commands);
    }
    return commands;
  }

  /** Sends messages to users of all gateways; see {@linkcode Commands.toAll}. */
  write(rows: readonly UsersRow<F>[], options?: ReceiptOptions): Done {
    return this.toAll(writeToUsersTask(this.#boxClass, rows), options);
  }

  /** Closes the connections of users of all gateways, likewise. */
  close(
    { uids, userdata, exclude }: UserSelection,
    options?: ReceiptOptions,
  ): Done {
    return this.toAll(closeUsersTask(uids, userdata, exclude), options);
  }

  /** Sends messages to groups of all gateways, likewise. */
  writeToGroups(rows: readonly GroupsRow<F>[], options?: ReceiptOptions): Done {
    return this.toAll(writeToGroupsTask(this.#boxClass, rows), options);
  }

  /** Closes the members of a group of all gateways, likewise. */
  closeGroup(name: string, options?: ReceiptOptions): Done {
    return this.toAll(closeGroupTask(name), options);
  }

  /** Makes the connections of users of all gateways join a group. */
  joinGroup(name: string, uids: readonly Int64[]): boolean {
    const task = joinGroupTask(name, uids);
    return task === undefined || this.toAll(task);
  }

  /** Makes them leave it. */
  leaveGroup(name: string, uids: readonly Int64[]): boolean {
    const task = leaveGroupTask(name, uids);
    return task === undefined || this.toAll(task);
  }

  /**
   * Sends a task to all users.
   *
   * @returns false when it does not get to all gateways; with `receipt`, what became of it.
   * @throws {WorkerError} when it is too long; by the promise, when no gateway is there, or one
   * does not tell.
   */
  toAll(task: Task): boolean;
  toAll(task: Task, options: ReceiptOptions | undefined): Done;
  toAll(task: Task, options?: ReceiptOptions): Done {
    if (options?.receipt) return this.#receiptOfAll(task, options);
    const frame = task.pack();
    this.#links.checkSize(frame.length);
    const inMemory = this.memory?.send(frame) ?? false;
    return this.#links.size > 0
      ? this.#links.reach.sendToAll(frame, this.#origin)
      : inMemory;
  }

  /** Sends a task to one gateway, in turn; see {@linkcode Commands.toAll}. */
  toOne(
    task: Task,
    options: ReceiptOptions | undefined,
  ): boolean | Promise<TaskReceipt> {
    const frame = task.pack();
    if (!options?.receipt) {
      return this.#links.reach.sendToOne(frame) ||
        (this.memory?.send(frame) ?? false);
    }
    const wait = { ms: RECEIPT_MS, signal: options.signal };
    const receipt = this.memory && this.#links.size === 0
      ? this.memory.sendForReceipt(frame, wait)
      : this.#links.reach.receiptOfOne(frame, wait);
    return receipt.then(taskReceipt);
  }

  /**
   * Puts a question to all gateways.
   *
   * @throws {WorkerError} by the promise, when one of them is away or does not answer.
   */
  async ask(query: Partial<Query>, { signal }: AskOptions): Promise<Receipt> {
    const { receipts, isWhole } = await this.#receipts(
      queryTask(query),
      { ms: ANSWER_MS, signal },
    );
    const receipt = sumReceipts(receipts);
    const missing = isWhole ? missingOf(receipt) : "not all gateways are there";
    if (missing === undefined) return receipt;
    throw new WorkerError(`Cannot tell who is logged in: ${missing}`);
  }

  async #receiptOfAll(
    task: Task,
    { signal }: ReceiptOptions,
  ): Promise<WriteReceipt> {
    const wait = { ms: RECEIPT_MS, signal };
    const { receipts, isWhole } = await this.#receipts(task, wait);
    return writeReceipt(sumReceipts(receipts), isWhole);
  }

  // deno-lint-ignore require-await -- so that an error rejects
  async #receipts(task: Task, options: WaitOptions): Promise<AllReceipts> {
    const frame = task.pack();
    if (this.memory && this.#links.size === 0) {
      return this.memory.sendForReceipt(frame, options)
        .then((receipt) => ({ receipts: [receipt], isWhole: true }));
    }
    this.#links.checkSize(frame.length);
    return this.#links.reach.receiptsOfAll(frame, options, this.#origin);
  }
}
