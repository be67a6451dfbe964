// LinkedList: order and removal, held against an array.

import { assertEquals, assertStrictEquals } from "@std/assert";
import { type Linked, LinkedList } from "../../../gateway/queue/linked_list.ts";

class Node implements Linked<Node> {
  prev: Node | null = null;
  next: Node | null = null;
  constructor(readonly value: number) {}
}

function values(list: LinkedList<Node>): number[] {
  return [...list].map((node) => node.value);
}

Deno.test("LinkedList pushBack() and shift() are first in, first out", () => {
  const list = new LinkedList<Node>();
  assertEquals([list.shift(), list.first], [null, null]);
  for (const value of [1, 2, 3]) list.pushBack(new Node(value));
  assertEquals([list.size, list.first?.value], [3, 1]);
  assertEquals([1, 2, 3].map(() => list.shift()?.value), [1, 2, 3]);
  assertEquals([list.size, list.first], [0, null]);
});

Deno.test("LinkedList pushFront() puts a member before all others", () => {
  const list = new LinkedList<Node>();
  list.pushFront(new Node(2));
  list.pushBack(new Node(3));
  list.pushFront(new Node(1));
  assertEquals(values(list), [1, 2, 3]);
});

Deno.test("LinkedList remove() takes the first, a middle and the last member out", () => {
  const list = new LinkedList<Node>();
  const nodes = [0, 1, 2, 3, 4].map((value) => new Node(value));
  nodes.forEach((node) => list.pushBack(node));
  for (const at of [2, 0, 4]) list.remove(nodes[at]!);
  assertEquals(values(list), [1, 3]);
  list.pushBack(nodes[0]!);
  assertEquals(values(list), [1, 3, 0]);
});

Deno.test("LinkedList iterates on when the member just given is taken out", () => {
  const list = new LinkedList<Node>();
  for (const value of [1, 2, 3, 4]) list.pushBack(new Node(value));
  const seen: number[] = [];
  for (const node of list) {
    seen.push(node.value);
    if (node.value % 2 === 0) list.remove(node);
  }
  assertEquals([seen, values(list)], [[1, 2, 3, 4], [1, 3]]);
});

Deno.test("LinkedList does what an array does, over many random operations", () => {
  const list = new LinkedList<Node>();
  const array: Node[] = [];
  let seed = 1;
  const random = (below: number) => (seed = seed * 48271 % 2147483647) % below;
  for (let step = 0; step < 5000; step++) {
    const kind = random(5);
    const node = new Node(step);
    if (kind < 2) array.push(node), list.pushBack(node);
    else if (kind === 2) array.unshift(node), list.pushFront(node);
    else if (kind === 3) {
      assertStrictEquals(list.shift(), array.shift() ?? null);
    } else if (array.length > 0) {
      list.remove(array.splice(random(array.length), 1)[0]!);
    }
    assertEquals(list.size, array.length);
  }
  assertEquals(values(list), array.map((node) => node.value));
});
