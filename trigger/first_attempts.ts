// FirstAttempts: the first attempts of a trigger to reach its gateways, where there are several:
// after these it is known which of them are of one cluster.

import { onAbort } from "@maple/box/internal";
import { TriggerError } from "./errors.ts";
import type { GatewayLink } from "./gateway_link.ts";
import type { ResolvedOptions } from "./options.ts";

// What they may take: longer than an original gateway is silent until it is taken for one.
const MS = 1500;
const SHARE_OF_TIMEOUT = 0.75;

/** The first attempts to reach some gateways. */
export class FirstAttempts {
  readonly #links: readonly GatewayLink[];
  readonly #options: ResolvedOptions;
  #areMade: boolean;
  #making: Promise<void> | undefined;
  #waitingBytes = 0;

  /** Makes none yet. */
  constructor(links: readonly GatewayLink[], options: ResolvedOptions) {
    this.#links = links;
    this.#options = options;
    this.#areMade = links.length === 1;
  }

  /** Whether all have been made, or none is needed. */
  get areMade(): boolean {
    return this.#areMade;
  }

  /**
   * Resolves when all have been made.
   *
   * @param bytes Those of what waits for it, which count as what waits for one gateway.
   * @throws {TriggerError} `limit` when that are too many; the reason of `signal`.
   */
  async made(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#areMade) return;
    const { queueBytes } = this.#options;
    if (this.#waitingBytes + bytes > queueBytes) {
      throw new TriggerError(
        "limit",
        `Cannot send: ${bytes} bytes are too many with the ${this.#waitingBytes} that wait already; queueBytes is ${queueBytes}`,
      );
    }
    const making = this.#making ??= this.#make();
    const { promise, reject } = Promise.withResolvers<void>();
    using _aborted = onAbort(signal, () => reject(signal!.reason));
    this.#waitingBytes += bytes;
    try {
      await Promise.race([making, promise]);
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  async #make(): Promise<void> {
    const late = new AbortController();
    const ms = Math.min(MS, SHARE_OF_TIMEOUT * this.#options.timeoutMs);
    const timer = setTimeout(() => late.abort(), ms);
    await Promise.allSettled(
      this.#links.map((link) => link.connect(false, late.signal)),
    );
    clearTimeout(timer);
    this.#areMade = true;
  }
}
