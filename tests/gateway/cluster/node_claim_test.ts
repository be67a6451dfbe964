import { setImmediate } from "node:timers";
import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { UNTOLD } from "../../../gateway/cluster/hello.ts";
import { Members } from "../../../gateway/cluster/members.ts";
import { NodeClaim } from "../../../gateway/cluster/node_claim.ts";

function setUp({ id = 5 } = {}) {
  const members = new Members();
  const claimed: (number | undefined)[] = [];
  const claim = new NodeClaim({
    ...{ id, given: undefined, members },
    claim: (node) => claimed.push(node),
  });
  return { members, claim, claimed };
}

// Time goes on, in steps that each let what waits set its next timer.
async function pass(time: FakeTime, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) await time.tickAsync(10);
}

Deno.test("NodeClaim takes no number while gateways are heard of that are new", async () => {
  using time = new FakeTime();
  const { members, claim, claimed } = setUp();
  let node: number | undefined;
  const taken = claim.take().then((taken) => node = taken);
  for (let other = 0; other < 10; other++) {
    await pass(time, 250);
    assertEquals(claimed, [undefined], "it has not chosen");
    members.heard({ node: other, id: 100 + other }, UNTOLD);
  }
  await pass(time, 1000);
  await taken;
  assertEquals(node, 10);
});

Deno.test("NodeClaim hears what has come while its process was held up, before it takes a number", async () => {
  const { members, claim } = setUp();
  const taken = claim.take();
  const heldUp = performance.now() + 1000;
  while (performance.now() < heldUp);
  // As from a socket: a timer that is late comes first.
  setImmediate(() => members.heard({ node: 0, id: 100 }, UNTOLD));
  assertEquals(await taken, 1);
});

Deno.test("NodeClaim takes a number though further gateways never cease to come", async () => {
  using time = new FakeTime();
  const { members, claim } = setUp();
  let other = 0;
  const coming = setInterval(
    () => members.heard({ node: 1000 + other, id: 100 + other++ }, UNTOLD),
    100,
  );
  const taken = claim.take();
  await pass(time, 10_000);
  clearInterval(coming);
  assertEquals(await taken, 0);
});
