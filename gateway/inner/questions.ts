// Questions: what workers, triggers and monitors want to know of users and groups.

import { TaskOffset } from "@maple/box";
import {
  answerQuery,
  decodeQuery,
  encodeReceipt,
  type Query,
  type Receipt,
} from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { Sender } from "./sender.ts";

// What a uid takes at most in an answer; and what is beside the uids.
const UID_BYTES = 10;
const OTHER_BYTES = 256;

/** Answers questions about users and groups. */
export class Questions {
  readonly #context: GatewayContext;

  /** @param context What is asked about. */
  constructor(context: GatewayContext) {
    this.#context = context;
  }

  /** Answers one QUERY, which is valid during the call only. */
  answer(sender: Sender, frame: Uint8Array): void {
    const { counters, logger } = this.#context;
    counters.innerFrames.QUERY++;
    let receipt: Partial<Receipt>;
    try {
      const query = decodeQuery(frame.subarray(TaskOffset.body));
      receipt = this.#fitting(this.#answerTo(query));
    } catch (error) {
      const { message } = error as Error;
      receipt = { error: message };
      counters.badCommands++;
      logger.warn(`${sender.name} asks what is not answered: ${message}`);
    }
    sender.receive(frame, receipt);
  }

  // A page is made to fit.
  #answerTo(query: Query): Partial<Receipt> {
    const { sessions, groups, options } = this.#context;
    const room = options.innerFrameBytes - TaskOffset.body - OTHER_BYTES;
    const uidsMax = Math.max(1, Math.floor(room / UID_BYTES));
    return answerQuery(query, { sessions, groups, uidsMax });
  }

  #fitting(receipt: Partial<Receipt>): Partial<Receipt> {
    const { innerFrameBytes } = this.#context.options;
    const bytes = TaskOffset.body + encodeReceipt(receipt).length;
    if (bytes <= innerFrameBytes) return receipt;
    return {
      error:
        `the answer takes ${bytes} bytes, and innerFrameBytes is ${innerFrameBytes}: ask for less at a time`,
    };
  }
}
