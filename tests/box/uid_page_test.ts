import { assertEquals } from "@std/assert";
import type { Int64 } from "@maple/box";
import { nextUids } from "@maple/box/internal";
import { propertyTest } from "../helpers/random.ts";

Deno.test("nextUids() gives the lowest that come after, numbers and bigints alike", () => {
  const uids: Int64[] = [9, 2n ** 60n, 4, 7, 2n ** 61n, 1];
  assertEquals(nextUids(uids, 0, 3), [1, 4, 7]);
  assertEquals(nextUids(uids, 7, 3), [9, 2n ** 60n, 2n ** 61n]);
  assertEquals(nextUids(uids, 2n ** 60n, 3), [2n ** 61n]);
  assertEquals(nextUids(uids, 2n ** 61n, 3), []);
  assertEquals(nextUids(uids, 0, 0), []);
});

propertyTest("nextUids() page by page gives each uid once", (random) => {
  for (let run = 0; run < 200; run++) {
    const uids = new Set<Int64>();
    for (let i = random.between(0, 300); i > 0; i--) {
      uids.add(random.between(1, 1000));
    }
    const limit = random.between(1, 40);
    const seen: Int64[] = [];
    for (;;) {
      const page = nextUids(uids, seen.at(-1) ?? 0, limit);
      if (page.length === 0) break;
      seen.push(...page);
    }
    assertEquals(seen, [...uids].sort((a, b) => Number(a) - Number(b)));
  }
});
