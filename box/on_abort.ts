// onAbort(): what to do when a signal is aborted, until it is no longer to be done.

/**
 * Calls `action` when the signal is aborted, at once when it is already. Disposing of what it gives
 * takes that back, so that a signal that lives long does not hold what has ended.
 */
export function onAbort(
  signal: AbortSignal | undefined,
  action: () => void,
): Disposable {
  signal?.addEventListener("abort", action, { once: true });
  if (signal?.aborted) action();
  return {
    [Symbol.dispose]: () => signal?.removeEventListener("abort", action),
  };
}
