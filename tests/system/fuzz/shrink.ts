// shrink(): fewer inputs, frames and bytes that still fail.

import type { FuzzInput, NamedInput } from "./input.ts";

/** Whether these inputs fail. */
export type Fails = (inputs: readonly NamedInput[]) => Promise<boolean>;

/**
 * Leaves out what is not needed for the failure: inputs, then frames, then bytes, then cuts.
 *
 * @param mayGoOn Asked before each trial; the trials take time.
 * @returns undefined when they do not fail by themselves.
 */
export async function shrink(
  inputs: readonly NamedInput[],
  fails: Fails,
  mayGoOn: () => boolean,
): Promise<NamedInput[] | undefined> {
  if (!await fails(inputs)) return undefined;
  let all = await fewer(inputs, fails, mayGoOn);
  for (let i = 0; i < all.length; i++) {
    const put = (change: Partial<FuzzInput>) =>
      all.with(i, { ...all[i]!, input: { ...all[i]!.input, ...change } });
    const failing = (change: Partial<FuzzInput>) => fails(put(change));
    const frames = await fewer(
      all[i]!.input.frames,
      (frames) => failing({ frames }),
      mayGoOn,
    );
    all = put({ frames });
    for (const [j, frame] of frames.entries()) {
      const now = all[i]!.input.frames;
      const bytes = await fewer(
        [...frame],
        (bytes) => failing({ frames: now.with(j, Uint8Array.from(bytes)) }),
        mayGoOn,
      );
      all = put({ frames: now.with(j, Uint8Array.from(bytes)) });
    }
    if (mayGoOn() && await failing({ pieces: [] })) all = put({ pieces: [] });
  }
  return all;
}

// Without halves of it, then quarters, and so on.
async function fewer<T>(
  list: readonly T[],
  fails: (list: readonly T[]) => Promise<boolean>,
  mayGoOn: () => boolean,
): Promise<T[]> {
  let kept = [...list];
  for (let size = kept.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < kept.length;) {
      if (!mayGoOn()) return kept;
      const without = kept.toSpliced(at, size);
      if (without.length > 0 && await fails(without)) kept = without;
      else at += size;
    }
  }
  return kept;
}
