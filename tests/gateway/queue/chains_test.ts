// Chains: a client's tasks in a worker's hands together, in their order, and what comes back.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { type Task, TaskCmd, TaskFlag } from "@maple/box";
import { Dispatcher } from "../../../gateway/queue/dispatcher.ts";
import { QueuedTask } from "../../../gateway/queue/queued_task.ts";
import {
  TaskQueue,
  type TaskQueueOptions,
} from "../../../gateway/queue/task_queue.ts";
import type { ClientSession } from "../../../gateway/outer/client_session.ts";
import { eventually } from "../../helpers/eventually.ts";
import { FakeLink, fakeSession, request, ROOMY, textOf } from "./fakes.ts";

function setUp({
  chainMax = 4,
  maxDeliveries = 2,
  ...options
}: Partial<TaskQueueOptions> & { chainMax?: number; maxDeliveries?: number } =
  {}) {
  const finished: string[] = [];
  const cleared: string[] = [];
  const dropped: string[] = [];
  const queue = new TaskQueue({
    ...ROOMY,
    order: "client",
    onDropped: (task) => dropped.push(textOf(task)),
    ...options,
  });
  const dispatcher = new Dispatcher(queue, {
    creditsMax: 1000,
    maxDeliveries,
    originalMaxDeliveries: maxDeliveries,
    chainMax,
    onCleared: (task) => cleared.push(textOf(task)),
    onFinished: (task: QueuedTask, lost: boolean) =>
      finished.push(`${textOf(task)}${lost ? " lost" : ""}`),
  });
  return {
    queue,
    dispatcher,
    finished,
    cleared,
    dropped,
    [Symbol.dispose]: () => dispatcher.close(),
    submit(session: ClientSession, ...texts: string[]) {
      for (const text of texts) dispatcher.submit(request(session, text));
    },
    ask({ link }: FakeLink, count = 1) {
      for (let i = 0; i < count; i++) dispatcher.ask(link);
      dispatcher.pump();
    },
    // As `PullCommands` does it.
    finish({ link }: FakeLink, task: Task, unrun = false) {
      if (dispatcher.acknowledge(link, task.ret, unrun)) dispatcher.ask(link);
      dispatcher.pump();
    },
  };
}

// Has a client's tasks done that it sends when the one before is done, so many of them.
async function sendOneByOne(
  all: ReturnType<typeof setUp>,
  client: ClientSession,
  count = 1,
): Promise<void> {
  const link = new FakeLink({ chains: true });
  all.ask(link);
  for (let i = 0; i < count; i++) {
    all.submit(client, "single");
    const [task] = await link.sent();
    all.finish(link, task!);
  }
  all.dispatcher.withdraw(link.link);
}

const isChained = (task: Task) => (task.flags & TaskFlag.CHAINED) !== 0;

function told(tasks: Task[]): string[] {
  return tasks.map((task) => `${textOf(task)}${isChained(task) ? "+" : ""}`);
}

const names = (count: number, name = "") =>
  Array.from({ length: count }, (_, i) => `${name}${i + 1}`);

Deno.test("Dispatcher gives what follows to the worker that holds the first, flagged and without a credit", async () => {
  using all = setUp();
  const { dispatcher, submit, ask, finish } = all;
  const [link, other] = [
    new FakeLink({ chains: true }),
    new FakeLink({ chains: true }),
  ];
  const client = fakeSession(1);
  ask(link, 2);
  submit(client, "1", "2", "3");
  ask(other, 2);
  submit(client, "4");
  const tasks = await link.sent();
  assertEquals(told(tasks), ["1", "2+", "3+", "4+"]);
  assertEquals(await other.sent(), []);
  assertEquals([link.link.credits, dispatcher.inHand], [1, 4]);
  assertEquals([dispatcher.chains, dispatcher.chainCounts?.chained], [1, 3]);
  // The credit comes back with the last of them.
  for (const task of tasks) {
    assertEquals(link.link.credits, 1);
    finish(link, task);
  }
  assertEquals(link.link.credits, 2);
  assertEquals([dispatcher.chains, dispatcher.inHand], [0, 0]);
  assertEquals(all.finished, ["1", "2", "3", "4"]);
});

Deno.test("a credit stands for one chain: another client gets the second one at once", async () => {
  using all = setUp();
  const link = new FakeLink({ chains: true });
  all.ask(link, 2);
  all.submit(fakeSession(1), ...names(10, "a"));
  all.submit(fakeSession(2), "b1");
  const tasks = await link.sent();
  assertEquals(told(tasks.slice(-1)), ["b1"]);
  // All of the first client: nobody waited for a credit.
  assertEquals(tasks.length, 11);
});

Deno.test("a chain ends after chainMax tasks while one that sends one at a time waits for a credit, and the client goes to the back", async () => {
  for (const chainMax of [2, 4, 7]) {
    using all = setUp({ chainMax });
    const link = new FakeLink({ chains: true });
    const [a, b] = [fakeSession(1), fakeSession(2)];
    await sendOneByOne(all, b);
    all.submit(a, ...names(10, "a"));
    all.submit(b, "b1");
    all.ask(link);
    const first = await link.sent();
    assertEquals(
      told(first),
      names(chainMax, "a").map((text, i) => i > 0 ? `${text}+` : text),
    );
    for (const task of first.slice(0, -1)) all.finish(link, task);
    assertEquals(await link.sent(), []);
    all.finish(link, first.at(-1)!);
    // Nobody waits any more but the first, whose turn it is not yet.
    const [next] = await link.sent();
    assertEquals(told([next!]), ["b1"]);
    all.finish(link, next!);
    const rest = await link.sent();
    assertEquals(told(rest.slice(0, 1)), [`a${chainMax + 1}`]);
    assertEquals(rest.length, 10 - chainMax);
  }
});

Deno.test("a worker holds 64 tasks of a client at most", async () => {
  using all = setUp();
  const link = new FakeLink({ chains: true });
  all.ask(link, 5);
  all.submit(fakeSession(1), ...names(100));
  const tasks = await link.sent();
  assertEquals(tasks.length, 64);
  all.finish(link, tasks[0]!);
  assertEquals(told(await link.sent()), ["65+"]);
  assertEquals([all.dispatcher.inHand, all.queue.size], [64, 35]);
});

for (
  const [why, change] of Object.entries<(link: FakeLink) => unknown>({
    "takes long for its tasks": ({ link }) => link.taskMs = 0.5,
    "has not told how long its tasks take": ({ link }) => link.taskMs = 0,
    "wants no more": ({ link }) => link.withdrawn = true,
    "is kept for what came back": ({ link }) => link.parked = true,
  })
) {
  Deno.test(`no chain for a worker that ${why}`, async () => {
    using all = setUp();
    const link = new FakeLink({ chains: true });
    const client = fakeSession(1);
    all.ask(link, 5);
    all.submit(client, "1");
    change(link);
    all.submit(client, "2", "3");
    assertEquals(told(await link.sent()), ["1"]);
    assertEquals([all.dispatcher.chains, all.queue.size], [0, 2]);
  });
}

Deno.test("a worker that does not say that it runs chains gets one at a time, without the flag", async () => {
  for (const original of [true, false]) {
    using all = setUp();
    const link = new FakeLink({ original });
    link.link.taskMs = 0.1;
    all.ask(link, 5);
    all.submit(fakeSession(1), ...names(3));
    for (const text of names(3)) {
      const [task, ...more] = await link.sent();
      assertEquals([textOf(task!), task!.flags, more], [text, 0, []]);
      all.finish(link, task!);
    }
    assertEquals(link.link.credits, 5);
  }
});

Deno.test("no chain with order none, with a chainMax of 1, and where a task may be handed out only once", async () => {
  for (
    const options of [
      { order: "none" as const },
      { chainMax: 1 },
      { maxDeliveries: 1 },
    ]
  ) {
    using all = setUp(options);
    assertFalse(all.dispatcher.runsChains);
    const link = new FakeLink({ chains: true });
    const client = fakeSession(1);
    all.ask(link, 3);
    all.submit(client, "1", "2", "3");
    const tasks = await link.sent();
    const isFree = options.order === "none";
    assertEquals(told(tasks), isFree ? ["1", "2", "3"] : ["1"]);
    assertEquals([client.chain, client.holder], [0, null]);
    for (const task of tasks) all.finish(link, task);
    assertEquals(link.link.credits, isFree ? 3 : 2);
  }
});

Deno.test("large frames, news and what is for a worker that does not read are not chained", async () => {
  using all = setUp();
  const link = new FakeLink({ chains: true });
  const client = fakeSession(1);
  all.ask(link, 5);
  all.submit(client, "1", "x".repeat(16 * 1024), "3");
  const [first] = await link.sent();
  assertEquals(all.queue.size, 2);
  all.finish(link, first!);
  const [large, third] = await link.sent();
  assertFalse(isChained(large!));
  assert(isChained(third!));
  const empty = new Uint8Array(0);
  all.dispatcher.submit(new QueuedTask(TaskCmd.CLIENT_CLOSED, empty, client));
  all.submit(client, "late");
  assertEquals(await link.sent(), []);
  all.finish(link, large!);
  all.finish(link, third!);
  assertEquals((await link.sent()).map(({ cmd }) => cmd), [
    TaskCmd.CLIENT_CLOSED,
    TaskCmd.CLIENT_REQ,
  ]);

  // 64 chains of a megabyte would end the connection.
  const deaf = new FakeLink({ chains: true });
  all.dispatcher.withdraw(link.link);
  const [many, other] = [fakeSession(2), fakeSession(3)];
  all.ask(deaf, 50);
  all.submit(many, ...Array(64).fill("y".repeat(15_000)));
  all.submit(other, "1", "2");
  assertFalse(deaf.link.closed);
  const sent = await deaf.sent();
  assert(sent.length < 30, `${sent.length} were sent`);
});

Deno.test("of the tasks that a lost worker held of a client only the first counts; the others follow, flagged, in order, one by one", async () => {
  using all = setUp();
  const { dispatcher, queue } = all;
  const [lost, heir] = [
    new FakeLink({ chains: true }),
    new FakeLink({ chains: true }),
  ];
  const client = fakeSession(1);
  all.ask(lost, 3);
  all.submit(client, "1", "2", "3", "4");
  all.submit(fakeSession(2), "other");
  const held = await lost.sent();
  all.finish(lost, held[0]!);
  // Not in the turn in which they were sent.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(dispatcher.lost(lost.link).again, 4);
  assertEquals([dispatcher.chains, dispatcher.inHand], [0, 0]);
  all.submit(client, "5", "6");
  assertEquals(queue.size, 6);
  all.ask(heir, 8);
  const order: string[] = [];
  while (all.finished.length < 7) {
    let tasks: Task[] = [];
    await eventually(async () => (tasks = await heir.sent()).length > 0);
    for (const task of tasks) {
      const again = task.redelivered ? "!" : "";
      order.push(`${told([task])}${again}${client.front?.losses ?? ""}`);
    }
    if (tasks[0]!.redelivered) assertEquals(tasks.length, 1);
    for (const task of tasks) all.finish(heir, task);
  }
  // 2 and other are the first of their clients; the digits after "!" are 2's losses.
  const ofClient = order.filter((text) => !text.startsWith("other"));
  assertEquals(ofClient, ["2!1", "3!0", "4!0", "50", "6+0"]);
  assert(order.some((text) => text.startsWith("other!")));
  assertEquals([dispatcher.redelivered, dispatcher.givenUp], [4, 0]);
  assertEquals(all.finished.filter((text) => text !== "other"), [
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
  ]);
});

Deno.test("only the task that ends workers is given up, not those that were chained before and behind it", async () => {
  using all = setUp();
  const client = fakeSession(1);
  const links: FakeLink[] = [];
  all.submit(client, "1", "2", "deadly", "4", "5");
  // The tasks are run one by one; an acknowledgement before the end gets lost.
  while (all.finished.length < 5) {
    const link = new FakeLink({ chains: true });
    links.push(link);
    assert(links.length < 6, `${links.length} workers were lost`);
    all.ask(link, 2);
    let isLost = false;
    while (!isLost && all.finished.length < 5) {
      let tasks: Task[] = [];
      await eventually(async () => (tasks = await link.sent()).length > 0);
      isLost = tasks.some((task) => textOf(task) === "deadly");
      if (isLost) break;
      for (const task of tasks) all.finish(link, task);
    }
    await new Promise((resolve) => setTimeout(resolve));
    all.dispatcher.lost(link.link);
  }
  assertEquals(all.finished, ["1", "2", "deadly lost", "4", "5"]);
  assertEquals(links.length, 4);
});

Deno.test("what a worker gives back is handed out anew, in order, as if it had never been", async () => {
  using all = setUp();
  const link = new FakeLink({ chains: true });
  const client = fakeSession(1);
  all.ask(link, 2);
  all.submit(client, ...names(6));
  const [first, ...others] = await link.sent();
  // In whichever order, and with something new in between.
  for (const i of [2, 0, 4]) all.finish(link, others[i]!, true);
  all.submit(client, "7");
  for (const i of [1, 3]) all.finish(link, others[i]!, true);
  assertEquals([link.link.credits, await link.sent()], [1, []]);
  all.finish(link, first!);
  const again = await link.sent();
  assertEquals(told(again), ["2", "3+", "4+", "5+", "6+", "7+"]);
  assertEquals(again.filter((task) => task.redelivered), []);
  assertEquals(all.dispatcher.chainCounts?.givenBack, 5);
  assertEquals([all.dispatcher.acknowledged, all.dispatcher.redelivered], [
    1,
    0,
  ]);
  for (const task of again) all.finish(link, task);
  assertEquals(all.finished, names(7));
  assertEquals(link.link.credits, 2);
});

Deno.test("recall() asks for what is not begun, and nothing is added until the chain is empty", async () => {
  using all = setUp();
  const link = new FakeLink({ chains: true });
  const client = fakeSession(9);
  all.ask(link, 2);
  all.submit(client, "1");
  // Nothing is chained: there is nothing to ask for.
  all.dispatcher.recall(client);
  all.submit(client, "2");
  assertEquals(told(await link.sent()), ["1", "2+"]);
  all.dispatcher.recall(client);
  all.submit(client, "3");
  const [recall, ...more] = await link.sent();
  assertEquals([recall!.cmd, recall!.connId], [TaskCmd.CLEAR_CLIENT_TASKS, 9]);
  assertEquals(more, []);
});

Deno.test("clear() drops what comes back not begun, and what a lost worker had not begun", async () => {
  for (const isLost of [false, true]) {
    using all = setUp();
    const link = new FakeLink({ chains: true });
    const client = fakeSession(1);
    all.ask(link, 2);
    all.submit(client, ...names(4));
    const tasks = (await link.sent()).slice(0, 4);
    all.dispatcher.clear(client);
    all.submit(client, "5");
    if (isLost) {
      await new Promise((resolve) => setTimeout(resolve));
      all.dispatcher.lost(link.link);
      assertEquals(all.cleared, ["2", "3", "4"]);
      assertEquals(all.queue.size, 2);
      continue;
    }
    // The second was begun before the worker heard of it.
    all.finish(link, tasks[3]!, true);
    all.finish(link, tasks[2]!, true);
    all.finish(link, tasks[0]!);
    all.finish(link, tasks[1]!);
    assertEquals(all.cleared, ["4", "3"]);
    assertEquals(all.finished, ["4", "3", "1", "2"]);
    assertEquals(told((await link.sent()).slice(-1)), ["5"]);
    assertEquals(link.link.credits, 1);
  }
});

Deno.test("the chained requests of a client that is gone are dropped as those that wait", async () => {
  using all = setUp({ goneRequests: "drop" });
  const link = new FakeLink({ chains: true });
  const client = fakeSession(1);
  all.ask(link, 2);
  all.submit(client, ...names(3));
  const tasks = await link.sent();
  all.queue.leave(client);
  all.dispatcher.left(client);
  const [recall] = await link.sent();
  assertEquals(recall?.cmd, TaskCmd.CLEAR_CLIENT_TASKS);
  all.finish(link, tasks[2]!, true);
  all.finish(link, tasks[1]!, true);
  all.finish(link, tasks[0]!);
  assertEquals([all.dropped, all.finished], [["3", "2"], ["1"]]);
  assertEquals([client.chain, client.front, all.queue.size], [0, null, 0]);
});

Deno.test("recallOld() asks for what waits long in a worker's hands, once", async () => {
  using all = setUp();
  const link = new FakeLink({ chains: true });
  const client = fakeSession(1);
  all.ask(link, 2);
  all.submit(client, "1", "2");
  await link.sent();
  const step = async () => {
    assertEquals(all.queue.expire(2), []);
    all.dispatcher.recallOld(2);
    return (await link.sent()).map(({ cmd }) => cmd);
  };
  assertEquals(await step(), []);
  assertEquals(await step(), []);
  assertEquals(await step(), [TaskCmd.CLEAR_CLIENT_TASKS]);
  assertEquals(await step(), []);
});

Deno.test("a link that cannot be sent what is chained is lost, and nothing of it", async () => {
  using all = setUp();
  const link = new FakeLink({ chains: true, outboxBytes: 300 });
  const heir = new FakeLink({ chains: true });
  const client = fakeSession(1);
  // As `InnerLinks` does it.
  const { deliver } = link.link;
  link.link.deliver = (task) => {
    deliver.call(link.link, task);
    if (link.link.closed) all.dispatcher.lost(link.link);
  };
  all.ask(link);
  all.submit(client, ...names(5));
  assert(link.link.closed);
  assertEquals([all.dispatcher.inHand, all.queue.size], [0, 5]);
  all.ask(heir, 2);
  while (all.finished.length < 5) {
    let tasks: Task[] = [];
    await eventually(async () => (tasks = await heir.sent()).length > 0);
    for (const task of tasks) all.finish(heir, task);
  }
  assertEquals(all.finished, names(5));
});

Deno.test("a chain is nine times as long where nobody waits who sends one at a time", async () => {
  using all = setUp({ chainMax: 2 });
  const link = new FakeLink({ chains: true });
  const [a, b, c] = [fakeSession(1), fakeSession(2), fakeSession(3)];
  await sendOneByOne(all, c);
  all.submit(a, ...names(40, "a"));
  all.submit(b, "b1", "b2", "b3");
  all.ask(link);
  const first = await link.sent();
  assertEquals(first.length, 18);
  // One that sends one at a time waits: whoever is next has a short turn.
  all.submit(c, "c1");
  for (const task of first) all.finish(link, task);
  const second = await link.sent();
  assertEquals(told(second), ["b1", "b2+"]);
  for (const task of second) all.finish(link, task);
  const third = await link.sent();
  assertEquals(told(third), ["c1"]);
  all.finish(link, third[0]!);
  const fourth = await link.sent();
  assertEquals([textOf(fourth[0]!), fourth.length], ["a19", 18]);
});

Deno.test("a chain ends after chainMax tasks for a while after one was served that sends one at a time, though nobody waits", async () => {
  using all = setUp();
  const link = new FakeLink({ chains: true });
  const client = fakeSession(1);
  await sendOneByOne(all, fakeSession(2), 3);
  all.ask(link, 5);
  all.submit(client, ...names(40));
  const first = await link.sent();
  assertEquals(first.length, 4);
  await new Promise((resolve) => setTimeout(resolve, 20));
  all.finish(link, first[0]!);
  assertEquals(told(await link.sent()).slice(0, 2), ["5+", "6+"]);
  assertEquals(all.queue.size, 0);
});

Deno.test("one that had a single task under way once or twice sends no fewer for it", async () => {
  using all = setUp();
  const link = new FakeLink({ chains: true });
  const [client, other] = [fakeSession(1), fakeSession(2)];
  await sendOneByOne(all, other, 2);
  all.submit(other, "1", "2");
  all.ask(link);
  for (const task of await link.sent()) all.finish(link, task);
  all.submit(other, "single");
  for (const task of await link.sent()) all.finish(link, task);
  all.submit(other, "single");
  for (const task of await link.sent()) all.finish(link, task);
  all.submit(client, ...names(40));
  assertEquals((await link.sent()).length, 40);
});

Deno.test("what waits alone is no longer so when more comes behind it, and forgotten when it is cleared", async () => {
  using all = setUp({ chainMax: 2 });
  const [a, b] = [fakeSession(1), fakeSession(2)];
  for (const client of [a, b]) await sendOneByOne(all, client);
  all.submit(a, "a1");
  all.submit(b, "b1");
  assert(all.queue.hasLone);
  all.submit(a, "a2");
  assert(all.queue.hasLone);
  all.submit(b, "b2");
  assertFalse(all.queue.hasLone);
  all.queue.remove(b, (task) => textOf(task) === "b1");
  assert(all.queue.hasLone);
  all.queue.remove(b, () => true);
  assertFalse(all.queue.hasLone);
  const link = new FakeLink({ chains: true });
  all.ask(link);
  assertEquals(told(await link.sent()), ["a1", "a2+"]);
  // Of a new client nothing is known yet.
  all.submit(fakeSession(3), "c1");
  assertFalse(all.queue.hasLone);
});
