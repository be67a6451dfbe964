// checkSize: what is too long for any client is refused at the call.

import { HavenError } from "./errors.ts";

/**
 * Refuses a message that no client could be sent: it would be taken for one that does not read.
 *
 * @throws {HavenError} `limit` when it is longer than may wait for a client.
 */
export function checkSize(bytes: number, outboxBytes: number): void {
  if (bytes <= outboxBytes) return;
  throw new HavenError(
    "limit",
    `Cannot send ${bytes} bytes: a message may have up to ${outboxBytes} (option outboxBytes)`,
  );
}
