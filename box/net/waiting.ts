// Waiting: a promise that somebody else settles, within a time or until a signal.

import { BoxError } from "../errors.ts";

/** How long something waits. */
export interface WaitOptions {
  /** Milliseconds; 0 = without end. */
  readonly timeoutMs: number;
  /** Ends the waiting when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** A promise that somebody else settles. */
export interface Waiting<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Makes one. */
export function waiting<T>(): Waiting<T> {
  // Promise.withResolvers is missing before Node 22.
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((...both) => [resolve, reject] = both);
  // Whoever asked hears of it; that nobody listens at this moment is no fault.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Ends the waiting when its time is over or its signal is aborted. */
export function limit<T>(
  { promise, reject }: Waiting<T>,
  { timeoutMs, signal }: WaitOptions,
  what: string,
  onEnd: () => void,
): void {
  const give = (error: unknown) => {
    onEnd();
    reject(error);
  };
  const onAbort = () => give(signal!.reason);
  if (signal?.aborted) return onAbort();
  signal?.addEventListener("abort", onAbort);
  const timer = timeoutMs === 0 ? undefined : setTimeout(
    () =>
      give(
        new BoxError(
          "timeout",
          `Cannot ${what}: not done within ${timeoutMs / 1000} s`,
        ),
      ),
    timeoutMs,
  );
  const done = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  };
  promise.then(done, done);
}
