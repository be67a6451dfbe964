// VirtualRequest: a client's request that was kept elsewhere, answered later and from any process.

import {
  type BoxData,
  type BoxFields,
  type BoxOf,
  type GroupsRow,
  type Int64,
  Task,
  type UsersRow,
  type WorkerTaskParams,
} from "@maple/box";
import {
  checkLogin,
  clearClientTask,
  clientWorkerTask,
  closeClientTask,
  joinGroupsTask,
  leaveGroupsTask,
  loginClientTask,
  logoutClientTask,
  writeToClientTask,
} from "@maple/box/internal";
import { TriggerError } from "./errors.ts";
import type { Trigger } from "./trigger.ts";

/**
 * A client's request that was kept elsewhere, in a database for instance, to be answered later and
 * from any process that reaches the gateway. What it is made from is the worker's task, or
 * `request.task.pack()`.
 *
 * If the client or its gateway is gone by then, an answer reaches nobody: connection and gateway
 * life are part of its address. With several gateways an answer is sent to all of them, for the
 * same reason: the one that holds the client uses it, the others drop it. One of a cluster passes
 * it on to that.
 *
 * The methods resolve and throw as those of {@linkcode Trigger}: true means handed to the gateway's
 * connection. What is for the client gives false where the task is about no client.
 *
 * @typeParam F The fields of the box's header.
 *
 * @example
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { Trigger, VirtualRequest } from "@maple/trigger";
 *
 * async function paid(kept: Uint8Array) {
 *   await using trigger = new Trigger(Box);
 *   const request = new VirtualRequest(trigger, kept);
 *   await request.writeToClient({ ret: 0, body: "your payment has arrived" });
 * }
 * ```
 */
export class VirtualRequest<F extends object = BoxFields> {
  /** The task as the worker got it. */
  readonly task: Task;
  /**
   * What the client sent; a box with the defaults for a task without a body, as when a client has
   * connected.
   */
  readonly box: BoxOf<F>;
  readonly #trigger: Trigger<F>;

  /**
   * Makes a request from a task.
   *
   * @param trigger What the answers go through; it stays the caller's to close.
   * @param task The worker's task, or its packed bytes.
   * @throws {BoxError} `frame` when the bytes are no task, or the task's body is no box.
   */
  constructor(trigger: Trigger<F>, task: Task | Uint8Array) {
    const { boxClass } = trigger;
    this.#trigger = trigger;
    this.task = task instanceof Task ? task : Task.fromFrame(task);
    this.box = this.task.body.length === 0
      ? new boxClass()
      : boxClass.fromFrame(this.task.body);
  }

  /** The user that was logged in on the connection when the task was made; 0 = none. */
  get uid(): Int64 {
    return this.task.uid;
  }

  /** The user's bit mask. */
  get userdata(): Int64 {
    return this.task.userdata;
  }

  /** What a trigger or worker set on the task. */
  get custom(): Int64 {
    return this.task.custom;
  }

  /** The client's address, IPv4 or IPv6; empty for a task that came from a trigger or worker. */
  get clientAddress(): string {
    return this.task.clientAddress;
  }

  /**
   * Sends the client a box.
   *
   * @param data The fields of the answer, which is then the box's `map` of them; or a box or the
   * packed bytes of one, sent as it is.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async writeToClient(data: BoxData<F>): Promise<boolean> {
    return this.#send(writeToClientTask(this.task, this.box, data));
  }

  /** Closes the client's connection. */
  closeClient(): Promise<boolean> {
    return this.#send(closeClientTask(this.task));
  }

  /**
   * Binds a user to the client's connection. A uid that is bound elsewhere moves here.
   *
   * @param uid Positive.
   * @param userdata A bit mask by which messages to users can be narrowed down. @default {0}
   * @throws {TriggerError} `option` when the uid is no positive integer, or userdata no 64-bit one.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async loginClient(uid: Int64, userdata: Int64 = 0): Promise<boolean> {
    try {
      checkLogin(uid, userdata);
    } catch (cause) {
      throw new TriggerError("option", (cause as Error).message, { cause });
    }
    return this.#send(loginClientTask(this.task, uid, userdata));
  }

  /** Unbinds the user of the client's connection. */
  logoutClient(): Promise<boolean> {
    return this.#send(logoutClientTask(this.task));
  }

  /** Drops the client's requests that still wait in the gateway. */
  clearClientTasks(): Promise<boolean> {
    return this.#send(clearClientTask(this.task));
  }

  /**
   * Gives workers a task about this client: whoever gets it can answer the client. See {@linkcode
   * Trigger.writeToWorker}.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async writeToWorker(
    data: BoxData<F>,
    params: WorkerTaskParams = {},
  ): Promise<boolean> {
    const { boxClass } = this.#trigger;
    return this.#send(clientWorkerTask(this.task, boxClass, data, params));
  }

  /** See {@linkcode Trigger.writeToUsers}. */
  writeToUsers(rows: readonly UsersRow<F>[]): Promise<boolean> {
    return this.#trigger.writeToUsers(rows);
  }

  /** See {@linkcode Trigger.closeUsers}. */
  closeUsers(
    uids: readonly Int64[],
    userdata: Int64 = 0,
    exclude: readonly Int64[] = [],
  ): Promise<boolean> {
    return this.#trigger.closeUsers(uids, userdata, exclude);
  }

  /**
   * Makes the client's connection join groups.
   *
   * @param names 1 to 128 bytes of UTF-8 each.
   * @throws {BoxError} `value` when a name is none.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async joinGroup(...names: string[]): Promise<boolean> {
    const task = joinGroupsTask(this.task, names);
    return names.length === 0 || this.#send(task);
  }

  /**
   * Makes the client's connection leave groups; without names all.
   *
   * @throws {BoxError} `value` when a name is none.
   */
  // deno-lint-ignore require-await -- so that an error rejects
  async leaveGroup(...names: string[]): Promise<boolean> {
    return this.#send(leaveGroupsTask(this.task, names));
  }

  /** See {@linkcode Trigger.writeToGroups}. */
  writeToGroups(rows: readonly GroupsRow<F>[]): Promise<boolean> {
    return this.#trigger.writeToGroups(rows);
  }

  /** See {@linkcode Trigger.closeGroup}. */
  closeGroup(name: string): Promise<boolean> {
    return this.#trigger.closeGroup(name);
  }

  #send(task: Task | undefined): Promise<boolean> {
    return task ? this.#trigger.send(task) : Promise.resolve(false);
  }
}
