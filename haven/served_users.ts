// ServedUsers: what an app has done to users and groups, wherever they are connected. Haven servers
// and workers each have their own way to them.

import type {
  GroupsRow,
  Int64,
  ReceiptOptions,
  UserSelection,
  UsersRow,
  WriteReceipt,
} from "@maple/box";
import type { Asker } from "@maple/box/internal";

/** Whether it was done; with `receipt`, what became of it. */
export type Done = boolean | Promise<WriteReceipt>;

/** The users and groups that an app can reach. */
export interface ServedUsers<F extends object> extends Asker {
  /** Sends messages to users. */
  write(rows: readonly UsersRow<F>[], options?: ReceiptOptions): Done;
  /** Closes the connections of users. */
  close(selection: UserSelection, options?: ReceiptOptions): Done;
  /** Sends messages to groups. */
  writeToGroups(rows: readonly GroupsRow<F>[], options?: ReceiptOptions): Done;
  /** Closes the members of a group. */
  closeGroup(name: string, options?: ReceiptOptions): Done;
  /** Makes the connections of users join a group. */
  joinGroup(name: string, uids: readonly Int64[]): boolean;
  /** Makes them leave it. */
  leaveGroup(name: string, uids: readonly Int64[]): boolean;
  /** The same users, reached by where a request came from, so that order is kept. */
  by?(origin: object): ServedUsers<F>;
}

/**
 * Stands for users that cannot be reached: nothing is done, and who wants a receipt or an answer
 * gets an error.
 *
 * @param fail Makes it.
 */
export function nobody(fail: () => Error): ServedUsers<object> {
  const undone = (options?: ReceiptOptions) =>
    options?.receipt ? Promise.reject(fail()) : false;
  return {
    ask: () => Promise.reject(fail()),
    write: (_, options) => undone(options),
    close: (_, options) => undone(options),
    writeToGroups: (_, options) => undone(options),
    closeGroup: (_, options) => undone(options),
    joinGroup: () => false,
    leaveGroup: () => false,
  };
}
