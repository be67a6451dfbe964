// Questions: what workers, triggers and monitors want to know of users and groups.

import { TaskOffset } from "@maple/box";
import {
  decodeQuery,
  encodeReceipt,
  nextUids,
  type Query,
  type Receipt,
  receiptFor,
} from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { InnerLink } from "./inner_link.ts";

// How many users are told to whoever does not say how many are wanted.
const PAGE = 1000;
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
  answer(link: InnerLink, frame: Uint8Array): void {
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
      logger.warn(`${link.name} asks what is not answered: ${message}`);
    }
    counters.receipts[receipt.error ? "refused" : "answered"]++;
    link.socket.send(receiptFor(frame, receipt));
  }

  #answerTo(query: Query): Partial<Receipt> {
    const { uids, after } = query;
    const { sessions } = this.#context;
    if (uids.length === 0) {
      return { online: nextUids(sessions.uids(), after, this.#limit(query)) };
    }
    const asked = [...new Set(uids)];
    return {
      online: asked.filter((uid) => sessions.has(uid)),
      offline: asked.filter((uid) => !sessions.has(uid)),
    };
  }

  // A page is made to fit.
  #limit({ limit }: Query): number {
    const { innerFrameBytes } = this.#context.options;
    const room = innerFrameBytes - TaskOffset.body - OTHER_BYTES;
    return Math.min(limit || PAGE, Math.max(1, Math.floor(room / UID_BYTES)));
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
