// whenFree(): opens a listener, and waits for its address while another program still has it.

import type { Logger } from "../log/logger.ts";
import { isAddrInUse } from "./listen.ts";

const AGAIN_MS = 100;

/** Seconds that a server waits for its address unless told otherwise. */
export const DEFAULT_BIND_TIMEOUT = 10;

/** Settings of {@linkcode whenFree}. */
export interface WhenFreeOptions {
  /** Seconds that it tries; 0 = once. */
  readonly bindTimeout: number;
  /** Where it tells, in one line, that it waits. */
  readonly logger: Logger;
  /** Milliseconds between two tries. @default {100} */
  readonly everyMs?: number;
  /** Milliseconds for which it waits without a word. @default {0} */
  readonly quietMs?: number;
  /** Whether nobody wants the listener any more. */
  readonly givenUp?: () => boolean;
}

/**
 * What `open` gives, at once when it can. As long as it throws since the address is in use it is
 * called again, and a promise is given: a server that is started again at once finds the one before
 * still busy with its last answers.
 *
 * @throws What `open` has thrown last.
 */
export function whenFree<T>(
  open: () => T | Promise<T>,
  options: WhenFreeOptions,
): T | Promise<T> {
  const { bindTimeout, logger } = options;
  const onFailure = (error: unknown): Promise<T> => {
    if (!isInUse(error) || bindTimeout === 0) throw error;
    const tell = () =>
      logger.warn(
        `${
          (error as Error).message
        }; trying again for up to ${bindTimeout} s (bindTimeout)`,
      );
    const { quietMs = 0 } = options;
    if (quietMs === 0) tell();
    const timer = quietMs > 0 ? setTimeout(tell, quietMs) : undefined;
    return openAgain(open, options).finally(() => clearTimeout(timer));
  };
  try {
    const opened = open();
    return opened instanceof Promise ? opened.catch(onFailure) : opened;
  } catch (error) {
    return onFailure(error);
  }
}

async function openAgain<T>(
  open: () => T | Promise<T>,
  { bindTimeout, everyMs = AGAIN_MS, givenUp = () => false }: WhenFreeOptions,
): Promise<T> {
  const end = performance.now() + bindTimeout * 1000;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    try {
      return await open();
    } catch (error) {
      if (!isInUse(error) || performance.now() >= end || givenUp()) throw error;
    }
  }
}

function isInUse(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (isAddrInUse(one)) return true;
  }
  return false;
}
