// Quantiles of histograms, as far as their buckets tell.

import type { HistogramData } from "@maple/box/internal";

/**
 * The value below which a part of all values lies. Inside a bucket the values count as spread
 * evenly; those above all bounds count as the last bound.
 *
 * @param part From 0 to 1: 0.5 for the median.
 * @returns null when the histogram is empty.
 */
export function quantileOf(
  { bounds, counts }: Pick<HistogramData, "bounds" | "counts">,
  part: number,
): number | null {
  const count = counts.reduce((sum, one) => sum + one, 0);
  if (count === 0) return null;
  const wanted = part * count;
  let upTo = 0;
  for (const [i, bound] of bounds.entries()) {
    const inBucket = counts[i] ?? 0;
    if (inBucket > 0 && upTo + inBucket >= wanted) {
      const from = bounds[i - 1] ?? 0;
      return from + (bound - from) * Math.max(0, wanted - upTo) / inBucket;
    }
    upTo += inBucket;
  }
  return bounds.at(-1) ?? null;
}
