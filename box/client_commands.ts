// What a request does about the client of its task, as tasks for the gateway: the same for a
// worker's request and for one that was kept and is answered by a trigger.

import type { BoxClass, BoxInit, BoxOf } from "./box_class.ts";
import {
  type BoxData,
  packBox,
  type WorkerTaskParams,
  writeToWorkerTask,
} from "./gateway_commands.ts";
import { encodeGroups } from "./groups_body.ts";
import type { Int64 } from "./int64.ts";
import { type Task, TaskCmd, TaskFlag, type TaskInit } from "./task.ts";

/**
 * The task that answers a client.
 *
 * @param request The box of the task; the answer is its `map` of `data` where that is fields.
 */
export function writeToClientTask<F extends object>(
  task: Task,
  request: BoxOf<F>,
  data: BoxData<F>,
): Task | undefined {
  const boxClass = request.constructor as unknown as BoxClass<F>;
  const isFields = !(data instanceof Uint8Array || data instanceof boxClass);
  const answer = isFields ? request.map(data as BoxInit<F>) : data;
  const body = packBox(boxClass, answer);
  return aboutClient(task, { cmd: TaskCmd.WRITE_TO_CLIENT, body });
}

/** The task that closes a client; undefined, as of all these, for a task about no client. */
export function closeClientTask(task: Task): Task | undefined {
  return aboutClient(task, { cmd: TaskCmd.CLOSE_CLIENT });
}

/** The task that logs a user in on a client, see `checkLogin`. */
export function loginClientTask(
  task: Task,
  uid: Int64,
  userdata: Int64,
): Task | undefined {
  return aboutClient(task, { cmd: TaskCmd.LOGIN_CLIENT, uid, userdata });
}

/** The task that logs the user of a client out. */
export function logoutClientTask(task: Task): Task | undefined {
  return aboutClient(task, { cmd: TaskCmd.LOGOUT_CLIENT });
}

/** The task that drops what still waits of a client. */
export function clearClientTask(task: Task): Task | undefined {
  return aboutClient(task, { cmd: TaskCmd.CLEAR_CLIENT_TASKS });
}

/** The task by which a client joins groups. */
export function joinGroupsTask(
  task: Task,
  names: readonly string[],
): Task | undefined {
  const body = encodeGroups({ names, uids: [] });
  return aboutClient(task, { cmd: TaskCmd.JOIN_GROUPS, body });
}

/** The task by which a client leaves groups; without names all. */
export function leaveGroupsTask(
  task: Task,
  names: readonly string[],
): Task | undefined {
  const body = encodeGroups({ names, uids: [] });
  return aboutClient(task, { cmd: TaskCmd.LEAVE_GROUPS, body });
}

/** The task for a worker that is about the same client, with its address. */
export function clientWorkerTask<F extends object>(
  task: Task,
  boxClass: BoxClass<F>,
  data: BoxData<F>,
  params: WorkerTaskParams,
): Task {
  const { connId, tag, nodeId, clientIp, flags } = task;
  return writeToWorkerTask(boxClass, data, {
    flags: flags & TaskFlag.IPV6,
    connId,
    tag,
    nodeId,
    clientIp,
    ...params,
  });
}

// Client 0 is nobody, and for nobody these commands mean something else.
function aboutClient(task: Task, init: TaskInit): Task | undefined {
  return task.connId === 0 ? undefined : task.map(init);
}
