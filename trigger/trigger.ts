// Trigger: makes things happen from outside: messages to users, tasks for workers, closed
// connections.

import {
  type BoxClass,
  type BoxData,
  type BoxFields,
  type Int64,
  type Task,
  TaskCmd,
  type UsersRow,
  type WorkerTaskParams,
} from "@maple/box";
import {
  closeUsersTask,
  flushLog,
  onAbort,
  writeToUsersTask,
  writeToWorkerTask,
} from "@maple/box/internal";
import { TriggerError } from "./errors.ts";
import { GatewayLink } from "./gateway_link.ts";
import {
  checkGateways,
  type Ensure,
  type ResolvedOptions,
  resolveOptions,
  type TriggerGateway,
  type TriggerOptions,
} from "./options.ts";

/**
 * Sends to gateways from outside: messages to users, tasks for workers, closed connections. It
 * connects at the first use. Calls need not be awaited one by one: each gateway gets what is sent
 * to it in the order of the calls.
 *
 * Each call resolves to true when the message is handed to the gateway's connection. That the
 * gateway has taken everything is known only when {@linkcode Trigger.close} gives true.
 *
 * With several gateways what is meant for users and clients goes to all of them, and a task for a
 * worker to one, in turn.
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
  readonly #links: readonly GatewayLink[];
  readonly #unfinished = new Set<Promise<void>>();
  #turn = 0;
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
    this.#links = gateways.map((at) => new GatewayLink(at, this.#options));
    this.#abort = onAbort(this.#options.signal, () => this.#giveUp());
  }

  /**
   * Connects to all gateways, which the first use does as well.
   *
   * @returns Whether all could be reached; always true with `ensure`.
   * @throws {TriggerError} with `ensure`, `timeout`; always, `closed`.
   */
  connect(): Promise<boolean> {
    return this.#track(() =>
      this.#toAll((link, ensure) => link.connect(ensure))
    );
  }

  /**
   * Gives workers a task, which any of them may get. Its request says that it is `inner`.
   *
   * @param data A box, the fields to make one from, or the packed bytes of one.
   * @returns See {@linkcode Trigger.send}.
   * @throws {TriggerError} as `send`; a BoxError when `data` or `params` do not fit.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async writeToWorker(
    data: BoxData<F>,
    params: WorkerTaskParams = {},
  ): Promise<boolean> {
    return this.send(writeToWorkerTask(this.boxClass, data, params));
  }

  /**
   * Sends messages to users, all rows in one frame.
   *
   * @param rows For each message: the uids (-1 = all logged-in connections, -2 = all, -3 = those
   * not logged in), the box, the bits of userdata that a connection must have (0 = none), the uids
   * that are left out.
   * @returns See {@linkcode Trigger.send}.
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
   * ```
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async writeToUsers(rows: readonly UsersRow<F>[]): Promise<boolean> {
    return this.send(writeToUsersTask(this.boxClass, rows));
  }

  /**
   * Closes users' connections.
   *
   * @param uids As in {@linkcode Trigger.writeToUsers}, and so are the others.
   * @returns See {@linkcode Trigger.send}.
   * @throws {TriggerError} as `send`; a BoxError when a value is no 64-bit integer.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async closeUsers(
    uids: readonly Int64[],
    userdata: Int64 = 0,
    exclude: readonly Int64[] = [],
  ): Promise<boolean> {
    return this.send(closeUsersTask(uids, userdata, exclude));
  }

  /**
   * Sends a task of your own making: `WRITE_TO_WORKER` to one gateway, anything else to all.
   *
   * @returns true when it is handed to the connections of the gateways it is for; false, without
   * `ensure`, when that failed for one of them.
   * @throws {TriggerError} with `ensure`, `timeout` when a gateway could not be reached or did not
   * read in time, and `limit` when too much waits; always, `closed`. A BoxError when a value does
   * not fit its field.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async send(task: Task): Promise<boolean> {
    const frame = task.pack();
    return this.#track(() =>
      task.cmd === TaskCmd.WRITE_TO_WORKER && this.#links.length > 1
        ? this.#toOne(frame)
        : this.#toAll((link, ensure) => link.send(frame, ensure))
    );
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
    for (const link of this.#links) link.close();
    this.close();
  }

  async #close(): Promise<boolean> {
    await this.#callsUnderWay();
    const taken = await Promise.all(this.#links.map((link) => link.close()));
    this.#abort[Symbol.dispose]();
    await flushLog(this.#options.logger);
    return taken.every(Boolean);
  }

  async #callsUnderWay(): Promise<void> {
    const { ensure, timeoutMs } = this.#options;
    const all = Promise.allSettled(this.#unfinished);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      if (ensure === "forever") timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([all, late]);
    clearTimeout(timer);
  }

  async #track(start: () => Promise<void>): Promise<boolean> {
    if (this.#closing) {
      throw new TriggerError("closed", "Cannot send: the trigger is closed");
    }
    const work = start();
    this.#unfinished.add(work);
    try {
      await work;
      return true;
    } catch (error) {
      if (this.#options.ensure) throw error;
      this.#options.logger.warn((error as Error).message);
      return false;
    } finally {
      this.#unfinished.delete(work);
    }
  }

  async #toAll(
    send: (link: GatewayLink, ensure: Ensure) => Promise<void>,
  ): Promise<void> {
    const { ensure } = this.#options;
    const results = await Promise.allSettled(
      this.#links.map((link) => send(link, ensure)),
    );
    this.#throwAny(
      results.flatMap((r) => r.status === "rejected" ? [r.reason] : []),
    );
  }

  // To one that is connected, in turn; when its connection breaks to the next one.
  async #toOne(frame: Uint8Array): Promise<void> {
    const { ensure, timeoutMs, retryDelayMs } = this.#options;
    const forever = ensure === "forever";
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        const link = this.#nextConnected() ?? await this.#firstConnected();
        return await link.send(frame, false);
      } catch (error) {
        const { code } = error as TriggerError;
        const again = code === "connection" || forever && code === "timeout";
        const inTime = forever || performance.now() < deadline;
        if (!ensure || !again || !inTime) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelayMs));
    }
  }

  #nextConnected(): GatewayLink | undefined {
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[this.#turn++ % this.#links.length]!;
      if (link.connected) return link;
    }
    return undefined;
  }

  async #firstConnected(): Promise<GatewayLink> {
    // One that is away for ever must not be waited for when another is there.
    const ensure = this.#options.ensure !== false;
    try {
      return await Promise.any(
        this.#links.map((link) => link.connect(ensure).then(() => link)),
      );
    } catch (error) {
      return this.#throwAny((error as AggregateError).errors) as never;
    }
  }

  #throwAny(errors: TriggerError[]): void {
    const [first] = errors;
    if (!first) return;
    if (errors.length === 1) throw first;
    const why = errors.map((error) => error.message).join("; ");
    throw new TriggerError(first.code, why, { cause: first });
  }
}
