// whyNotReady: waits until the new children of a reload can take over, or can't.

import type { WatchedChild } from "./watched_child.ts";

/**
 * Waits until all are ready.
 *
 * @returns Why they are not: the first one that ended tells it, or what they wait for when the time
 * is over; `undefined` when they are.
 */
export async function whyNotReady(
  children: readonly WatchedChild[],
  timeoutMs: number,
): Promise<string | undefined> {
  const { promise: firstFault, resolve: fail } = Promise.withResolvers<
    string
  >();
  const timer = setTimeout(() => {
    const why = children.find(({ waiting }) => waiting)?.waiting;
    fail(
      `the new ones were not ready within ${
        timeoutMs / 1000
      } s (reloadTimeout)${why === undefined ? "" : `: ${why}`}`,
    );
  }, timeoutMs);
  const each = children.map(async (child) => {
    if (await child.ready) return;
    const { how } = await child.ended;
    fail(`new ${child.name} ended with ${how} before it was ready`);
    await firstFault;
  });
  const all = Promise.all(each).then(() => undefined);
  const fault = await Promise.race([firstFault, all]);
  clearTimeout(timer);
  if (fault !== undefined) return fault;
  // One that was ready may be gone before the last one is.
  const gone = children.find(({ hasEnded }) => hasEnded);
  return gone && `new ${gone.name} ended before all were ready`;
}
