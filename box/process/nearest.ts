// nearest(): the word that was meant by one that is spelled wrong.

const MISTAKES_MAX = 2;
// Of a short word any other is near.
const LETTERS_PER_MISTAKE = 4;

/**
 * The word that differs from this one by up to two letters, or one of a short one; undefined where
 * there is none.
 */
export function nearest(
  word: string,
  words: readonly string[],
): string | undefined {
  let best: string | undefined;
  const most = Math.floor(word.length / LETTERS_PER_MISTAKE);
  let least = Math.min(MISTAKES_MAX, most) + 1;
  for (const one of words) {
    if (Math.abs(one.length - word.length) >= least) continue;
    const count = mistakes(word, one);
    if (count < least) [best, least] = [one, count];
  }
  return best;
}

// Letters that are missing, too many or others, and neighbours that have changed places.
function mistakes(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      next[j] = Math.min(
        row[j]! + 1,
        next[j - 1]! + 1,
        row[j - 1]! + (same ? 0 : 1),
        from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
          ? before[j - 2]! + 1
          : Infinity,
      );
    }
    [before, row] = [row, next];
  }
  return row[to.length]!;
}
