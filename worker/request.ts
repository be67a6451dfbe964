// WorkerRequest: one task from a gateway, and what a handler can do about it.

import {
  type BoxData,
  type BoxFields,
  type BoxOf,
  type Int64,
  type ReceiptOptions,
  Task,
  type TaskReceipt,
  type WorkerTaskParams,
} from "@maple/box";
import {
  clearClientTask,
  clientWorkerTask,
  closeClientTask,
  joinGroupsTask,
  leaveGroupsTask,
  loginClientTask,
  logoutClientTask,
  RECEIPT_MS,
  taskReceipt,
} from "@maple/box/internal";
import { AppRequest, type UntypedState } from "@maple/haven";
import {
  asNumber,
  type RequestHost,
  type ServedUsers,
} from "@maple/haven/internal";
import type { TaskConnection, TaskOrigin } from "./task_connection.ts";

/**
 * One task from a gateway: a client's box, a box that a trigger or worker sent for a worker, or (in
 * the hooks `createClient` and `closeClient`) the news of a client.
 *
 * What is sent is in order: answers, logins and closes reach the gateway as they were called. Each
 * function gives false when the connection that the task came by is gone: the gateway has then
 * given the task to another worker. What is for the task's client gives false as well when the task
 * is about no client. A request that is kept when its task is finished lives longer: what is done
 * with it goes by another connection to its gateway then, or to another gateway of its cluster.
 *
 * @template F The fields of the clients' boxes.
 * @template S What `state` holds.
 *
 * @example A hook that leaves out what a lost worker may have done already
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { Worker, type WorkerRequest } from "@maple/worker";
 *
 * const app = new Worker(Box);
 * app.beforeRequest((request: WorkerRequest) => {
 *   if (request.redelivered && request.cmd === 7) return request.interrupt({ ret: -1 });
 * });
 * ```
 */
export class WorkerRequest<
  F extends object = BoxFields,
  S extends object = UntypedState,
> extends AppRequest<F, S> {
  readonly #origin: TaskOrigin<F>;
  #task: Task | undefined;

  /**
   * Workers make requests; handlers get them.
   *
   * @param host The pipeline of the worker.
   * @param box The box in the task; an empty one where there is none.
   * @param origin Where the task came from, and what has become of it.
   * @ignore
   */
  constructor(host: RequestHost, box: BoxOf<F>, origin: TaskOrigin<F>) {
    super(host, box);
    this.#origin = origin;
  }

  /**
   * The whole task. Its packed bytes can be kept elsewhere to answer later: see `VirtualRequest` of
   * `@maple/trigger`.
   */
  get task(): Task {
    return this.#task ??= Task.fromFrame(this.#origin.frame);
  }

  /**
   * The number of the client's connection to its gateway, as log lines tell it; `undefined` where
   * the task is about no client.
   */
  override get connId(): Int64 | undefined {
    const { connId } = this.task;
    return connId === 0 ? undefined : connId;
  }

  /**
   * The user logged in on the client's connection, 0 = none; or what the sender of an inner task
   * set.
   */
  override get uid64(): Int64 {
    return this.task.uid;
  }

  /** The bit mask given at login; or what the sender of an inner task set. */
  override get userdata64(): Int64 {
    return this.task.userdata;
  }

  /**
   * What the sender of an inner task set; else 0.
   *
   * @throws {HavenError} `request` when it is beyond 2^53, see {@linkcode WorkerRequest.custom64}.
   */
  get custom(): number {
    return asNumber("custom", this.custom64);
  }

  /** The same as `custom`, a bigint where it is beyond 2^53. */
  get custom64(): Int64 {
    return this.task.custom;
  }

  /** The client's IP address as text; empty where the task is about no client. */
  override get clientAddress(): string {
    return this.task.clientAddress;
  }

  /** Whether the task came from a trigger or a worker, not from a client. */
  get inner(): boolean {
    return this.task.inner;
  }

  /**
   * Whether the task was given to another worker before, which was lost: what it does may have been
   * done already.
   */
  get redelivered(): boolean {
    return this.task.redelivered;
  }

  /** Closes the client's connection, after what was sent to it before. */
  override closeClient(): boolean {
    return this.#change(closeClientTask(this.task));
  }

  /** Unbinds the user of the client's connection. */
  override logoutClient(): boolean {
    return this.#change(logoutClientTask(this.task));
  }

  /**
   * Sends a box to any worker as a task about the same client, and tells whether the queue has it.
   *
   * @param data The box.
   * @param params What the task carries; what is left out is 0.
   * @throws {WorkerError} by the promise, when the gateway does not tell: it may have been done.
   */
  writeToWorker(
    data: BoxData<F>,
    params: WorkerTaskParams | undefined,
    options: ReceiptOptions,
  ): Promise<TaskReceipt>;
  /** The same without a receipt. */
  writeToWorker(data: BoxData<F>, params?: WorkerTaskParams): boolean;
  writeToWorker(
    data: BoxData<F>,
    params: WorkerTaskParams = {},
    options?: ReceiptOptions,
  ): boolean | Promise<TaskReceipt> {
    const { boxClass } = this.#origin;
    const task = clientWorkerTask(this.task, boxClass, data, params);
    if (!options?.receipt) return this.#send(task);
    if (!task) return Promise.resolve({ taken: false });
    const wait = { ms: RECEIPT_MS, signal: options.signal };
    return this.#connection.sendForReceipt(task.pack(), wait)
      .then(taskReceipt);
  }

  /** Drops the client's requests that are not begun; they are not answered. */
  clearClientTasks(): boolean {
    return this.#change(clearClientTask(this.task));
  }

  /**
   * By the gateway of its client, so that what one client causes is in order, whoever works.
   *
   * @ignore
   */
  protected override get served(): ServedUsers<object> {
    const users = super.served;
    return users.by?.(this.#connection) ?? users;
  }

  /** For `loginClient`. */
  protected override login(uid: Int64, userdata: Int64): boolean {
    return this.#change(loginClientTask(this.task, uid, userdata));
  }

  /** For `joinGroup`. */
  protected override join(names: readonly string[]): boolean {
    return this.#send(joinGroupsTask(this.task, names));
  }

  /** For `leaveGroup`. */
  protected override leave(names: readonly string[]): boolean {
    return this.#send(leaveGroupsTask(this.task, names));
  }

  /** For `reply`. */
  protected override send(frame: Uint8Array): boolean {
    return this.#connection.answer(this.#origin.frame, frame);
  }

  // A task that is not finished is given to another worker when its connection ends.
  get #connection(): TaskConnection {
    const { connection, isFinished } = this.#origin;
    return isFinished && connection.elsewhere() || connection;
  }

  // For what changes the client's next tasks.
  #change(task: Task | undefined): boolean {
    return task !== undefined && this.#connection.change(task.pack());
  }

  #send(task: Task | undefined): boolean {
    return task !== undefined && this.#connection.send(task.pack());
  }
}
