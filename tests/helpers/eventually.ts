// eventually: waits for a state that has no signal.

import { PATIENCE_MS } from "./within.ts";

/** Settings of {@linkcode eventually}. */
export interface EventuallyOptions {
  /** Milliseconds after which it gives up. @default {10000} */
  timeout?: number;
  /** What stands in the error. @default the source of the condition */
  what?: string;
}

const POLL_MS = 5;

/**
 * Asks again and again until the condition holds.
 *
 * @throws {Error} when it does not hold in time.
 */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  options: EventuallyOptions = {},
): Promise<void> {
  const { timeout = PATIENCE_MS, what = String(condition) } = options;
  const end = performance.now() + timeout;
  while (!await condition()) {
    if (performance.now() > end) {
      throw new Error(`${what}: not so within ${timeout} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
