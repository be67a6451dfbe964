// nextUids: one page of a list of users.

import type { Int64 } from "./int64.ts";

/**
 * Of the uids that are greater than `after` the `limit` lowest, in their order. The time that it
 * takes is that of one look at each, however many pages there are of them.
 */
export function nextUids(
  uids: Iterable<Int64>,
  after: Int64,
  limit: number,
): Int64[] {
  let page: Int64[] = [];
  if (limit <= 0) return page;
  // The highest of a full page: what is above has no place in it.
  let top: Int64 | undefined;
  for (const uid of uids) {
    if (uid <= after || top !== undefined && uid >= top) continue;
    page.push(uid);
    if (page.length < limit * 2) continue;
    page = lowest(page, limit);
    top = page[limit - 1];
  }
  return lowest(page, limit);
}

function lowest(uids: Int64[], count: number): Int64[] {
  return uids.sort((a, b) => a < b ? -1 : a > b ? 1 : 0).slice(0, count);
}
