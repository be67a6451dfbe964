// The tasks that workers and triggers alike send to a gateway.

import type { BoxClass, BoxInit, BoxOf } from "./box_class.ts";
import type { Int64 } from "./int64.ts";
import { Task, TaskCmd, type TaskInit } from "./task.ts";
import {
  encodeCloseUsers,
  encodeRspToUsers,
  type UserMessage,
} from "./users_body.ts";

/** What can be sent as a box: a box, the fields to make one from, or the packed bytes of one. */
export type BoxData<F extends object> = BoxOf<F> | BoxInit<F> | Uint8Array;

/**
 * One row of `writeToUsers`: whom it is for, what they get, which bits of their userdata must be
 * set (0 = all users), who is left out. Uids are positive; -1 stands for all logged-in connections,
 * -2 for all, -3 for those not logged in.
 */
export type UsersRow<F extends object> = readonly [
  uids: readonly Int64[],
  data: BoxData<F>,
  userdata?: Int64,
  exclude?: readonly Int64[],
];

/** What a task for a worker carries beside its box. */
export interface WorkerTaskParams {
  /** The user it is about. @default {0} */
  uid?: Int64;
  /** The user's bit mask. @default {0} */
  userdata?: Int64;
  /** Anything that fits 64 bits. @default {0} */
  custom?: Int64;
}

/** The packed bytes of a box; fields are made into a box of the class. */
export function packBox<F extends object>(
  box: BoxClass<F>,
  data: BoxData<F>,
): Uint8Array {
  if (data instanceof Uint8Array) return data;
  return (data instanceof box ? data as BoxOf<F> : new box(data as BoxInit<F>))
    .pack();
}

/** The body of `WRITE_TO_USERS`. */
export function usersBody<F extends object>(
  box: BoxClass<F>,
  rows: readonly UsersRow<F>[],
): Uint8Array {
  const messages: UserMessage[] = rows.map((
    [uids, data, userdata = 0, exclude = []],
  ) => ({ uids, userdata, exclude, buf: packBox(box, data) }));
  return encodeRspToUsers(messages);
}

/** The task `WRITE_TO_USERS`. */
export function writeToUsersTask<F extends object>(
  box: BoxClass<F>,
  rows: readonly UsersRow<F>[],
): Task {
  return new Task({
    cmd: TaskCmd.WRITE_TO_USERS,
    body: usersBody(box, rows),
  });
}

/** The task `CLOSE_USERS`. */
export function closeUsersTask(
  uids: readonly Int64[],
  userdata: Int64 = 0,
  exclude: readonly Int64[] = [],
): Task {
  return new Task({
    cmd: TaskCmd.CLOSE_USERS,
    body: encodeCloseUsers({ uids, userdata, exclude }),
  });
}

/** The task `WRITE_TO_WORKER`; `init` may name the client that it is about. */
export function writeToWorkerTask<F extends object>(
  box: BoxClass<F>,
  data: BoxData<F>,
  init: TaskInit & WorkerTaskParams = {},
): Task {
  return new Task({
    ...init,
    cmd: TaskCmd.WRITE_TO_WORKER,
    body: packBox(box, data),
  });
}
