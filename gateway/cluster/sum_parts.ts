// sumParts: one receipt or answer of those of several gateways.

import {
  type GroupCount,
  nextUids,
  type Query,
  type Receipt,
  sumReceipts,
  USERS_PAGE,
} from "@maple/box/internal";

/**
 * One receipt, or one answer to a question, of those of several gateways.
 *
 * @param query The question, where it is one.
 * @param uidsMax How many users one answer tells at most; each of them as well.
 */
export function sumParts(
  parts: readonly Receipt[],
  query?: Query,
  uidsMax = Infinity,
): Receipt {
  const sum = sumReceipts(parts);
  if (!query || parts.length < 2) return sum;
  const { uids, names, members, after, limit } = query;
  const page = Math.min(limit || USERS_PAGE, uidsMax);
  if (names.length === 0) {
    return uids.length > 0
      ? sum
      : { ...sum, online: nextUids(sum.online, after, page) };
  }
  if (!members) return sum;
  // What the members of one group take the others do not have, as in the answer of each gateway:
  // none of them has told fewer than are taken here.
  let left = uidsMax;
  const groups = sum.groups.map((group): GroupCount => {
    const found = nextUids(group.uids, after, Math.min(page, left));
    left -= found.length;
    return { ...group, uids: found };
  });
  return { ...sum, groups };
}
