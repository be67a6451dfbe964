// Worker: handlers for the tasks of one or several gateways.

import type {
  BoxClass,
  BoxData,
  BoxFields,
  ReceiptOptions,
  TaskReceipt,
  WorkerTaskParams,
} from "@maple/box";
import {
  type ChildPlace,
  encodeIdentity,
  identityOf,
  LoopDelay,
  runApp,
  unhandledErrors,
  writeToWorkerTask,
} from "@maple/box/internal";
import config from "./deno.json" with { type: "json" };
import { App, type AppOptions, type UntypedState } from "@maple/haven";
import {
  AppCore,
  AppLife,
  type HookList,
  IN_MEMORY,
  type MemoryConnection,
  type MemoryEnd,
} from "@maple/haven/internal";
import { Commands } from "./commands.ts";
import { WorkerError } from "./errors.ts";
import { GatewayLinks } from "./gateway_links.ts";
import { MemoryGateway } from "./memory_gateway.ts";
import { workerMetrics } from "./metrics.ts";
import {
  type AttachOptions,
  type GatewayAddress,
  type ResolvedRun,
  resolveRun,
  type RunOptions,
  runOptions,
  workerName,
} from "./options.ts";
import type { WorkerRequest } from "./request.ts";
import type { WorkerProcessStats } from "./stats.ts";
import { TaskRunner } from "./task_runner.ts";

/** Settings of a {@linkcode Worker}. */
export type WorkerOptions = AppOptions;

/**
 * Handlers for the tasks that it pulls from one or several gateways.
 *
 * @typeParam F The fields of the clients' boxes.
 * @typeParam S What `request.state` holds.
 *
 * @example
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { Worker } from "@maple/worker";
 *
 * const app = new Worker(Box);
 * app.route(1, (request) => ({ body: request.box.body }));
 * app.closeClient((request) => console.log(request.clientAddress, "is gone"));
 * await app.run("127.0.0.1", 28000, { workers: 2, concurrency: 16, debug: true });
 * ```
 */
export class Worker<
  F extends object = BoxFields,
  S extends object = UntypedState,
> extends App<WorkerRequest<F, S>> implements AsyncDisposable {
  /** The class of the clients' boxes. */
  readonly boxClass: BoxClass<F>;
  readonly #core: AppCore<WorkerRequest<F, S>>;
  readonly #life: AppLife<WorkerRequest<F, S>>;
  readonly #openConn: HookList<[gateway: string]>;
  readonly #closeConn: HookList<[gateway: string]>;
  readonly #tasks: TaskRunner<F, S>;
  readonly #links = new GatewayLinks();
  readonly #commands: Commands<F>;
  readonly #loopDelay = new LoopDelay();
  #name: string = workerName();
  #startedAt = 0;
  #inMemory: Promise<void> | undefined;
  #stopTimeoutMs = 0;
  #attached = false;

  /**
   * Makes a worker, which does nothing until it runs.
   *
   * @param boxClass The class of the boxes that the gateway's clients speak.
   * @param options See `AppOptions`.
   */
  constructor(boxClass: BoxClass<F>, options: WorkerOptions = {}) {
    const core = new AppCore<WorkerRequest<F, S>>("worker", options);
    super(core);
    this.#core = core;
    this.boxClass = boxClass;
    this.#life = new AppLife(core, {
      app: this,
      kind: "worker",
      verb: "attach",
      fail: (message, options) => new WorkerError(message, options),
      leave: () => this.#leave(),
    });
    this.#openConn = core.hookList("openConn");
    this.#closeConn = core.hookList("closeConn", "blueprintsFirst");
    this.#tasks = new TaskRunner(boxClass, core);
    core.pipeline.users = this.#commands = new Commands(boxClass, this.#links);
  }

  /**
   * Calls `fn` when a connection to a gateway is made, before tasks come by it; again when one that
   * was lost is made anew.
   *
   * @param fn Gets the gateway's host and port, as in `127.0.0.1:28000`.
   */
  openConn(fn: (gateway: string) => unknown): this {
    this.#core.addHook(this.#openConn, fn);
    return this;
  }

  /** Calls `fn` when a connection to a gateway has ended, with the gateway as `openConn`. */
  closeConn(fn: (gateway: string) => unknown): this {
    this.#core.addHook(this.#closeConn, fn);
    return this;
  }

  /** How many tasks are being worked on in this process. */
  get inHand(): number {
    return this.#links.inHand;
  }

  /**
   * What this process has counted since the worker was attached. In a master that is nothing: its
   * children work.
   */
  stats(): WorkerProcessStats {
    const attached = this.#attached;
    if (attached) this.#loopDelay.start();
    return {
      name: this.#name,
      pid: Deno.pid,
      version: config.version,
      uptime: attached ? (performance.now() - this.#startedAt) / 1000 : 0,
      rss: Deno.memoryUsage().rss,
      loopDelay: this.#loopDelay.seconds,
      gateways: this.#links.stats(),
      unhandled: unhandledErrors(),
      ...this.#tasks.counters.stats(),
    };
  }

  /**
   * Runs the worker until it is stopped: `workers` child processes and a master that watches them,
   * or all in this process with `workers: 0`.
   *
   * A child process is this program started again; the module that calls `run` runs in the master
   * and in each child.
   *
   * Signals, to the master: TERM = safe stop; HUP = safe reload from the code on disk; INT and QUIT
   * = stop at once; USR1 and USR2 = log one level more, one less.
   *
   * @returns When the worker was stopped. In the master and in each child.
   * @throws {WorkerError} when an option does not fit, the worker was attached before, or its
   * children cannot be started.
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
    const life = this.#life;
    const { metricsTokenFile: file } = options;
    await life.run(runApp({
      ...options,
      metricsAccess: {
        file,
        fail: (message) => new WorkerError(message),
      },
      reloads: true,
    }, {
      role: "worker",
      start: (place) => this.#attach(options, place),
      close: () => this.close(),
      closed: life.closed,
      readyLine: () => readyLine(options),
      stats: () => this.stats(),
      metrics: workerMetrics,
      makeLogger: (role) => this.#core.makeLogger(role, options),
    }));
  }

  /**
   * Attaches to the gateways in this process and works on their tasks, until {@linkcode
   * Worker.close}; for tests and programs that do more than this.
   *
   * @returns When all gateways that can be reached, one at least, have let the worker in, or it was
   * closed before that.
   * @throws {WorkerError} when an option does not fit or the worker was attached before.
   */
  async attach(options: AttachOptions = {}): Promise<void> {
    await this.#attach(resolveRun(options));
  }

  /**
   * Leaves in order: asks for no more tasks, finishes those in hand for up to `stopTimeout`
   * seconds, sends the answers, runs the stopWorker hooks. May be called twice.
   */
  close(): Promise<void> {
    return this.#life.close();
  }

  /** The same as {@linkcode Worker.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Sends a box to any worker of one gateway, from anywhere, and tells whether its queue has it.
   * Its request says that it is `inner`.
   *
   * @param params What the task carries; what is left out is 0.
   * @throws {WorkerError} by the promise, when no gateway is there, or it does not tell: it may
   * have been done.
   */
  writeToWorker(
    data: BoxData<F>,
    params: WorkerTaskParams | undefined,
    options: ReceiptOptions,
  ): Promise<TaskReceipt>;
  /** The same without a receipt; false when no gateway is there. */
  writeToWorker(data: BoxData<F>, params?: WorkerTaskParams): boolean;
  writeToWorker(
    data: BoxData<F>,
    params: WorkerTaskParams = {},
    options?: ReceiptOptions,
  ): boolean | Promise<TaskReceipt> {
    const task = writeToWorkerTask(this.boxClass, data, params);
    return this.#commands.toOne(task, options);
  }

  /**
   * Takes a client without a socket; for `testClient`.
   *
   * @ignore
   */
  async [IN_MEMORY](end: MemoryEnd): Promise<MemoryConnection> {
    const memory = this.#commands.memory ??= new MemoryGateway(
      (frame, connection) => this.#tasks.run(frame, connection),
    );
    await (this.#inMemory ??= this.#attached
      ? Promise.resolve()
      : this.#attachInMemory());
    const connection = memory.connect(end);
    await connection.idle();
    return connection;
  }

  async #attachInMemory(): Promise<void> {
    this.#life.begin({ signal: undefined });
    this.#attached = true;
    this.#startedAt = performance.now();
    await this.#life.start();
  }

  async #attach(options: ResolvedRun, place?: ChildPlace): Promise<void> {
    const life = this.#life;
    life.begin({ signal: options.signal, workerIndex: place?.index });
    this.#attached = true;
    this.#stopTimeoutMs = options.stopTimeoutMs;
    this.#name = options.name;
    this.#startedAt = performance.now();
    this.#tasks.watch.start(options.workTimeoutMs);
    if (options.onWorkTimeout === "replace") {
      this.#tasks.onGivenUp = (why) => place?.leaveForAnother(why);
    }
    await life.start();
    // It was closed while the startWorker hooks were running.
    if (life.leaving) return life.closed;
    const { gateways, concurrency, name, secret } = options;
    const identity = encodeIdentity(identityOf({
      name,
      version: config.version,
      concurrency,
      chains: true,
      groups: true,
      ...(place === undefined ? {} : { index: place.index }),
    }));
    // The note is for the children that come after this one: a connection to a gateway of ours that
    // stays silent is not let in, where one to an original gateway would be; and other gateways of
    // a cluster may be there when those that it is told are not.
    const attached = this.#links.start({
      gateways,
      concurrency,
      identity,
      note: place?.note,
      secret,
    }, {
      logger: this.logger,
      onTask: this.#tasks.run.bind(this.#tasks),
      onOpen: (gateway) => this.#openConn.run(gateway),
      onClose: (gateway) => this.#closeConn.run(gateway),
      onNote: (note) => place?.leaveNote(note),
      onTurnedAway: (why) => place?.waitsFor(why),
    });
    await Promise.race([attached, life.closed]);
  }

  async #leave(): Promise<void> {
    this.#attached = false;
    await this.#links.stop(this.#stopTimeoutMs);
    await this.#commands.memory?.close();
    this.#tasks.watch.stop();
    this.#loopDelay.stop();
  }
}

function readyLine({ workers, gateways }: ResolvedRun): string {
  const names = gateways.map(({ host, port }) => `${host}:${port}`);
  return `maple worker ready workers=${workers} gateways=${names.join(",")}`;
}
