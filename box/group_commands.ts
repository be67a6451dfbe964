// The tasks about groups that workers and triggers alike send to a gateway.

import type { BoxClass } from "./box_class.ts";
import { type BoxData, packBox } from "./gateway_commands.ts";
import {
  encodeGroups,
  encodeRspToGroups,
  type GroupMessage,
} from "./groups_body.ts";
import type { Int64 } from "./int64.ts";
import { Task, TaskCmd } from "./task.ts";

/** Which members of a group get a message. */
export interface GroupMessageOptions {
  /** Only connections whose userdata has all these bits; 0 selects everybody. @default {0} */
  userdata?: Int64;
  /** Uids that are left out. @default {[]} */
  exclude?: readonly Int64[];
}

/**
 * One row of `writeToGroups`: the groups it is for, by name, what their members get, and which of
 * them. A connection that is in several of these groups gets it once.
 */
export type GroupsRow<F extends object> = readonly [
  names: readonly string[],
  data: BoxData<F>,
  options?: GroupMessageOptions,
];

/** The body of `WRITE_TO_GROUPS`. */
export function groupsBody<F extends object>(
  box: BoxClass<F>,
  rows: readonly GroupsRow<F>[],
): Uint8Array {
  const messages: GroupMessage[] = rows.map((
    [names, data, { userdata = 0, exclude = [] } = {}],
  ) => ({ names, userdata, exclude, buf: packBox(box, data) }));
  return encodeRspToGroups(messages);
}

/** The task `WRITE_TO_GROUPS`. */
export function writeToGroupsTask<F extends object>(
  box: BoxClass<F>,
  rows: readonly GroupsRow<F>[],
): Task {
  return new Task({
    cmd: TaskCmd.WRITE_TO_GROUPS,
    body: groupsBody(box, rows),
  });
}

/** The task `CLOSE_GROUPS`. */
export function closeGroupTask(name: string): Task {
  return aboutGroups(TaskCmd.CLOSE_GROUPS, [name], []);
}

/** The task by which users' connections join a group; undefined where it is about nobody. */
export function joinGroupTask(
  name: string,
  uids: readonly Int64[],
): Task | undefined {
  const task = aboutGroups(TaskCmd.JOIN_GROUPS, [name], uids);
  return uids.length > 0 ? task : undefined;
}

/** The task by which they leave it; undefined where it is about nobody. */
export function leaveGroupTask(
  name: string,
  uids: readonly Int64[],
): Task | undefined {
  const task = aboutGroups(TaskCmd.LEAVE_GROUPS, [name], uids);
  return uids.length > 0 ? task : undefined;
}

function aboutGroups(
  cmd: number,
  names: readonly string[],
  uids: readonly Int64[],
): Task {
  return new Task({ cmd, body: encodeGroups({ names, uids }) });
}
