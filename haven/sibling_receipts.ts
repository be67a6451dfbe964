// SiblingReceipts: what the other processes or threads of a server tell who is asked by this one.

import type { AskOptions } from "@maple/box";
import {
  decodeReceipt,
  encodeReceipt,
  onAbort,
  type Receipt,
  type Relayed,
  type Siblings,
} from "@maple/box/internal";
import { fromBase64, toBase64 } from "./base64.ts";

/** What is told beside what it is about: which one wants to know, or is answered. */
export interface ReceiptMessage {
  /** The number of what the others are to answer. */
  readonly ask?: string;
  /** The number of what is answered. */
  readonly answers?: string;
  /** Who answers. */
  readonly by?: string;
  /** The body of a RECEIPT, in base64. */
  readonly receipt?: string;
}

/** What came of asking the others. */
export interface SiblingAnswers {
  /** What they told. */
  readonly parts: readonly Receipt[];
  /** Whether all did. */
  readonly all: boolean;
}

/** How the others are asked. */
export interface SiblingAskOptions extends AskOptions {
  /** For how many milliseconds they are waited for. */
  readonly ms: number;
  /** Whether whoever has the place of this one is this one, which knows what it would answer. */
  readonly hasOwn: boolean;
}

interface Waiting {
  readonly answers: Map<string, Receipt>;
  readonly hasOwn: boolean;
  told: readonly string[] | undefined;
  readonly end: (all: boolean) => void;
}

/** Asks the others, and answers them. */
export class SiblingReceipts {
  readonly #siblings: Siblings;
  // One that takes the place of another has questions of its own.
  readonly #name: string = crypto.randomUUID();
  readonly #waiting = new Map<string, Waiting>();
  #asked = 0;

  /** @param siblings The others. */
  constructor(siblings: Siblings) {
    this.#siblings = siblings;
  }

  /**
   * Tells all others something that they are to answer, and waits for that.
   *
   * @param tell Tells them, what is given with the message; false when that is not possible.
   * @throws {Error} the reason of `signal`.
   */
  ask(
    tell: (more: ReceiptMessage) => boolean,
    { signal, ms, hasOwn }: SiblingAskOptions,
  ): Promise<SiblingAnswers> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const ask = `${this.#name} ${++this.#asked}`;
    return new Promise((resolve, reject) => {
      const answers = new Map<string, Receipt>();
      const stop = () => {
        clearTimeout(timer);
        aborted[Symbol.dispose]();
        this.#waiting.delete(ask);
      };
      const end = (all: boolean) => {
        stop();
        resolve({ parts: [...answers.values()], all });
      };
      const timer = setTimeout(() => end(false), ms);
      const aborted = onAbort(signal, () => {
        stop();
        reject(signal!.reason);
      });
      this.#waiting.set(ask, { answers, hasOwn, told: undefined, end });
      if (!tell({ ask })) end(false);
    });
  }

  /**
   * Another has told something: an answer goes to whoever waits for it.
   *
   * @param work Does what a message says, and gives what became of it where somebody wants to know.
   */
  heard(
    { message, own, told }: Relayed,
    work: (isTold: boolean) => Receipt | undefined,
  ): void {
    const { ask, answers, by, receipt } = message as ReceiptMessage;
    if (answers !== undefined) {
      const waiting = this.#waiting.get(answers);
      if (!waiting || by === undefined || receipt === undefined) return;
      waiting.answers.set(by, decodeReceipt(fromBase64(receipt)));
      this.#look(waiting);
    } else if (ask === undefined) work(false);
    else if (!own) this.#answer(ask, work(true));
    else {
      // This one has done it before it told the others.
      const waiting = this.#waiting.get(ask);
      if (!waiting) return;
      waiting.told = told ?? [];
      this.#look(waiting);
    }
  }

  #answer(ask: string, receipt: Receipt | undefined): void {
    if (!receipt) return;
    const message: ReceiptMessage = {
      answers: ask,
      by: this.#siblings.id,
      receipt: toBase64(encodeReceipt(receipt)),
    };
    this.#siblings.tell({ message });
  }

  #look({ told, answers, hasOwn, end }: Waiting): void {
    const has = (id: string) =>
      answers.has(id) || hasOwn && id === this.#siblings.id;
    if (told?.every(has)) end(true);
  }
}
