// sumParts: one receipt or answer of those of several gateways.

import type { Int64 } from "@maple/box";
import {
  type GroupCount,
  nextUids,
  type Query,
  type Receipt,
  sumReceipts,
  USERS_PAGE,
} from "@maple/box/internal";

/** One receipt of the parts of several gateways. */
export function sumParts(parts: readonly Receipt[]): Receipt;
/**
 * One answer to a question of those of several gateways, of which none tells more than `uidsMax`
 * users.
 */
export function sumParts(
  parts: readonly Receipt[],
  query: Query | undefined,
  uidsMax: number,
): Receipt;
export function sumParts(
  parts: readonly Receipt[],
  query?: Query,
  uidsMax = 0,
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
  // What the members of one group take the others do not have, as in the answer of one gateway.
  let left = uidsMax;
  const groups = sum.groups.map((group, at): GroupCount => {
    const lists = parts.map((part) => pageOf(part, at, { page, uidsMax }));
    const found = mergePages(lists, after, Math.min(page, left));
    left -= found.length;
    return { ...group, uids: found };
  });
  return { ...sum, groups };
}

/** The users of a group that one gateway tells. */
interface Page {
  readonly uids: readonly Int64[];
  /** Whether there may be more of them there. */
  readonly isCut: boolean;
}

function pageOf(
  { groups }: Receipt,
  at: number,
  { page, uidsMax }: { readonly page: number; readonly uidsMax: number },
): Page {
  const { uids = [], size = 0 } = groups[at] ?? {};
  const told = groups.reduce((sum, { uids }) => sum + uids.length, 0);
  const isCut = size > uids.length && (uids.length >= page || told >= uidsMax);
  return { uids, isCut };
}

// Beyond the last one of a page that is cut, that gateway may have others that come before what the
// other gateways tell.
function mergePages(
  pages: readonly Page[],
  after: Int64,
  limit: number,
): Int64[] {
  let top: Int64 | undefined;
  for (const { uids, isCut } of pages) {
    if (!isCut) continue;
    const last = uids.at(-1) ?? after;
    if (top === undefined || last < top) top = last;
  }
  const all = new Set(pages.flatMap(({ uids }) => uids));
  const page = nextUids(all, after, limit);
  return top === undefined ? page : page.filter((uid) => uid <= top!);
}
