// DrainCommand: an admin has the gateway leave, without haste.

import { TaskOffset } from "@maple/box";
import { checkNumber, decodeDrain, SECONDS } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import { fail } from "../errors.ts";
import type { Sender } from "./sender.ts";

/** Carries out DRAIN. */
export class DrainCommand {
  readonly #context: GatewayContext;
  readonly #drain: (seconds: number) => void;

  /**
   * @param context Which node it is, and where the command is counted.
   * @param drain Begins to leave; it is not waited for.
   */
  constructor(context: GatewayContext, drain: (seconds: number) => void) {
    this.#context = context;
    this.#drain = drain;
  }

  /**
   * Carries out one frame, which is valid during the call only; it is always answered, with how
   * many gateways leave.
   */
  run(sender: Sender, frame: Uint8Array): void {
    const { options, counters, logger } = this.#context;
    counters.innerFrames.DRAIN++;
    try {
      const { node, seconds } = decodeDrain(frame.subarray(TaskOffset.body));
      checkNumber("The seconds of a drain", seconds, SECONDS, fail);
      const isThis = node === options.nodeId;
      const delivered = isThis ? 1 : 0;
      sender.receive(frame, { delivered });
      if (!isThis) return;
      logger.info(`${sender.name} has this gateway leave, over ${seconds} s`);
      // After the receipt: without clients it leaves at once.
      this.#drain(seconds);
    } catch (error) {
      const { message } = error as Error;
      counters.badCommands++;
      logger.warn(`${sender.name} sent a drain, which is ignored: ${message}`);
      sender.receive(frame, { error: message });
    }
  }
}
