// StopLimits: how long one of several processes may take to leave in order, or stay when it was
// replaced: the longest of the settings by which any of them was started.

import type { ResolvedOptions } from "../option_table.ts";

/** How long one of the processes may take. */
export class StopLimits {
  #stopMs = 0;
  #stayMs = 0;

  /** Milliseconds to leave in order. */
  get stopMs(): number {
    return this.#stopMs;
  }

  /** Milliseconds that one stays that was replaced, and leaves then. */
  get replacedMs(): number {
    return this.#stayMs + this.#stopMs;
  }

  /** Others are started by these options. */
  widen(options: ResolvedOptions): void {
    // 0 = until the last client has gone.
    const stayMs = options.handoverStay * 1000 || Infinity;
    this.#stopMs = Math.max(this.#stopMs, stopMs(options));
    this.#stayMs = Math.max(this.#stayMs, stayMs);
  }
}

function stopMs(options: ResolvedOptions): number {
  const { lameDuckNotice, lameDuck, moveTimeout, drainTimeout, linger } =
    options;
  return 1000 *
    (lameDuckNotice + lameDuck + moveTimeout + drainTimeout + linger);
}
