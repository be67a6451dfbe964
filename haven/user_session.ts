// UserSession: a client's connection as users and groups need it.

import type { GroupMember, TableSession } from "@maple/box/internal";

/** A session whose client can be sent something. */
export interface UserSession extends TableSession, GroupMember {
  /** Sends a packed box. */
  write(frame: Uint8Array): boolean;
  /** Closes the connection, after what was sent before. */
  close(): void;
}
