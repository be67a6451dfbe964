// Listener: what lets the connections of a server in, whatever its sockets are.

import type { Conn } from "./conn.ts";

/** What lets the connections of a server in. */
export interface Listener {
  /** Where it listens, with the real port. */
  readonly addr: Deno.NetAddr;
  /**
   * The next connection.
   *
   * @throws {Deno.errors.BadResource} when it is closed.
   */
  accept(): Promise<Conn>;
  /** Lets nobody in any more. */
  close(): void;
}
