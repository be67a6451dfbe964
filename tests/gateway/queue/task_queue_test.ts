// TaskQueue: order, removal, and the gate that its limits shut.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { TaskCmd } from "@maple/box";
import { QueuedTask } from "../../../gateway/queue/queued_task.ts";
import {
  TaskQueue,
  type TaskQueueOptions,
} from "../../../gateway/queue/task_queue.ts";
import { fakeSession, innerTask, request, ROOMY, textOf } from "./fakes.ts";

function makeQueue(options: Partial<TaskQueueOptions> = {}): TaskQueue {
  return new TaskQueue({
    ...ROOMY,
    ...options,
  });
}

// Takes tasks until none is ready.
function takeAll(queue: TaskQueue): QueuedTask[] {
  const taken: QueuedTask[] = [];
  for (let task = queue.next(); task; task = queue.next()) taken.push(task);
  return taken;
}

Deno.test("TaskQueue next() gives one task of a client at a time with order client", () => {
  const queue = makeQueue();
  const [a, b] = [fakeSession(1), fakeSession(2)];
  for (const text of ["a1", "a2", "a3"]) queue.push(request(a, text));
  for (const text of ["b1", "b2"]) queue.push(request(b, text));
  const first = takeAll(queue);
  assertEquals(first.map(textOf), ["a1", "b1"]);
  assertEquals([queue.size, queue.hasNext], [3, false]);
  queue.finish(first[1]!);
  assertEquals(takeAll(queue).map(textOf), ["b2"]);
  queue.finish(first[0]!);
  const second = takeAll(queue);
  assertEquals(second.map(textOf), ["a2"]);
  queue.finish(second[0]!);
  assertEquals(takeAll(queue).map(textOf), ["a3"]);
  assertEquals(queue.size, 0);
});

Deno.test("TaskQueue push() makes a client ready again whose tasks are all finished", () => {
  const queue = makeQueue();
  const session = fakeSession(1);
  for (const text of ["1", "2", "3"]) {
    queue.push(request(session, text));
    const task = queue.next()!;
    assertEquals(textOf(task), text);
    queue.finish(task);
    assertEquals(session.front, null);
  }
});

Deno.test("TaskQueue next() waits for no task to be finished with order none, and takes the clients in turn", () => {
  const queue = makeQueue({ order: "none" });
  const [a, b] = [fakeSession(1), fakeSession(2)];
  queue.push(request(a, "a1"));
  queue.push(request(b, "b1"));
  queue.push(request(a, "a2"));
  queue.push(innerTask("inner"));
  assertEquals(takeAll(queue).map(textOf), ["a1", "b1", "inner", "a2"]);
});

Deno.test("TaskQueue next() holds no task of a trigger back", () => {
  const queue = makeQueue();
  for (const text of ["1", "2", "3"]) queue.push(innerTask(text));
  assertEquals(takeAll(queue).map(textOf), ["1", "2", "3"]);
});

Deno.test("TaskQueue putBack() lets tasks wait apart, in their order", () => {
  const queue = makeQueue({ order: "none" });
  const session = fakeSession(1);
  for (const text of ["1", "2", "3"]) queue.push(request(session, text));
  queue.putBack([queue.next()!, queue.next()!]);
  assertEquals([queue.size, queue.returned], [3, 2]);
  assertEquals(takeAll(queue).map(textOf), ["3"]);
  assertEquals(textOf(queue.nextReturned()!), "1");
  assertEquals(queue.remove(session, () => true).map(textOf), ["2"]);
  assertEquals([queue.size, queue.returned, queue.bytes], [0, 0, 0]);
  assertEquals(queue.nextReturned(), null);
});

Deno.test("TaskQueue remove() takes the chosen tasks of one client out", () => {
  for (const order of ["client", "none"] as const) {
    const queue = makeQueue({ order });
    const [a, b] = [fakeSession(1), fakeSession(2)];
    for (const text of ["drop 1", "keep 1", "drop 2", "keep 2"]) {
      queue.push(request(a, text));
      queue.push(request(b, `b ${text}`));
    }
    const removed = queue.remove(a, (task) => textOf(task).startsWith("drop"));
    assertEquals(removed.map(textOf).sort(), ["drop 1", "drop 2"]);
    assertEquals(queue.size, 6);
    const left: string[] = [];
    for (let task = queue.next(); task; task = queue.next()) {
      left.push(textOf(task));
      queue.finish(task);
    }
    assertEquals(left.filter((text) => !text.startsWith("b")), [
      "keep 1",
      "keep 2",
    ]);
    assertEquals(left.length, 6);
    assertEquals([queue.size, queue.bytes, a.front], [0, 0, null]);
  }
});

Deno.test("TaskQueue remove() leaves the task that a worker holds", () => {
  const queue = makeQueue();
  const session = fakeSession(1);
  for (const text of ["held", "waits"]) queue.push(request(session, text));
  const held = queue.next()!;
  assertEquals(queue.remove(session, () => true).map(textOf), ["waits"]);
  assert(session.front);
  queue.push(request(session, "later"));
  assertFalse(queue.hasNext);
  queue.finish(held);
  assertEquals(takeAll(queue).map(textOf), ["later"]);
});

Deno.test("TaskQueue shuts its gate at queueMax and opens it at three quarters", () => {
  const queue = makeQueue({ queueMax: 8 });
  for (let i = 0; i < 7; i++) queue.push(innerTask("x"));
  assert(queue.gate.isOpen);
  queue.push(innerTask("x"));
  assertFalse(queue.gate.isOpen);
  queue.next();
  assertFalse(queue.gate.isOpen);
  queue.next();
  assert(queue.gate.isOpen);
  queue.push(innerTask("x"));
  assert(queue.gate.isOpen);
  queue.push(innerTask("x"));
  assertFalse(queue.gate.isOpen);
  assertEquals(queue.peak, 8);
});

Deno.test("TaskQueue counts tasks behind others against queueMax", () => {
  const queue = makeQueue({ queueMax: 3 });
  const session = fakeSession(1);
  for (const text of ["1", "2", "3"]) queue.push(request(session, text));
  assertFalse(queue.gate.isOpen);
  assertEquals(queue.remove(session, () => true).length, 3);
  assert(queue.gate.isOpen);
});

Deno.test("TaskQueue shuts its gate at queueBytes and opens it at three quarters", () => {
  const queue = makeQueue({ queueBytes: 1000 });
  // 76 bytes of header and 24 of body each.
  const task = () => innerTask("x".repeat(24));
  for (let i = 0; i < 9; i++) queue.push(task());
  assertEquals([queue.bytes, queue.gate.isOpen], [900, true]);
  queue.push(task());
  assertEquals([queue.bytes, queue.gate.isOpen], [1000, false]);
  queue.next();
  queue.next();
  assertEquals([queue.bytes, queue.gate.isOpen], [800, false]);
  queue.next();
  assertEquals([queue.bytes, queue.gate.isOpen], [700, true]);
});

Deno.test("TaskQueue with queueMax 1 opens its gate when it is empty", () => {
  const queue = makeQueue({ queueMax: 1 });
  queue.push(innerTask("x"));
  assertFalse(queue.gate.isOpen);
  queue.next();
  assert(queue.gate.isOpen);
});

Deno.test("TaskQueue expire() takes out what has waited for more steps than that", () => {
  const queue = makeQueue({ order: "none" });
  const session = fakeSession(1);
  queue.push(request(session, "old"));
  assertEquals(queue.expire(2), []);
  queue.push(innerTask("younger"));
  assertEquals(queue.expire(2), []);
  assertEquals(queue.expire(2).map(textOf), ["old"]);
  assertEquals(queue.expire(2).map(textOf), ["younger"]);
  assertEquals([queue.size, queue.bytes, queue.hasNext], [0, 0, false]);
});

Deno.test("TaskQueue expire() leaves the news of clients, and takes what waits behind them", () => {
  const queue = makeQueue();
  const session = fakeSession(1);
  const news = (cmd: number) => new QueuedTask(cmd, new Uint8Array(0), session);
  queue.push(news(TaskCmd.CLIENT_CREATED));
  queue.push(request(session, "1"));
  queue.push(request(session, "2"));
  queue.push(news(TaskCmd.CLIENT_CLOSED));
  assertEquals(queue.expire(1), []);
  assertEquals(queue.expire(1).map(textOf), ["1", "2"]);
  assertEquals(queue.expire(1), []);
  const created = queue.next()!;
  assertEquals([created.cmd, queue.next()], [TaskCmd.CLIENT_CREATED, null]);
  queue.finish(created);
  assertEquals(queue.next()?.cmd, TaskCmd.CLIENT_CLOSED);
});

Deno.test("TaskQueue expire() lets the next task of the client become ready, and opens the gate", () => {
  const queue = makeQueue({ queueMax: 3 });
  const session = fakeSession(1);
  queue.push(request(session, "1"));
  queue.expire(1);
  queue.push(request(session, "2"));
  queue.push(innerTask("inner"));
  assertFalse(queue.gate.isOpen);
  assertEquals(queue.expire(1).map(textOf), ["1"]);
  assert(queue.gate.isOpen);
  assertEquals(takeAll(queue).map(textOf), ["inner", "2"]);
});

Deno.test("TaskQueue expire() leaves what waits behind a task in a worker's hands", () => {
  const queue = makeQueue();
  const session = fakeSession(1);
  for (const text of ["held", "waits"]) queue.push(request(session, text));
  const held = queue.next()!;
  for (let step = 0; step < 3; step++) assertEquals(queue.expire(1), []);
  queue.finish(held);
  assertEquals(queue.expire(1).map(textOf), ["waits"]);
  assertEquals(session.front, null);
});

Deno.test("TaskQueue putBack() lets a task wait anew", () => {
  const queue = makeQueue();
  queue.push(innerTask("lost"));
  const task = queue.next()!;
  for (let step = 0; step < 5; step++) queue.expire(1);
  queue.putBack([task]);
  assertEquals(queue.expire(1), []);
  assertEquals(queue.expire(1), [task]);
  assertEquals([queue.size, queue.returned], [0, 0]);
});

Deno.test("TaskQueue next() gives clients their turns, however much of triggers waits", () => {
  const queue = makeQueue();
  for (let i = 1; i <= 5; i++) queue.push(innerTask(`t${i}`));
  const clients = [fakeSession(1), fakeSession(2), fakeSession(3)];
  for (const session of clients) {
    queue.push(request(session, `c${session.connId}`));
  }
  const all = ["t1", "c1", "t2", "c2", "t3", "c3", "t4", "t5"];
  assertEquals(takeAll(queue).map(textOf), all);
  // Who has much waiting has one ready at a time, behind what a trigger has sent.
  const flooder = fakeSession(4);
  for (const text of ["c4", "c5", "c6"]) queue.push(request(flooder, text));
  queue.push(innerTask("t6"));
  const first = queue.next()!;
  queue.finish(first);
  assertEquals([first, ...takeAll(queue)].map(textOf), ["c4", "t6", "c5"]);
  assertEquals(queue.remove(flooder, () => true).length, 1);
  queue.push(innerTask("old"));
  assert(queue.oldestAt !== undefined);
  for (let i = 0; i < 2; i++) queue.expire(5);
  assertEquals(queue.size, 1);
  assertEquals(
    Array.from({ length: 9 }, () => queue.expire(5)).flat().map(textOf),
    ["old"],
  );
  assertFalse(queue.hasNext);
});
