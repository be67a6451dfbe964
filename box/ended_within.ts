// endedWithin(): waits for something, but not for ever.

/**
 * Waits until `work` has ended, but no longer than `ms`; no timer is left behind.
 *
 * @returns Whether it has ended.
 * @throws what `work` rejects with, if it does so in time.
 */
export function endedWithin(
  work: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  return Promise.race([work.then(() => true), late])
    .finally(() => clearTimeout(timer));
}
