// What happens to a whole frame of a worker or trigger that this gateway does not do, whatever its
// body says: it is counted, told, and answered where its sender waits for it.

import { TaskCmd, TaskFlag, TaskOffset } from "@maple/box";
import { hasFlag, readInt32 } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { InnerLink } from "./inner_link.ts";

// What admins send is always answered, also where it is not done.
const ANSWERED: readonly number[] = [TaskCmd.BAN, TaskCmd.DRAIN];

/** Ignores a command that the gateway does not know. */
export function ignoreUnknown(
  { counters, logger }: GatewayContext,
  link: InnerLink,
  frame: Uint8Array,
): void {
  counters.badCommands++;
  const what = `the unknown command ${readInt32(frame, TaskOffset.cmd)}`;
  logger.warn(`${link.name} sent ${what}; it is ignored`);
  answer(link, frame, what);
}

/**
 * Ignores a command that the role of its sender may not. What was sent before and comes behind it
 * is done: an honest one has only the wrong secret.
 */
export function ignoreForbidden(
  { counters, logger }: GatewayContext,
  link: InnerLink,
  frame: Uint8Array,
): void {
  counters.innerForbidden++;
  const cmd = readInt32(frame, TaskOffset.cmd);
  const what = `command ${cmd}, which role ${link.entry.role} may not`;
  answer(link, frame, what);
  if (link.toldForbidden) return;
  link.toldForbidden = true;
  logger.warn(
    `${link.name} sent ${what}; what it may not is ignored, which is told once`,
  );
}

/** Ignores what a peer of 2016 has sent and is no task for a worker; it knows no answers. */
export function ignoreOld(
  { counters, logger }: GatewayContext,
  link: InnerLink,
  frame: Uint8Array,
): void {
  counters.badCommands++;
  if (link.toldOld) return;
  link.toldOld = true;
  const cmd = readInt32(frame, TaskOffset.cmd);
  logger.warn(
    `${link.name} sent command ${cmd} with a Task header of 60 bytes, as programs of 2016 do; of these only tasks for workers (command ${TaskCmd.WRITE_TO_WORKER}) are served, all else is ignored`,
  );
}

function answer(link: InnerLink, frame: Uint8Array, error: string): void {
  const cmd = readInt32(frame, TaskOffset.cmd);
  if (hasFlag(frame, TaskFlag.RECEIPT_WANTED) || ANSWERED.includes(cmd)) {
    link.receive(frame, { error });
  }
}
