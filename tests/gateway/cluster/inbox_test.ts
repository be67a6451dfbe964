// What comes from other gateways is worked on in slices.

import { assert, assertEquals } from "@std/assert";
import { Inbox } from "../../../gateway/cluster/inbox.ts";

const HEAD = {
  ...{ kind: "command" as const, node: 1, id: 1 },
  ...{ piece: 0, pieces: 1 },
};

function inbox(bytesMax: number) {
  const done: number[] = [];
  const turns: (() => void)[] = [];
  const made = new Inbox({
    bytesMax,
    handle: ({ number }) => done.push(number),
    afterOthers: (work) => turns.push(work),
  });
  let last = 0;
  const add = (count: number, bytes: number): boolean[] =>
    Array.from(
      { length: count },
      () => made.add({ ...HEAD, number: last++ }, new Uint8Array(bytes)),
    );
  return { inbox: made, done, turns, add };
}

Deno.test("Inbox works on what comes at once, and on no more than a slice in a turn", async () => {
  const { done, turns, add } = inbox(1_000_000);
  add(800, 10);
  assertEquals([done.length, turns.length], [256, 1]);
  turns.pop()!();
  assertEquals([done.length, turns.length], [512, 1]);
  // What comes meanwhile is behind what waits.
  add(1, 10);
  await Promise.resolve();
  add(1, 10);
  assertEquals(done.length, 512);
  turns.pop()!();
  turns.pop()!();
  assertEquals([done.length, turns.length], [802, 0]);
  assertEquals(done, Array.from({ length: 802 }, (_, i) => i));
  await Promise.resolve();
  add(3, 10);
  assertEquals(done.length, 805);
});

Deno.test("Inbox begins a new slice with each turn", async () => {
  const { done, turns, add } = inbox(1000);
  for (let i = 0; i < 5; i++) {
    add(200, 1);
    await Promise.resolve();
  }
  assertEquals([done.length, turns.length], [1000, 0]);
});

Deno.test("Inbox counts bytes: a slice is over with many, and no more wait than may", () => {
  const { inbox: made, done, turns, add } = inbox(500_000);
  assertEquals(add(4, 200_000), [true, true, true, true]);
  assertEquals([done.length, made.bytes], [2, 400_000]);
  assertEquals(add(1, 200_000), [false]);
  turns.pop()!();
  assertEquals([done, made.bytes], [[0, 1, 2, 3], 0]);
});

Deno.test("Inbox.close() drops what waits", () => {
  const { inbox: made, done, turns, add } = inbox(500_000);
  add(300, 1);
  made.close();
  assert(turns.length === 1);
  turns.pop()!();
  assertEquals([done.length, made.bytes, turns.length], [256, 0, 0]);
});
