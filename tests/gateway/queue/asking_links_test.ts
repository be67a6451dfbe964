// AskingLinks: who gets the next task.

import { assertEquals, assertLess } from "@std/assert";
import { AskingLinks } from "../../../gateway/queue/asking_links.ts";
import type { InnerLink } from "../../../gateway/inner/inner_link.ts";
import { FakeLink, innerTask } from "./fakes.ts";

/**
 * Links `a`, `b`, ... that have asked for 100 tasks each, in this order, and that keep what they
 * get.
 */
function setUp(names: string, { taskMs = 0 } = {}) {
  const asking = new AskingLinks();
  const links = new Map<string, InnerLink>();
  for (const name of names) {
    const { link } = new FakeLink();
    link.taskMs = taskMs;
    links.set(name, link);
    for (let i = 0; i < 100; i++) asking.add(link);
  }
  const give = (now: number): string => {
    const link = asking.next(now);
    if (!link) return "-";
    const task = innerTask("");
    task.deliveredAt = now;
    link.inHand.pushBack(task);
    asking.update(link);
    return [...links].find(([, one]) => one === link)![0];
  };
  return {
    asking,
    link: (name: string) => links.get(name)!,
    /** Who gets so many tasks, one after the other. */
    give: (count: number, now = 0) =>
      Array.from({ length: count }, () => give(now)).join(""),
    /** A link has finished all that it held. */
    finish: (name: string) => {
      const link = links.get(name)!;
      while (link.inHand.shift());
      asking.update(link);
    },
  };
}

Deno.test("AskingLinks next() uses up a credit, and is null when there is none", () => {
  const asking = new AskingLinks();
  const { link } = new FakeLink();
  assertEquals(asking.next(0), null);
  asking.add(link);
  asking.add(link);
  assertEquals([asking.credits, link.credits], [2, 2]);
  assertEquals(asking.next(0), link);
  assertEquals(asking.next(0), link);
  assertEquals([asking.next(0), asking.credits, link.credits], [null, 0, 0]);
});

Deno.test("AskingLinks remove() takes all credits of a link, also of one that has none", () => {
  const { asking, link, give } = setUp("ab");
  asking.remove(link("a"));
  asking.remove(link("a"));
  assertEquals([asking.credits, link("a").credits], [100, 0]);
  assertEquals(give(3), "bbb");
  asking.add(link("a"));
  assertEquals(give(2), "ab");
});

Deno.test("AskingLinks next() serves those that tell nothing in turn", () => {
  const { give, finish } = setUp("abc");
  assertEquals(give(7), "abcabca");
  for (const name of "cab") finish(name);
  assertEquals(give(3), "cab");
});

Deno.test("AskingLinks next() prefers who holds the fewest, whoever was served last", () => {
  const { give, finish } = setUp("abc");
  give(9);
  finish("b");
  assertEquals(give(5), "bbbac");
});

Deno.test("AskingLinks next() tells nobody apart who holds 64 and more", () => {
  const { give, finish } = setUp("ab");
  assertEquals(give(128), "ab".repeat(64));
  assertEquals(give(8), "abababab");
  finish("a");
  assertEquals(give(32), "a".repeat(32));
});

Deno.test("AskingLinks next() lets one that has just asked for 1 go before one that has asked for 100 and holds some", () => {
  const { asking, give } = setUp("a");
  give(3);
  const { link } = new FakeLink();
  asking.add(link);
  assertEquals(asking.next(0), link);
});

Deno.test("AskingLinks next() gives short tasks to the same link, up to 0.5 ms of work", () => {
  const { give } = setUp("abc", { taskMs: 0.125 });
  // The fourth one begins after 0.375 ms, a fifth would after 0.5.
  assertEquals(give(13), "aaaaccccbbbba");
});

Deno.test("AskingLinks next() comes back to the link that was served last when it keeps up", () => {
  const { give, finish } = setUp("abc", { taskMs: 0.125 });
  for (let now = 0; now < 10; now += 0.5) {
    assertEquals(give(2, now), "aa");
    finish("a");
  }
  assertEquals(give(5, 9.9), "aaaac");
  finish("a");
  finish("c");
  assertEquals(give(4, 10), "cccc");
});

Deno.test("AskingLinks next() gives no more to a link that has a task in hand for long", () => {
  const { give, finish } = setUp("ab", { taskMs: 0.125 });
  assertEquals(give(1), "a");
  assertEquals([1, 1.9].map((now) => give(1, now)), ["a", "a"]);
  assertEquals([2.2, 3].map((now) => give(1, now)), ["b", "b"]);
  finish("a");
  assertEquals(give(2, 3), "bb");
  assertEquals(give(1, 3), "a");
});

Deno.test("AskingLinks next() spreads tasks that take long", () => {
  const { give } = setUp("abc", { taskMs: 1 });
  assertEquals(give(3), "acb");
  const { give: giveLater } = setUp("ab", { taskMs: 0.5 });
  assertEquals(giveLater(4), "abab");
});

Deno.test("AskingLinks next() serves all in turn when there is little to do", () => {
  const { give, finish } = setUp("abc", { taskMs: 0.125 });
  const served: string[] = [];
  for (let now = 0; now < 60; now += 10) {
    const name = give(1, now);
    served.push(name);
    finish(name);
  }
  assertEquals(served.join(""), "abcabc");
});

Deno.test("InnerLink averageIn() keeps the average of the last tasks", () => {
  const { link } = new FakeLink();
  assertEquals(link.taskMs, 0);
  link.averageIn(8);
  assertEquals(link.taskMs, 8);
  for (let i = 0; i < 200; i++) link.averageIn(0.1);
  assertLess(Math.abs(link.taskMs - 0.1), 0.03);
  link.averageIn(10);
  assertLess(link.taskMs, 0.5);
});
