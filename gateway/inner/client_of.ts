// Which client a frame of a worker or trigger is about.

import { TaskOffset } from "@maple/box";
import { readInt32, readInt64 } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { ClientSession } from "../outer/client_session.ts";

/** The connection that a frame means, if it lives and is of this life of the gateway. */
export function clientOf(
  { sessions, tag, counters }: GatewayContext,
  frame: Uint8Array,
): ClientSession | undefined {
  if (readInt32(frame, TaskOffset.tag) !== tag) {
    counters.answersDropped.tag++;
    return undefined;
  }
  const session = sessions.get(readInt64(frame, TaskOffset.connId));
  if (!session) counters.answersDropped.gone++;
  return session;
}
