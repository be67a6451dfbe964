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
import type { ResolvedOptions } from "../option_table.ts";
import type { Sender } from "./sender.ts";

// What a uid takes at most in an answer; and what is beside the uids.
const UID_BYTES = 10;
const OTHER_BYTES = 256;

type AnswerLimits = Pick<ResolvedOptions, "innerFrameBytes">;

/** Answers questions about users and groups. */
export class Questions {
  readonly #context: GatewayContext;

  /** @param context What is asked about. */
  constructor(context: GatewayContext) {
    this.#context = context;
  }

  /** Answers one QUERY, which is valid during the call only. */
  answer(sender: Sender, frame: Uint8Array): void {
    const { counters, logger, options } = this.#context;
    counters.innerFrames.QUERY++;
    let receipt: Partial<Receipt>;
    try {
      const query = decodeQuery(frame.subarray(TaskOffset.body));
      receipt = fittingAnswer(this.#answerTo(query), options);
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
    return answerQuery(query, {
      sessions,
      groups,
      uidsMax: uidsMaxOf(options),
    });
  }
}

/** How many users one answer tells at most. */
export function uidsMaxOf({ innerFrameBytes }: AnswerLimits): number {
  const room = innerFrameBytes - TaskOffset.body - OTHER_BYTES;
  return Math.max(1, Math.floor(room / UID_BYTES));
}

/** An answer, or why it is none: it is longer than what goes to workers and triggers may be. */
export function fittingAnswer(
  receipt: Partial<Receipt>,
  { innerFrameBytes }: AnswerLimits,
): Partial<Receipt> {
  const bytes = TaskOffset.body + encodeReceipt(receipt).length;
  if (bytes <= innerFrameBytes) return receipt;
  return {
    error:
      `the answer takes ${bytes} bytes, and innerFrameBytes is ${innerFrameBytes}: ask for less at a time`,
  };
}
