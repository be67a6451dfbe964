// Chains: runs chained tasks after those of the same client that came before, and gives them back
// when they are not to be run here.

import { type Int64, TaskFlag, TaskOffset } from "@maple/box";
import { hasFlag, readInt64 } from "@maple/box/internal";

/** What {@linkcode Chains} does with tasks. */
export interface ChainsOptions {
  /** Begins to work on a task that has waited; one that goes on is told by `begun`. */
  readonly start: (frame: Uint8Array) => void;
  /** Gives a task back to the gateway. */
  readonly giveBack: (frame: Uint8Array) => void;
}

// What is known of one client.
class Chain {
  /** Its task that is being worked on. */
  running: Uint8Array | null = null;
  /** Those that wait for it, and how many of them have been begun. */
  readonly waiting: Uint8Array[] = [];
  begun = 0;
  /** How many ends of it the gateway has not confirmed: until then all that comes is given back. */
  ends = 0;
}

// What was begun is kept until it is so much, or nothing waits any more.
const KEPT_MAX = 64;
// Chains that are kept for the next client, so that not each task of a slow handler makes one.
const SPARE_MAX = 64;

/**
 * The chains of one connection to a gateway. A client is here while a task of it is being worked on
 * that did not end at once, or while an end of its chain is not confirmed.
 */
export class Chains {
  readonly #options: ChainsOptions;
  readonly #byConnId = new Map<Int64, Chain>();
  readonly #spare: Chain[] = [];

  /** Makes it for one connection. */
  constructor(options: ChainsOptions) {
    this.#options = options;
  }

  /**
   * A chained task has come.
   *
   * @returns false when it can be begun now; otherwise it waits, or was given back.
   */
  take(frame: Uint8Array): boolean {
    if (this.#byConnId.size === 0) return false;
    const chain = this.#byConnId.get(connIdOf(frame));
    if (!chain) return false;
    if (chain.ends > 0) this.#options.giveBack(frame);
    else if (chain.running) chain.waiting.push(frame);
    else return false;
    return true;
  }

  /** A task goes on that was begun: chained ones of its client wait for it. */
  begun(frame: Uint8Array): void {
    const connId = connIdOf(frame);
    // Tasks of triggers and workers are in no order, whomever they are about.
    if (connId === 0 || hasFlag(frame, TaskFlag.INNER)) return;
    this.#of(connId).running ??= frame;
  }

  /** A task is finished: begins the next one of its client. */
  finished(frame: Uint8Array): void {
    if (this.#byConnId.size === 0) return;
    const connId = connIdOf(frame);
    const chain = this.#byConnId.get(connId);
    if (chain?.running !== frame) return;
    chain.running = null;
    const { waiting } = chain;
    while (chain.begun < waiting.length) {
      this.#options.start(waiting[chain.begun++]!);
      if (!chain.running) continue;
      if (chain.begun >= KEPT_MAX) {
        waiting.splice(0, chain.begun);
        chain.begun = 0;
      }
      return;
    }
    this.#release(connId, chain);
  }

  /**
   * What a client's next tasks are is about to change: those that wait are given back, and those
   * that still come, until {@linkcode Chains.confirmed}.
   */
  end(connId: Int64): void {
    const chain = this.#of(connId);
    chain.ends++;
    this.#empty(chain);
  }

  /** The gateway knows of one {@linkcode Chains.end}. */
  confirmed(connId: Int64): void {
    const chain = this.#byConnId.get(connId);
    if (!chain || chain.ends === 0) return;
    chain.ends--;
    this.#release(connId, chain);
  }

  /** Gives back what waits of a client. */
  recall(connId: Int64): void {
    const chain = this.#byConnId.get(connId);
    if (chain) this.#empty(chain);
  }

  /** Gives back all that waits. */
  recallAll(): void {
    for (const chain of this.#byConnId.values()) this.#empty(chain);
  }

  #of(connId: Int64): Chain {
    let chain = this.#byConnId.get(connId);
    if (!chain) {
      chain = this.#spare.pop() ?? new Chain();
      this.#byConnId.set(connId, chain);
    }
    return chain;
  }

  #empty(chain: Chain): void {
    const { waiting } = chain;
    while (chain.begun < waiting.length) {
      this.#options.giveBack(waiting[chain.begun++]!);
    }
    chain.begun = waiting.length = 0;
  }

  #release(connId: Int64, chain: Chain): void {
    if (chain.running || chain.ends > 0) return;
    chain.begun = chain.waiting.length = 0;
    this.#byConnId.delete(connId);
    if (this.#spare.length < SPARE_MAX) this.#spare.push(chain);
  }
}

function connIdOf(frame: Uint8Array): Int64 {
  return readInt64(frame, TaskOffset.connId);
}
