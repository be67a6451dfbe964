import { assert, assertEquals } from "@std/assert";
import { BackOff } from "../../../box/net/back_off.ts";

const RANGE = { minDelay: 0.5, maxDelay: 30 };
const MOST = [1, 2, 4, 8, 16, 30, 30, 30];

Deno.test("BackOff waits between the least and the most, longer with each failure, no two alike", () => {
  const seen: number[][] = MOST.map(() => []);
  for (let client = 0; client < 500; client++) {
    const backOff = new BackOff(RANGE);
    for (const delays of seen) delays.push(backOff.next());
  }
  for (const [at, delays] of seen.entries()) {
    const most = MOST[at]!;
    assert(delays.every((delay) => delay >= 0.5 && delay <= most), `${most}`);
    // Of 500 some come close to either end; that none does is less likely than 1 in 10^20.
    const share = (delay: number) => (delay - 0.5) / (most - 0.5);
    assert(delays.some((delay) => share(delay) < 0.1));
    assert(delays.some((delay) => share(delay) > 0.9));
    assertEquals(new Set(delays).size, 500);
  }
});

Deno.test("BackOff begins anew after a connection that has lasted, not after one that was lost at once", async () => {
  const short = new BackOff(RANGE);
  const lasting = new BackOff({ minDelay: 0.01, maxDelay: 0.05 });
  for (let i = 0; i < 10; i++) {
    short.next();
    lasting.next();
  }
  // Of 200 waits some are longer than what a first one may be.
  const most = (backOff: BackOff) => {
    let most = 0;
    for (let i = 0; i < 200; i++) {
      backOff.opened();
      most = Math.max(most, backOff.next());
    }
    return most;
  };
  assert(most(short) > 10);
  lasting.opened();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert(lasting.next() <= 0.02);
});
