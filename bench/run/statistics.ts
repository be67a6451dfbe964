// The median of several measurements and how far they lie apart.

/** The value in the middle, or the mean of the two there. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** How far the values lie apart: half of the range, as a share of the median. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  if (!(middle > 0)) return 0;
  return (Math.max(...values) - Math.min(...values)) / 2 / middle;
}
