import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Deliveries } from "../../../gateway/queue/deliveries.ts";
import type { QueuedTask } from "../../../gateway/queue/queued_task.ts";
import { propertyTest } from "../../helpers/random.ts";
import { FakeLink, fakeSession, innerTask, request } from "./fakes.ts";

const MAX_INT32 = 2 ** 31 - 1;

Deno.test("Deliveries gives ids above 0 that fit the wire, and finds their tasks", () => {
  const deliveries = new Deliveries();
  const tasks = Array.from({ length: 300 }, (_, i) => innerTask(`${i}`));
  for (const task of tasks) deliveries.add(task);
  const ids = tasks.map(({ deliveryId }) => deliveryId);
  assertEquals(new Set(ids).size, tasks.length);
  assert(ids.every((id) => Number.isInteger(id) && id > 0 && id <= MAX_INT32));
  for (const task of tasks) {
    assertStrictEquals(deliveries.get(task.deliveryId), task);
  }
  assertEquals([deliveries.size, deliveries.isFull], [300, false]);
});

Deno.test("Deliveries does not take the id of a task that is gone for the one in its place", () => {
  const deliveries = new Deliveries();
  const gone: number[] = [];
  for (let i = 0; i < 100; i++) {
    const task = innerTask(`${i}`);
    deliveries.add(task);
    for (const id of gone) assertStrictEquals(deliveries.get(id), undefined);
    gone.push(task.deliveryId);
    deliveries.delete(task);
    assertEquals(deliveries.size, 0);
  }
});

Deno.test("Deliveries finds nothing for ids that it never gave", () => {
  const deliveries = new Deliveries();
  const task = innerTask("only");
  deliveries.add(task);
  for (const id of [0, 1, -1, task.deliveryId + 1, MAX_INT32, -(2 ** 31)]) {
    assertStrictEquals(deliveries.get(id), undefined);
  }
});

propertyTest("Deliveries knows just the tasks that are in", (random) => {
  const deliveries = new Deliveries();
  const held = new Map<number, QueuedTask>();
  for (let step = 0; step < 5000; step++) {
    if (held.size > 0 && random.between(0, 1) === 0) {
      const task = random.pick([...held.values()]);
      held.delete(task.deliveryId);
      deliveries.delete(task);
    } else {
      const task = innerTask("x");
      deliveries.add(task);
      assert(!held.has(task.deliveryId), "an id that somebody has");
      held.set(task.deliveryId, task);
    }
    assertEquals(deliveries.size, held.size);
  }
  for (const [id, task] of held) assertStrictEquals(deliveries.get(id), task);
});

Deno.test("Deliveries takes what answers from afar for a delivery's task by its id and client alone", () => {
  const deliveries = new Deliveries();
  const { link } = new FakeLink();
  const [client, other] = [fakeSession(1), fakeSession(2)];
  const task = request(client, "1");
  deliveries.add(task);
  task.link = link;
  link.inHand.pushBack(task);
  const id = task.deliveryId;
  assertStrictEquals(deliveries.answeredBy(null, client, id), task);
  assertStrictEquals(deliveries.answeredBy(null, other, id), undefined);
  // Nobody can say which task is meant by one who does not tell.
  assertStrictEquals(deliveries.answeredBy(null, client, 0), undefined);
  deliveries.delete(task);
  assertStrictEquals(deliveries.answeredBy(null, client, id), undefined);
});
