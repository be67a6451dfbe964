// within: a bound for what a test waits for.

/** How long a test waits for anything, unless it says otherwise. */
export const PATIENCE_MS = 10_000;

/**
 * Waits for `work`, but no longer than `timeoutMs`.
 *
 * @throws {Error} naming `what` when it takes longer.
 */
export function within<T>(
  work: Promise<T>,
  what: string,
  timeoutMs: number = PATIENCE_MS,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(
    () => reject(new Error(`${what}: not within ${timeoutMs} ms`)),
    timeoutMs,
  );
  work.then(resolve, reject).finally(() => clearTimeout(timer));
  return promise;
}
