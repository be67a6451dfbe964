// Trigger: makes things happen from outside: messages to users, tasks for workers, closed
// connections.

import type {
  AskOptions,
  BanOptions,
  BoxClass,
  BoxData,
  BoxFields,
  DrainOptions,
  GroupsRow,
  Int64,
  ReceiptOptions,
  SendOptions,
  Task,
  TaskReceipt,
  UsersOptions,
  UsersRow,
  WorkerTaskParams,
  WriteReceipt,
} from "@maple/box";
import {
  type Asker,
  askGroupMembers,
  askGroupSize,
  askOnline,
  askUsers,
  banTask,
  closeGroupTask,
  closeUsersTask,
  drainTask,
  flushLog,
  joinGroupTask,
  leaveGroupTask,
  onAbort,
  sumReceipts,
  taskReceipt,
  writeReceipt,
  writeToGroupsTask,
  writeToUsersTask,
  writeToWorkerTask,
} from "@maple/box/internal";
import { Calls } from "./calls.ts";
import { TriggerError } from "./errors.ts";
import { GatewayLinks, type Receipts } from "./gateway_links.ts";
import {
  checkGateways,
  type ResolvedOptions,
  resolveOptions,
  type TriggerGateway,
  type TriggerOptions,
} from "./options.ts";

/** What became of a ban. */
export interface BanReceipt {
  /** How many clients were closed. */
  readonly closed: number;
  /** Whether all gateways have told; else it holds at some of them only. */
  readonly complete: boolean;
  /** The nodes of the gateways of a cluster that have not; left out where there are none. */
  readonly missingNodes?: readonly number[];
}

/**
 * Sends to gateways from outside: messages to users, tasks for workers, closed connections. It
 * connects at the first use. Calls need not be awaited one by one: each gateway gets what is sent
 * to it in the order of the calls.
 *
 * Each call resolves to true when the gateways have taken the message, as far as they give
 * receipts: see {@linkcode Trigger.send}. With `receipt: true` it tells what became of it.
 *
 * With several gateways what is meant for users and clients goes to all of them, and a task for a
 * worker to one, in turn. Gateways of one cluster are as one: it goes by one of them, or another
 * that these tell of when it is gone.
 *
 * @typeParam F The fields of the box's header.
 *
 * @example
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { Trigger } from "@maple/trigger";
 *
 * await using trigger = new Trigger(Box, "127.0.0.1", 28000);
 * await trigger.writeToUsers([[[1, 2], { cmd: 1, body: "hi" }]]);
 * await trigger.writeToWorker({ cmd: 7, body: { game: 3 } }, { uid: 1 });
 * ```
 */
export class Trigger<F extends object = BoxFields> implements AsyncDisposable {
  /** The class of the boxes that clients speak. */
  readonly boxClass: BoxClass<F>;
  readonly #options: ResolvedOptions;
  readonly #links: GatewayLinks;
  readonly #calls: Calls;
  #closing: Promise<boolean> | undefined;
  readonly #abort: Disposable;

  /**
   * A trigger for one gateway.
   *
   * @param boxClass The class of the boxes that clients speak.
   * @param host Where the gateway is. Default "127.0.0.1".
   * @param port Its inner port. Default 28000.
   * @throws {TriggerError} `option` when the port or an option is out of its range.
   */
  constructor(
    boxClass: BoxClass<F>,
    host?: string,
    port?: number,
    options?: TriggerOptions,
  );
  /**
   * A trigger for several gateways.
   *
   * @param boxClass The class of the boxes that clients speak.
   * @param gateways Where they are.
   * @throws {TriggerError} `option` when there is no gateway, or a port or an option is out of its
   * range.
   */
  constructor(
    boxClass: BoxClass<F>,
    gateways: readonly TriggerGateway[],
    options?: TriggerOptions,
  );
  constructor(
    boxClass: BoxClass<F>,
    where: string | readonly TriggerGateway[] = "127.0.0.1",
    more?: number | TriggerOptions,
    last?: TriggerOptions,
  ) {
    const one = typeof where === "string";
    const gateways = one
      ? [{ host: where, port: (more as number | undefined) ?? 28000 }]
      : where;
    checkGateways(gateways);
    this.boxClass = boxClass;
    this.#options = resolveOptions(
      (one ? last : more as TriggerOptions | undefined) ?? {},
    );
    this.#links = new GatewayLinks(gateways, this.#options);
    this.#calls = new Calls(this.#options);
    this.#abort = onAbort(this.#options.signal, () => this.#giveUp());
  }

  /**
   * Connects to all gateways, to one of a cluster, which the first use does as well.
   *
   * @returns Whether all could be reached; always true with `ensure`.
   * @throws {TriggerError} with `ensure`, `timeout`; always, `closed`.
   */
  connect(): Promise<boolean> {
    return this.#calls.succeeds(() => this.#links.connect());
  }

  /**
   * Gives workers a task, which any of them may get. Its request says that it is `inner`.
   *
   * @param data A box, the fields to make one from, or the packed bytes of one.
   * @returns See {@linkcode Trigger.send}; with `receipt`, whether the queue has it.
   * @throws {TriggerError} as `send`; a BoxError when `data` or `params` do not fit.
   */
  writeToWorker(
    data: BoxData<F>,
    params: WorkerTaskParams | undefined,
    options: ReceiptOptions,
  ): Promise<TaskReceipt>;
  /** The same without a receipt. */
  writeToWorker(
    data: BoxData<F>,
    params?: WorkerTaskParams,
    options?: SendOptions,
  ): Promise<boolean>;
  async writeToWorker(
    data: BoxData<F>,
    params: WorkerTaskParams = {},
    options: SendOptions | ReceiptOptions = {},
  ): Promise<boolean | TaskReceipt> {
    const task = writeToWorkerTask(this.boxClass, data, params);
    if (!options.receipt) return this.#send(task, options);
    const { receipts: [receipt] } = await this.#receiptsOf(task, options);
    return taskReceipt(receipt!);
  }

  /**
   * Sends messages to users, all rows in one frame.
   *
   * @param rows For each message: the uids (-1 = all logged-in connections, -2 = all, -3 = those
   * not logged in), the box, the bits of userdata that a connection must have (0 = none), the uids
   * that are left out.
   * @returns See {@linkcode Trigger.send}; with `receipt`, what became of it.
   * @throws {TriggerError} as `send`; a BoxError when a row does not fit.
   *
   * @example
   * ```ts ignore
   * import { Box } from "@maple/box";
   * import { Trigger } from "@maple/trigger";
   *
   * await using trigger = new Trigger(Box);
   * await trigger.writeToUsers([
   *   [[1, 2], { cmd: 1, body: "you two" }],
   *   [[-1], { cmd: 2, body: "all with bit 4 but user 7" }, 4, [7]],
   * ]);
   * const { delivered, offline } = await trigger.writeToUsers(
   *   [[[1, 2], { cmd: 1, body: "are you there?" }]],
   *   { receipt: true },
   * );
   * ```
   */
  writeToUsers(
    rows: readonly UsersRow<F>[],
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  /** The same without a receipt. */
  writeToUsers(
    rows: readonly UsersRow<F>[],
    options?: SendOptions,
  ): Promise<boolean>;
  // deno-lint-ignore require-await -- so that an error rejects
  async writeToUsers(
    rows: readonly UsersRow<F>[],
    options: SendOptions | ReceiptOptions = {},
  ): Promise<boolean | WriteReceipt> {
    return this.#write(writeToUsersTask(this.boxClass, rows), options);
  }

  /**
   * Closes users' connections.
   *
   * @param uids As in {@linkcode Trigger.writeToUsers}, and so are the others.
   * @returns See {@linkcode Trigger.send}; with `receipt`, `delivered` counts the connections that
   * are closed.
   * @throws {TriggerError} as `send`; a BoxError when a value is no 64-bit integer.
   */
  closeUsers(
    uids: readonly Int64[],
    userdata: Int64 | undefined,
    exclude: readonly Int64[] | undefined,
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  /** The same without a receipt. */
  closeUsers(
    uids: readonly Int64[],
    userdata?: Int64,
    exclude?: readonly Int64[],
    options?: SendOptions,
  ): Promise<boolean>;
  // deno-lint-ignore require-await -- so that an error rejects
  async closeUsers(
    uids: readonly Int64[],
    userdata: Int64 = 0,
    exclude: readonly Int64[] = [],
    options: SendOptions | ReceiptOptions = {},
  ): Promise<boolean | WriteReceipt> {
    return this.#write(closeUsersTask(uids, userdata, exclude), options);
  }

  /**
   * Sends messages to the members of groups, all rows in one frame.
   *
   * @param rows For each message: the names of the groups, the box, and of which members: the bits
   * of userdata that they must have, the uids that are left out. Who is in several of its groups
   * gets it once.
   * @returns See {@linkcode Trigger.send}; with `receipt`, what became of it.
   * @throws {TriggerError} as `send`; a BoxError when a row does not fit.
   *
   * @example
   * ```ts ignore
   * await trigger.writeToGroups([
   *   [["table:7"], { cmd: 1, body: "your table" }],
   *   [["table:7", "lobby"], { cmd: 2 }, { userdata: 4, exclude: [7] }],
   * ]);
   * ```
   */
  writeToGroups(
    rows: readonly GroupsRow<F>[],
    options: ReceiptOptions,
  ): Promise<WriteReceipt>;
  /** The same without a receipt. */
  writeToGroups(
    rows: readonly GroupsRow<F>[],
    options?: SendOptions,
  ): Promise<boolean>;
  // deno-lint-ignore require-await -- so that an error rejects
  async writeToGroups(
    rows: readonly GroupsRow<F>[],
    options: SendOptions | ReceiptOptions = {},
  ): Promise<boolean | WriteReceipt> {
    return this.#write(writeToGroupsTask(this.boxClass, rows), options);
  }

  /**
   * Makes the connections of users join a group.
   *
   * @param name 1 to 128 bytes of UTF-8.
   * @param uids As in {@linkcode Trigger.writeToUsers}.
   * @returns See {@linkcode Trigger.send}.
   * @throws {TriggerError} as `send`; a BoxError when the name is none, or a uid no 64-bit integer.
   */
  async joinGroup(name: string, uids: readonly Int64[]): Promise<boolean> {
    const task = joinGroupTask(name, uids);
    return task === undefined || await this.send(task);
  }

  /** Makes the connections of users leave a group; see {@linkcode Trigger.joinGroup}. */
  async leaveGroup(name: string, uids: readonly Int64[]): Promise<boolean> {
    const task = leaveGroupTask(name, uids);
    return task === undefined || await this.send(task);
  }

  /**
   * Closes the connections of the members of a group.
   *
   * @returns See {@linkcode Trigger.send}; with `receipt`, `delivered` counts the connections that
   * are closed.
   * @throws {TriggerError} as `send`; a BoxError when the name is none.
   */
  closeGroup(name: string, options: ReceiptOptions): Promise<WriteReceipt>;
  /** The same without a receipt. */
  closeGroup(name: string, options?: SendOptions): Promise<boolean>;
  // deno-lint-ignore require-await -- so that an error rejects
  async closeGroup(
    name: string,
    options: SendOptions | ReceiptOptions = {},
  ): Promise<boolean | WriteReceipt> {
    return this.#write(closeGroupTask(name), options);
  }

  /**
   * Closes all clients of an address, and has the gateways let no other ones in for a while; a ban
   * before that of the same address is forgotten. Where gateways have secrets it takes an admin's.
   *
   * @throws {TriggerError} as `send` with `receipt`: `refused` when the address or the seconds do
   * not fit, or the gateway has 10,000 bans already.
   *
   * @example
   * ```ts ignore
   * await trigger.ban({ address: "192.0.2.0/24", seconds: 600 });
   * ```
   */
  async ban(ban: BanOptions, options: AskOptions = {}): Promise<BanReceipt> {
    const { delivered: closed, complete, missingNodes } = await this.send(
      banTask(ban),
      { ...options, receipt: true },
    );
    return { closed, complete, ...(missingNodes && { missingNodes }) };
  }

  /**
   * Has a gateway leave as `--lame-duck` does: its clients are asked to move one after the other,
   * then it closes, and its program ends. Where gateways have secrets it takes an admin's.
   *
   * @throws {TriggerError} as `send` with `receipt`: `refused` when the seconds do not fit, or none
   * of the gateways has that node.
   *
   * @example
   * ```ts ignore
   * await trigger.drain({ node: 3, seconds: 60 });
   * ```
   */
  async drain(drain: DrainOptions, options: AskOptions = {}): Promise<void> {
    const { delivered, complete } = await this.send(drainTask(drain), {
      ...options,
      receipt: true,
    });
    if (delivered > 0) return;
    throw new TriggerError(
      "refused",
      `Cannot drain node ${drain.node}: no gateway that was asked has this number${
        complete ? "" : ", and not all have told"
      }`,
    );
  }

  /**
   * Which of the users are logged in, in the order given.
   *
   * @throws {TriggerError} `timeout` when a gateway has not answered within 2 s (or `timeout`, if
   * that is less); `unsupported` when one answers no questions; otherwise as `send`.
   *
   * @example
   * ```ts ignore
   * const here = await trigger.online([1, 2, 3]);
   * ```
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async online(
    uids: readonly Int64[],
    options: AskOptions = {},
  ): Promise<Int64[]> {
    return askOnline(this.#asker, uids, options);
  }

  /**
   * Users that are logged in, in the order of their uids: the first 1,000, or as many as `limit`
   * says; those that follow with the last uid as `after`, until there are none.
   *
   * @throws {TriggerError} as {@linkcode Trigger.online}; a BoxError when `after` or `limit` do not
   * fit.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async users(options: UsersOptions = {}): Promise<Int64[]> {
    return askUsers(this.#asker, options);
  }

  /**
   * How many connections are in a group.
   *
   * @throws {TriggerError} as {@linkcode Trigger.online}.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async groupSize(name: string, options: AskOptions = {}): Promise<number> {
    return askGroupSize(this.#asker, name, options);
  }

  /**
   * All users who are logged in on connections of a group, in the order of their uids. Connections
   * without a user are in none of this.
   *
   * @throws {TriggerError} as {@linkcode Trigger.online}.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async groupMembers(
    name: string,
    options: AskOptions = {},
  ): Promise<Int64[]> {
    return askGroupMembers(this.#asker, name, options);
  }

  /**
   * Sends a task of your own making: `WRITE_TO_WORKER` to one gateway, anything else to all, or by
   * one of a cluster.
   *
   * @returns true when the gateways that it is for have taken it, as far as they give receipts; an
   * original one gives none, nor is one asked for without `ensure`: true says then that it is
   * handed to the connection. false, without `ensure`, when that failed for one of them. With
   * `receipt`, what became of it.
   * @throws {TriggerError} with `ensure` or `receipt`: `timeout` when a gateway could not be
   * reached or did not read in time, `connection` when it was lost before, and `limit` when too
   * much waits: it has not taken it, and never will; `unknown` when its receipt did not come: it
   * may have been done; `refused` when it says why it was not done; with `receipt`, `unsupported`
   * when it gives none. Always, `closed`; the reason of `signal` when that is aborted. A BoxError
   * when a value does not fit its field.
   */
  send(task: Task, options: ReceiptOptions): Promise<WriteReceipt>;
  /** The same without a receipt. */
  send(task: Task, options?: SendOptions): Promise<boolean>;
  // deno-lint-ignore require-await -- so that an error rejects
  async send(
    task: Task,
    options: SendOptions | ReceiptOptions = {},
  ): Promise<boolean | WriteReceipt> {
    return this.#write(task, options);
  }

  /**
   * Waits for the calls that are under way, ends this side of the connections and waits until the
   * gateways have read everything, for up to `timeout` seconds. A second call gives the same. With
   * `ensure: "forever"` it waits for the calls for up to `timeout` as well, and they throw then.
   *
   * @returns true when all that was sent was taken. false when a gateway did not say so in time or
   * went away at any time since the trigger was made: what was sent last before that may be lost.
   */
  close(): Promise<boolean> {
    return this.#closing ??= this.#close();
  }

  /** The same as {@linkcode Trigger.close}; what may be lost is in the log only. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // Calls that wait for a gateway do not wait any longer.
  #giveUp(): void {
    this.#links.close();
    this.close();
  }

  async #close(): Promise<boolean> {
    await this.#calls.end();
    const taken = await this.#links.close();
    this.#abort[Symbol.dispose]();
    await flushLog(this.#options.logger);
    return taken;
  }

  async #write(
    task: Task,
    options: SendOptions | ReceiptOptions,
  ): Promise<boolean | WriteReceipt> {
    if (!options.receipt) return this.#send(task, options);
    const { receipts, isWhole } = await this.#receiptsOf(task, options);
    return writeReceipt(sumReceipts(receipts), isWhole);
  }

  // Without a receipt.
  #send(task: Task, { signal }: SendOptions): Promise<boolean> {
    return this.#calls.succeeds(() => this.#links.send(task, signal));
  }

  // Those that came; fewer than there are gateways, where some could not be reached.
  #receiptsOf(task: Task, { signal }: AskOptions): Promise<Receipts> {
    return this.#calls.make(() => this.#links.receiptsOf(task, signal));
  }

  // In one of all gateways.
  get #asker(): Asker {
    return {
      ask: (query, { signal }) =>
        this.#calls.make(() => this.#links.ask(query, signal)),
    };
  }
}
