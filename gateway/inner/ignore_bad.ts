// What happens to a frame of a worker or trigger that makes no sense: it is counted, told and
// ignored.

import type { GatewayContext } from "../context.ts";
import type { PendingReceipt } from "./receipts.ts";
import type { Sender } from "./sender.ts";

/** A command, and what there is to tell of it. */
export interface Command {
  /** Whoever has sent it. */
  readonly sender: Sender;
  /** Its number. */
  readonly cmd: number;
  /** Where its sender wants one. */
  readonly receipt: PendingReceipt | undefined;
}

/** Does `work` for a command; where its body is not what it should be, it is ignored. */
export function ignoreBad<T>(
  { counters, logger }: GatewayContext,
  { sender, cmd, receipt }: Command,
  work: () => T,
): T | undefined {
  try {
    return work();
  } catch (error) {
    const { message } = error as Error;
    if (receipt) receipt.error = message;
    counters.badCommands++;
    logger.warn(
      `${sender.name} sent command ${cmd}, which is ignored: ${message}`,
    );
    return undefined;
  }
}
