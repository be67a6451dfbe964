// Dispatcher: credits, fairness, acknowledgement and redelivery.

import {
  assert,
  assertEquals,
  assertGreater,
  assertObjectMatch,
} from "@std/assert";
import { RET, TaskCmd } from "@maple/box";
import { Dispatcher } from "../../../gateway/queue/dispatcher.ts";
import { QueuedTask } from "../../../gateway/queue/queued_task.ts";
import { TaskQueue } from "../../../gateway/queue/task_queue.ts";
import { utf8 } from "../../box/support.ts";
import {
  FakeLink,
  fakeSession,
  innerTask,
  request,
  ROOMY,
  textOf,
} from "./fakes.ts";

function setUp(
  {
    order = "none" as "client" | "none",
    creditsMax = 100,
    maxDeliveries = 2,
    originalMaxDeliveries = 2,
  } = {},
) {
  const queue = new TaskQueue({ ...ROOMY, order });
  const finished: string[] = [];
  const dispatcher = new Dispatcher(queue, {
    creditsMax,
    maxDeliveries,
    originalMaxDeliveries,
    onFinished: (task: QueuedTask, lost: boolean) =>
      finished.push(`${textOf(task)}${lost ? " lost" : ""}`),
  });
  const submit = (...texts: string[]) =>
    texts.forEach((text) => dispatcher.submit(innerTask(text)));
  const ask = ({ link }: FakeLink, count = 1) => {
    for (let i = 0; i < count; i++) dispatcher.ask(link);
    dispatcher.pump();
  };
  return { queue, dispatcher, finished, submit, ask };
}

function closing(dispatcher: Dispatcher): Disposable {
  return { [Symbol.dispose]: () => dispatcher.close() };
}

async function textsSent(link: FakeLink): Promise<string[]> {
  return (await link.sent()).map(textOf);
}

Deno.test("Dispatcher gives nothing that was not asked for", async () => {
  const { dispatcher, queue, submit, ask } = setUp();
  const link = new FakeLink();
  submit("1", "2", "3");
  assertEquals(await textsSent(link), []);
  ask(link, 2);
  assertEquals(await textsSent(link), ["1", "2"]);
  assertEquals([queue.size, dispatcher.inHand, dispatcher.idleCredits], [
    1,
    2,
    0,
  ]);
  ask(link, 2);
  assertEquals(await textsSent(link), ["3"]);
  assertEquals(dispatcher.idleCredits, 1);
  submit("4");
  assertEquals(await textsSent(link), ["4"]);
});

Deno.test("Dispatcher serves a link with 16 credits and one with 1 in turn", async () => {
  const { submit, ask } = setUp();
  const [greedy, modest] = [new FakeLink(), new FakeLink()];
  ask(greedy, 16);
  ask(modest, 1);
  submit("1", "2", "3");
  assertEquals(await textsSent(greedy), ["1", "3"]);
  assertEquals(await textsSent(modest), ["2"]);
});

Deno.test("Dispatcher gives the one that asks for 1 its turn after every single task", async () => {
  const { submit, ask } = setUp();
  const [greedy, modest] = [new FakeLink(), new FakeLink()];
  ask(greedy, 16);
  const shares = [0, 0];
  for (let round = 0; round < 8; round++) {
    ask(modest, 1);
    submit("x", "x");
    shares[0]! += (await greedy.sent()).length;
    shares[1]! += (await modest.sent()).length;
  }
  assertEquals(shares, [8, 8]);
});

Deno.test("Dispatcher takes no more than creditsMax asks of a link", async () => {
  const { dispatcher, submit, ask } = setUp({ creditsMax: 3 });
  const link = new FakeLink();
  ask(link, 10);
  assertEquals([link.link.credits, dispatcher.idleCredits], [3, 3]);
  submit("1", "2", "3", "4");
  assertEquals(await textsSent(link), ["1", "2", "3"]);
});

Deno.test("Dispatcher numbers deliveries from 1 up, each once", async () => {
  const { submit, ask } = setUp();
  const link = new FakeLink();
  ask(link, 3);
  submit("1", "2", "3");
  const ids = (await link.sent()).map((task) => task.ret);
  assertEquals(new Set(ids).size, 3);
  ids.forEach((id) => assertGreater(id, 0));
});

Deno.test("Dispatcher acknowledge() finishes the task of the id, whatever the order", async () => {
  const { dispatcher, submit, ask, finished } = setUp();
  const link = new FakeLink();
  ask(link, 3);
  submit("1", "2", "3");
  const [first, second, third] = await link.sent();
  dispatcher.acknowledge(link.link, second!.ret);
  dispatcher.acknowledge(link.link, "oldest");
  assertEquals(finished, ["2", "1"]);
  // Known no more, and of another link: no effect.
  dispatcher.acknowledge(link.link, first!.ret);
  dispatcher.acknowledge(new FakeLink().link, third!.ret);
  assertEquals([finished.length, dispatcher.inHand], [2, 1]);
  dispatcher.acknowledge(link.link, "oldest");
  dispatcher.acknowledge(link.link, "oldest");
  assertEquals([finished, dispatcher.inHand, dispatcher.acknowledged], [
    ["2", "1", "3"],
    0,
    3,
  ]);
});

Deno.test("Dispatcher acknowledge() lets the next task of the client out with order client", async () => {
  const { dispatcher, ask } = setUp({ order: "client" });
  const [link, session] = [new FakeLink(), fakeSession(1)];
  ask(link, 2);
  dispatcher.submit(request(session, "1"));
  dispatcher.submit(request(session, "2"));
  const [first] = await link.sent();
  assertEquals(textOf(first!), "1");
  dispatcher.acknowledge(link.link, first!.ret);
  dispatcher.pump();
  assertEquals(await textsSent(link), ["2"]);
});

Deno.test("Dispatcher lost() takes back the credits of the link", async () => {
  const { dispatcher, submit, ask } = setUp();
  const [lost, heir] = [new FakeLink(), new FakeLink()];
  ask(lost, 5);
  ask(heir, 1);
  dispatcher.lost(lost.link);
  assertEquals(dispatcher.idleCredits, 1);
  submit("1", "2");
  assertEquals(await textsSent(lost), []);
  assertEquals(await textsSent(heir), ["1"]);
});

Deno.test("Dispatcher lost() hands of an original worker's tasks only unanswered requests out again", () => {
  const { dispatcher, queue, submit, ask, finished } = setUp();
  using _ = closing(dispatcher);
  const lost = new FakeLink({ original: true });
  const [a, b] = [fakeSession(1), fakeSession(2)];
  dispatcher.submit(request(a, "answered"));
  submit("inner");
  dispatcher.submit(request(b, "unanswered"));
  dispatcher.submit(new QueuedTask(TaskCmd.CLIENT_CLOSED, utf8("news"), a));
  ask(lost, 4);
  dispatcher.answered(lost.link, a, 0);
  assertObjectMatch(dispatcher.lost(lost.link), {
    again: 1,
    givenUp: 0,
    done: 3,
  });
  assertEquals(finished, ["answered", "inner", "news"]);
  assertEquals([queue.size, dispatcher.givenUp], [1, 0]);
  assertEquals(textOf(queue.nextReturned()!), "unanswered");
});

Deno.test("Dispatcher lost() gives up after originalMaxDeliveries what an original worker held", () => {
  const { dispatcher, submit, ask, finished } = setUp({
    originalMaxDeliveries: 1,
  });
  const lost = new FakeLink({ original: true });
  dispatcher.submit(request(fakeSession(1), "request"));
  submit("inner");
  ask(lost, 2);
  assertObjectMatch(dispatcher.lost(lost.link), {
    again: 0,
    givenUp: 1,
    done: 1,
  });
  assertEquals(finished, ["request lost", "inner"]);
});

Deno.test("Dispatcher lost() tells of a task that is given up when it is in no hand any more", () => {
  const queue = new TaskQueue({ ...ROOMY, order: "none" });
  const inHand: number[] = [];
  const dispatcher: Dispatcher = new Dispatcher(queue, {
    creditsMax: 9,
    maxDeliveries: 1,
    originalMaxDeliveries: 1,
    onFinished: () => inHand.push(dispatcher.inHand + queue.size),
  });
  const { link } = new FakeLink();
  dispatcher.ask(link);
  dispatcher.submit(innerTask("1"));
  dispatcher.lost(link);
  assertEquals(inHand, [0]);
});

Deno.test("Dispatcher lost() keeps the order of a client whose task is given up", async () => {
  const { dispatcher, ask, finished } = setUp({
    order: "client",
    maxDeliveries: 1,
  });
  const [lost, heir, session] = [
    new FakeLink(),
    new FakeLink(),
    fakeSession(1),
  ];
  ask(lost);
  dispatcher.submit(request(session, "1"));
  dispatcher.submit(request(session, "2"));
  ask(heir);
  assertEquals(await textsSent(heir), []);
  dispatcher.lost(lost.link);
  assertEquals(finished, ["1 lost"]);
  assertEquals(await textsSent(heir), ["2"]);
});

Deno.test("Dispatcher closes a worker that does not read, and its task comes back", () => {
  const { dispatcher, queue, submit, ask } = setUp();
  using _ = closing(dispatcher);
  // Room for one task, not for two in one turn.
  const slow = new FakeLink({ outboxBytes: 100 });
  ask(slow, 2);
  submit("1", "2");
  assert(slow.link.socket.closed);
  dispatcher.lost(slow.link);
  assertEquals(queue.returned, 2);
  dispatcher.ask(slow.link);
  assertEquals(slow.link.credits, 0);
});

Deno.test("Dispatcher gives a worker what its connection takes at a time, and the rest as it is read", async () => {
  const { dispatcher, queue, ask } = setUp();
  using _ = closing(dispatcher);
  const link = new FakeLink({ outboxBytes: 2_000_000 });
  ask(link, 10);
  const long = "x".repeat(600_000);
  for (let i = 0; i < 6; i++) dispatcher.submit(innerTask(long));
  assertEquals([link.link.socket.closed, queue.size], [false, 4]);
  for (const left of [2, 0]) {
    assertEquals((await link.sent()).length, 2);
    assertEquals(queue.size, left);
  }
  assertEquals((await link.sent()).length, 2);
  assertEquals([dispatcher.delivered, link.link.credits], [6, 4]);
});

Deno.test("Dispatcher forgets a worker that has left while it was to read first", async () => {
  const { dispatcher, queue, ask } = setUp();
  using _ = closing(dispatcher);
  const link = new FakeLink({ outboxBytes: 4_000_000 });
  ask(link, 10);
  dispatcher.submit(innerTask("x".repeat(1_100_000)));
  dispatcher.withdraw(link.link);
  dispatcher.submit(innerTask("next"));
  assertEquals((await link.sent()).length, 1);
  assertEquals([queue.size, dispatcher.idleCredits], [1, 0]);
});

Deno.test("Dispatcher tells the client of a request that it is finished, and of one that was lost first what came of it", async () => {
  const { dispatcher, ask } = setUp({ order: "client", maxDeliveries: 1 });
  using _dispatcher = closing(dispatcher);
  const told: unknown[] = [];
  const session = Object.assign(fakeSession(1), {
    refuse: (body: Uint8Array, ret: number) =>
      told.push(`${textOf({ body })}: ${ret}`),
    requestDone: () => told.push("done"),
  });
  const link = new FakeLink();
  for (const text of ["one", "two"]) dispatcher.submit(request(session, text));
  dispatcher.submit(innerTask("of nobody"));
  ask(link);
  const [task] = await link.sent();
  dispatcher.acknowledge(link.link, task!.ret);
  assertEquals(told, ["done"]);
  ask(link, 2);
  dispatcher.lost(link.link);
  assertEquals(told, ["done", `two: ${RET.WORKER_LOST}`, "done"]);
});
