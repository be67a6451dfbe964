// Who may do what on the inner port of a gateway: the roles that a secret gives, and the commands
// of each, for both sides.

import { readInt32 } from "./int32.ts";
import { isForNobody, TaskCmd, TaskOffset } from "./task.ts";

/** What a secret lets its holder be. */
export type InnerRole = "worker" | "trigger" | "monitor" | "admin";

/** The number of each role on the wire. */
export const ROLE_NUMBERS: Readonly<Record<InnerRole, number>> = {
  worker: 1,
  trigger: 2,
  monitor: 3,
  admin: 4,
};

/** All roles. */
export const INNER_ROLES = Object.keys(ROLE_NUMBERS) as readonly InnerRole[];

/** The role with this number; undefined where there is none. */
export function roleOfNumber(number: number): InnerRole | undefined {
  return INNER_ROLES.find((role) => ROLE_NUMBERS[role] === number);
}

const EVERYBODY: readonly InnerRole[] = INNER_ROLES;
const WRITERS: readonly InnerRole[] = ["worker", "trigger", "admin"];
const WORKERS: readonly InnerRole[] = ["worker"];
const ADMINS: readonly InnerRole[] = ["admin"];

// Which roles may send a command.
const MAY: ReadonlyMap<number, readonly InnerRole[]> = new Map([
  // A task for any worker.
  [TaskCmd.WRITE_TO_WORKER, WRITERS],
  // Tasks of clients, answers to them, and who a client is.
  [TaskCmd.WORKER_ASK_FOR_TASK, WORKERS],
  [TaskCmd.WRITE_TO_CLIENT, WORKERS],
  [TaskCmd.LOGIN_CLIENT, WORKERS],
  [TaskCmd.LOGOUT_CLIENT, WORKERS],
  // Messages to users, and the end of connections.
  [TaskCmd.WRITE_TO_USERS, WRITERS],
  [TaskCmd.CLOSE_CLIENT, WRITERS],
  [TaskCmd.CLOSE_USERS, WRITERS],
  [TaskCmd.CLEAR_CLIENT_TASKS, WRITERS],
  // Groups: who is in them, messages to them, the end of their members' connections.
  [TaskCmd.JOIN_GROUPS, WRITERS],
  [TaskCmd.LEAVE_GROUPS, WRITERS],
  [TaskCmd.WRITE_TO_GROUPS, WRITERS],
  [TaskCmd.CLOSE_GROUPS, WRITERS],
  // What is asked and changes nothing.
  [TaskCmd.QUERY, EVERYBODY],
  // The gateway itself: who may not come, and that it empties.
  [TaskCmd.BAN, ADMINS],
  [TaskCmd.DRAIN, ADMINS],
]);

// By command: whether it is forbidden. What is not in the table is no command, for any role.
const FORBIDDEN: Readonly<Record<InnerRole, Uint8Array>> = {
  worker: forbiddenTo("worker"),
  trigger: forbiddenTo("trigger"),
  monitor: forbiddenTo("monitor"),
  admin: forbiddenTo("admin"),
};

function forbiddenTo(role: InnerRole): Uint8Array {
  const table = new Uint8Array(1 + Math.max(...MAY.keys()));
  for (const [cmd, roles] of MAY) table[cmd] = roles.includes(role) ? 0 : 1;
  return table;
}

/**
 * Whether a role may not send a frame. A command that nobody knows is not forbidden, nor is what
 * opens a connection, shows that it lives or ends it: commands about no client.
 */
export function isForbidden(role: InnerRole, frame: Uint8Array): boolean {
  const cmd = readInt32(frame, TaskOffset.cmd);
  return FORBIDDEN[role][cmd] === 1 &&
    !(cmd === TaskCmd.LOGOUT_CLIENT && isForNobody(frame));
}
