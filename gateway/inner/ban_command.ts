// BanCommand: an admin keeps clients of an address out of the gateway for a while.

import { type BanOptions, TaskOffset } from "@maple/box";
import { decodeBan } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { Sender } from "./sender.ts";

/** Carries out BAN. */
export class BanCommand {
  readonly #context: GatewayContext;
  readonly #ban: (options: BanOptions, by: string) => number;

  /**
   * @param context Where it is counted.
   * @param ban Begins or ends one, and gives how many clients it has closed.
   */
  constructor(
    context: GatewayContext,
    ban: (options: BanOptions, by: string) => number,
  ) {
    this.#context = context;
    this.#ban = ban;
  }

  /** Carries out one frame, which is valid during the call only; it is always answered. */
  run(sender: Sender, frame: Uint8Array): void {
    const { counters, logger } = this.#context;
    counters.innerFrames.BAN++;
    try {
      const options = decodeBan(frame.subarray(TaskOffset.body));
      const delivered = this.#ban(options, sender.name);
      sender.receive(frame, { delivered });
    } catch (error) {
      const { message } = error as Error;
      counters.badCommands++;
      logger.warn(`${sender.name} sent a ban, which is ignored: ${message}`);
      sender.receive(frame, { error: message });
    }
  }
}
