// Worker: handlers for the tasks of one or several gateways.

import {
  type BoxClass,
  type BoxFields,
  type BoxOf,
  type Int64,
  type Task,
  TaskCmd,
  TaskOffset,
  type UsersRow,
  type WorkerTaskParams,
} from "@maple/box";
import {
  closeUsersTask,
  createLogger,
  readInt32,
  writeToUsersTask,
  writeToWorkerTask,
} from "@maple/box/internal";
import { App, type AppOptions, type HookList } from "@maple/haven";
import { runApp } from "@maple/haven/internal";
import { WorkerError } from "./errors.ts";
import type { GatewayConnection } from "./gateway_connection.ts";
import { GatewayLink } from "./gateway_link.ts";
import {
  type AttachOptions,
  type GatewayAddress,
  type ResolvedRun,
  resolveRun,
  type RunOptions,
  runOptions,
} from "./options.ts";
import { WorkerRequest } from "./request.ts";
import { TaskWatch } from "./task_watch.ts";

/** Settings of a {@linkcode Worker}. */
export type WorkerOptions = AppOptions;

/**
 * Handlers for the tasks that it pulls from one or several gateways.
 *
 * @typeParam F The fields of the clients' boxes.
 *
 * @example
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { Worker } from "@maple/worker";
 *
 * const app = new Worker(Box);
 * app.route(1, (request) => request.writeToClient({ ret: 0, body: request.box.body }));
 * app.closeClient((request) => console.log(request.clientAddress, "is gone"));
 * await app.run("127.0.0.1", 28000, { workers: 2, concurrency: 16, debug: true });
 * ```
 */
export class Worker<F extends object = BoxFields> extends App<WorkerRequest<F>>
  implements AsyncDisposable {
  /** The class of the clients' boxes. */
  readonly boxClass: BoxClass<F>;
  readonly #ownLogger: boolean;
  readonly #createClient: HookList<[request: WorkerRequest<F>]>;
  readonly #closeClient: HookList<[request: WorkerRequest<F>]>;
  readonly #openConn: HookList<[gateway: string]>;
  readonly #closeConn: HookList<[gateway: string]>;
  readonly #watch: TaskWatch;
  #links: GatewayLink[] = [];
  #nextLink = 0;
  #stopTimeoutMs = 0;
  #state: "new" | "attached" | "closed" = "new";
  readonly #closed: Promise<void>;
  #setClosed!: () => void;
  #closing: Promise<void> | undefined;
  #starting: Promise<void> | undefined;
  #onAttached: (() => void) | undefined;

  /**
   * Makes a worker, which does nothing until it runs.
   *
   * @param boxClass The class of the boxes that the gateway's clients speak.
   * @param options See `AppOptions`.
   */
  constructor(boxClass: BoxClass<F>, options: WorkerOptions = {}) {
    super("worker", options);
    this.boxClass = boxClass;
    this.#ownLogger = options.logger === undefined;
    this.#createClient = this.hookList("createClient");
    this.#closeClient = this.hookList("closeClient", "blueprintsFirst");
    this.#openConn = this.hookList("openConn");
    this.#closeConn = this.hookList("closeConn", "blueprintsFirst");
    this.#watch = new TaskWatch(this.pipeline);
    this.#closed = new Promise((resolve) => this.#setClosed = resolve);
  }

  /** Calls `fn` when a client has connected to a gateway. Its request has no box worth looking at. */
  createClient(fn: (request: WorkerRequest<F>) => unknown): this {
    return this.addHook(this.#createClient, fn);
  }

  /** Calls `fn` when a client is gone; `request.uid` and `request.userdata` are as they were. */
  closeClient(fn: (request: WorkerRequest<F>) => unknown): this {
    return this.addHook(this.#closeClient, fn);
  }

  /** Calls `fn` when a connection to a gateway is made, before tasks come by it. */
  openConn(fn: (gateway: string) => unknown): this {
    return this.addHook(this.#openConn, fn);
  }

  /** Calls `fn` when a connection to a gateway has ended. */
  closeConn(fn: (gateway: string) => unknown): this {
    return this.addHook(this.#closeConn, fn);
  }

  /** How many tasks are being worked on in this process. */
  get held(): number {
    return this.#links.reduce(
      (sum, link) => sum + (link.connection?.held ?? 0),
      0,
    );
  }

  /**
   * Runs the worker until it is stopped: `workers` child processes and a master that watches them, or all in this process with `workers: 0`.
   *
   * A child process is this program started again; the module that calls `run` runs in the master and in each child.
   *
   * Signals, to the master: TERM = safe stop; HUP = safe reload from the code on disk; INT and QUIT = stop at once.
   *
   * @returns When the worker was stopped. In the master and in each child.
   * @throws {WorkerError} when an option does not fit or the worker was attached before.
   */
  run(host?: string, port?: number, options?: RunOptions): Promise<void>;
  /** Runs the worker on several gateways. */
  run(
    gateways: readonly GatewayAddress[],
    options?: RunOptions,
  ): Promise<void>;
  /** Runs the worker with everything in one object. */
  run(options: RunOptions): Promise<void>;
  async run(
    first?: string | readonly GatewayAddress[] | RunOptions,
    second?: number | RunOptions,
    third?: RunOptions,
  ): Promise<void> {
    const options = resolveRun(runOptions(first, second, third));
    await runApp({ ...options, reloads: true }, {
      role: "worker",
      start: () => this.#attach(options),
      close: () => this.close(),
      closed: this.#closed,
      readyLine: () => readyLine(options),
      makeLogger: (role) => {
        const logger = this.#ownLogger
          ? createLogger({ role, level: options.debug ? "DEBUG" : "INFO" })
          : this.logger;
        this.logger = logger;
        return logger;
      },
    });
  }

  /**
   * Attaches to the gateways in this process and works on their tasks, until {@linkcode Worker.close}; for tests and programs that do more than this.
   *
   * @returns When the first gateway is attached to, or the worker was closed before that.
   * @throws {WorkerError} when an option does not fit or the worker was attached before.
   */
  async attach(options: AttachOptions = {}): Promise<void> {
    await this.#attach(resolveRun(options));
  }

  /**
   * Leaves in order: asks for no more tasks, finishes those in hand for up to `stopTimeout` seconds, sends the answers, runs the stopWorker hooks. May be called twice.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** The same as {@linkcode Worker.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Sends messages to users of all gateways, from anywhere; see {@linkcode UsersRow}. */
  writeToUsers(rows: readonly UsersRow<F>[]): boolean {
    return this.#sendToAll(writeToUsersTask(this.boxClass, rows));
  }

  /** Closes the connections of users of all gateways, from anywhere. */
  closeUsers(
    uids: readonly Int64[],
    userdata: Int64 = 0,
    exclude: readonly Int64[] = [],
  ): boolean {
    return this.#sendToAll(closeUsersTask(uids, userdata, exclude));
  }

  /** Sends a box to any worker of one gateway, from anywhere. */
  writeToWorker(
    data: BoxOf<F> | Parameters<BoxOf<F>["map"]>[0] | Uint8Array,
    params: WorkerTaskParams = {},
  ): boolean {
    const frame = writeToWorkerTask(this.boxClass, data ?? {}, params).pack();
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[this.#nextLink++ % this.#links.length]!;
      if (link.connection?.send(frame)) return true;
    }
    return false;
  }

  async #attach(options: ResolvedRun): Promise<void> {
    if (this.#state !== "new") {
      throw new WorkerError(
        "Cannot attach: this worker was started before; make a new one",
      );
    }
    options.signal?.throwIfAborted();
    this.#state = "attached";
    this.#stopTimeoutMs = options.stopTimeoutMs;
    this.#watch.start(options.workTimeoutMs);
    this.#starting = Promise.resolve().then(() => this.start());
    await this.#starting;
    // It was closed while the startWorker hooks were running.
    if (this.#closing) return this.#closed;
    const attached = new Promise<void>((resolve) => this.#onAttached = resolve);
    this.#links = options.gateways.map((gateway) =>
      new GatewayLink(gateway, options.concurrency, {
        logger: this.logger,
        onTask: (frame, connection) => this.#onTask(frame, connection),
        onOpen: async (link) => {
          await this.#openConn.run(link.name);
          this.#onAttached?.();
        },
        onClose: (link) => this.#closeConn.run(link.name),
      })
    );
    for (const link of this.#links) link.start();
    const abort = () => void this.close();
    options.signal?.addEventListener("abort", abort, { once: true });
    this.#closed.then(() =>
      options.signal?.removeEventListener("abort", abort)
    );
    await Promise.race([attached, this.#closed]);
  }

  async #close(): Promise<void> {
    const attached = this.#state === "attached";
    this.#state = "closed";
    if (attached) await this.#detach();
    this.#setClosed();
  }

  async #detach(): Promise<void> {
    // The stopWorker hooks come after the startWorker hooks.
    await this.#starting;
    await Promise.all(
      this.#links.map((link) => link.stop(this.#stopTimeoutMs)),
    );
    this.#watch.stop();
    await this.stop();
  }

  #sendToAll(task: Task): boolean {
    const frame = task.pack();
    let sent = 0;
    for (const link of this.#links) {
      if (link.connection?.send(frame)) sent++;
    }
    return sent > 0 && sent === this.#links.length;
  }

  #onTask(
    frame: Uint8Array,
    connection: GatewayConnection,
  ): Promise<void> | undefined {
    const cmd = readInt32(frame, TaskOffset.cmd);
    switch (cmd) {
      case TaskCmd.CLIENT_REQ:
      case TaskCmd.WRITE_TO_WORKER:
        return this.#onRequest(frame, connection);
      case TaskCmd.CLIENT_CREATED:
        return this.#createClient.run(this.#request(frame, connection));
      case TaskCmd.CLIENT_CLOSED:
        return this.#closeClient.run(this.#request(frame, connection));
      default:
        this.logger.warn(`the gateway sent the unknown command ${cmd}`);
        return undefined;
    }
  }

  #onRequest(
    frame: Uint8Array,
    connection: GatewayConnection,
  ): Promise<void> | undefined {
    let box: BoxOf<F>;
    try {
      box = this.boxClass.fromFrame(frame.subarray(TaskOffset.body));
    } catch (error) {
      this.logger.error(
        `a task is dropped, its body is no box: ${(error as Error).message}`,
      );
      return undefined;
    }
    const request = this.#request(frame, connection, box);
    const outcome = this.handle(request);
    return outcome && this.#watch.follow(request, outcome);
  }

  #request(
    frame: Uint8Array,
    connection: GatewayConnection,
    box: BoxOf<F> = new this.boxClass(),
  ): WorkerRequest<F> {
    return new WorkerRequest(this.pipeline, box, {
      worker: this,
      connection,
      frame,
    });
  }
}

function readyLine({ workers, gateways }: ResolvedRun): string {
  const names = gateways.map(({ host, port }) => `${host}:${port}`);
  return `maple worker ready workers=${workers} gateways=${names.join(",")}`;
}
