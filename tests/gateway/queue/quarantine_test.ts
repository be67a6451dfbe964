// What comes back from lost workers: when it is handed out again, to whom, and who is blamed when
// that one is lost too.

import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Task } from "@maple/box";
import {
  Dispatcher,
  type DispatcherOptions,
} from "../../../gateway/queue/dispatcher.ts";
import { TaskQueue } from "../../../gateway/queue/task_queue.ts";
import { eventually } from "../../helpers/eventually.ts";
import {
  FakeLink,
  fakeSession,
  innerTask,
  request,
  ROOMY,
  textOf,
} from "./fakes.ts";

/** A worker that does one thing at a time: what it got last, and how it goes on. */
class Worker {
  readonly fake: FakeLink;
  readonly got: Task[] = [];
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher, fake = new FakeLink()) {
    this.#dispatcher = dispatcher;
    this.fake = fake;
  }

  get texts(): string[] {
    return this.got.map(textOf);
  }

  ask(count = 1): void {
    for (let i = 0; i < count; i++) this.#dispatcher.ask(this.fake.link);
    this.#dispatcher.pump();
  }

  /** Takes what was sent, and waits until that is so many. */
  async take(count = 0): Promise<string[]> {
    await eventually(async () => {
      this.got.push(...await this.fake.sent());
      return this.got.length >= count;
    });
    return this.texts;
  }

  /** Finishes the oldest task, and asks for one more. */
  finish(): void {
    this.#dispatcher.acknowledge(this.fake.link, "oldest");
    this.ask();
  }

  lose() {
    return this.#dispatcher.lost(this.fake.link);
  }
}

function setUp(
  { order = "none", ...options }: Partial<DispatcherOptions> & {
    order?: "client" | "none";
  } = {},
) {
  const queue = new TaskQueue({ ...ROOMY, order });
  const finished: string[] = [];
  const dispatcher = new Dispatcher(queue, {
    creditsMax: 100,
    maxDeliveries: 2,
    originalMaxDeliveries: 2,
    onFinished: (task, lost) =>
      finished.push(`${textOf(task)}${lost ? " lost" : ""}`),
    ...options,
  });
  return {
    queue,
    dispatcher,
    finished,
    worker: (...fake: FakeLink[]) => new Worker(dispatcher, ...fake),
    submit: (...texts: string[]) =>
      texts.forEach((text) => dispatcher.submit(innerTask(text))),
    [Symbol.dispose]: () => dispatcher.close(),
  };
}

/** Lets the turn end: what is handed out in one turn and lost in it was seen by nobody. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

const NUMBERS = Array.from({ length: 24 }, (_, i) => `${i}`);

Deno.test("Quarantine hands out alone, flagged and first what came back", async () => {
  using it = setUp();
  const [lost, heir] = [it.worker(), it.worker()];
  it.submit("1", "2", "3", "4");
  lost.ask(3);
  await lost.take(3);
  lost.lose();
  assertEquals([it.queue.size, it.queue.returned], [4, 3]);
  heir.ask(10);
  for (const [i, text] of ["1", "2", "3"].entries()) {
    await heir.take(i + 1);
    it.submit(`fresh ${i}`);
    await nextTurn();
    assertEquals((await heir.take()).at(-1), text);
    assertEquals(heir.fake.link.inHand.size, 1);
    heir.finish();
  }
  assertEquals((await heir.take(7)).slice(3), [
    "4",
    "fresh 0",
    "fresh 1",
    "fresh 2",
  ]);
  assertEquals(heir.got.map((task) => task.redelivered), [
    ...[true, true, true],
    ...[false, false, false, false],
  ]);
  assertEquals([it.dispatcher.redelivered, it.dispatcher.givenUp], [3, 0]);
});

Deno.test("Quarantine gives nothing to workers that are lost in the same moment", async () => {
  using it = setUp();
  const workers = [it.worker(), it.worker(), it.worker(), it.worker()];
  for (const worker of workers) worker.ask(100);
  it.submit(...NUMBERS);
  for (const worker of workers) await worker.take(6);
  for (const worker of workers) {
    worker.lose();
    await nextTurn();
  }
  assertEquals([it.queue.returned, it.finished.length], [24, 0]);
  const heirs = [it.worker(), it.worker(), it.worker(), it.worker()];
  for (const heir of heirs) heir.ask(100);
  await eventually(async () => {
    for (const heir of heirs) {
      await heir.take();
      heir.finish();
    }
    return it.finished.length === 24;
  });
  assertEquals(it.finished.toSorted(), NUMBERS.toSorted());
});

Deno.test("Quarantine gives nothing to a worker that shows no life", async () => {
  using it = setUp();
  const dead = it.worker(new FakeLink({ lives: false }));
  const [lost, alive] = [it.worker(), it.worker()];
  lost.ask();
  it.submit("1");
  await lost.take(1);
  dead.ask();
  lost.lose();
  await eventually(() => dead.fake.pings > 3);
  assertEquals(await dead.take(), []);
  // It is not waited for without end.
  alive.ask();
  assertEquals(await alive.take(1), ["1"]);
  assertEquals(await dead.take(), []);
});

Deno.test("Quarantine trusts an original worker, which cannot be asked, when it has waited", async () => {
  using it = setUp();
  const [lost, original] = [
    it.worker(),
    it.worker(new FakeLink({ original: true })),
  ];
  lost.ask();
  it.submit("1");
  await lost.take(1);
  original.ask();
  lost.lose();
  assertEquals(await original.take(), []);
  assertEquals(await original.take(1), ["1"]);
  assertEquals(original.fake.pings, 0);
});

Deno.test("Quarantine empties a busy worker for it, while others get what waits", async () => {
  using it = setUp();
  const [lost, first, second] = [it.worker(), it.worker(), it.worker()];
  lost.ask();
  it.submit("back");
  await lost.take(1);
  for (const worker of [first, second]) worker.ask(50);
  it.submit("a", "b", "c", "d");
  await first.take(2);
  await second.take(2);
  await nextTurn();
  lost.lose();
  it.submit(...NUMBERS);
  // One of them has got all that is fresh, the other nothing.
  const [busy, kept] = (await first.take()).length > 2
    ? [first, second]
    : [second, first];
  assertEquals([(await busy.take(26)).length, (await kept.take()).length], [
    26,
    2,
  ]);
  kept.finish();
  await nextTurn();
  assertEquals((await kept.take()).length, 2);
  kept.finish();
  assertEquals((await kept.take(3)).at(-1), "back");
  kept.finish();
  it.submit("more");
  assertEquals((await kept.take(4)).at(-1), "more");
});

Deno.test("Quarantine rather takes a worker that is idle", async () => {
  using it = setUp();
  const [lost, busy, later] = [it.worker(), it.worker(), it.worker()];
  lost.ask();
  it.submit("back");
  await lost.take(1);
  busy.ask(50);
  it.submit("for ever");
  await busy.take(1);
  await nextTurn();
  lost.lose();
  later.ask();
  assertEquals(await later.take(1), ["back"]);
  // The other one is not kept any more.
  it.submit("fresh");
  assertEquals(await busy.take(2), ["for ever", "fresh"]);
});

Deno.test("Quarantine does not wait without end for a worker to be empty, and still blames one task alone", async () => {
  using it = setUp();
  const [lost, busy] = [it.worker(), it.worker()];
  lost.ask();
  it.submit("culprit");
  await lost.take(1);
  busy.ask(50);
  it.submit("innocent");
  await busy.take(1);
  await nextTurn();
  lost.lose();
  assertEquals(await busy.take(2), ["innocent", "culprit"]);
  const { again, givenUp, suspect } = busy.lose();
  assertEquals([again, givenUp, textOf(suspect!)], [1, 1, "culprit"]);
  assertEquals(it.finished, ["culprit lost"]);
  // The innocent one was not blamed, so it has two lives left.
  for (let i = 0; i < 2; i++) {
    const heir = it.worker();
    heir.ask();
    assertEquals(await heir.take(1), ["innocent"]);
    assert(heir.got[0]!.redelivered);
    await nextTurn();
    heir.lose();
  }
  assertEquals(it.finished, ["culprit lost", "innocent lost"]);
});

Deno.test("Quarantine lets a worker serve others again whose task alone takes long", async () => {
  using it = setUp();
  const [lost, heir] = [it.worker(), it.worker()];
  lost.ask();
  it.submit("long");
  await lost.take(1);
  lost.lose();
  heir.ask(10);
  await heir.take(1);
  it.submit("fresh");
  await nextTurn();
  assertEquals(await heir.take(), ["long"]);
  assertEquals(await heir.take(2), ["long", "fresh"]);
});

Deno.test("Quarantine lets the only worker serve what waits, too", async () => {
  using it = setUp();
  const [lost, only] = [it.worker(), it.worker()];
  lost.ask(100);
  it.submit(...NUMBERS);
  await lost.take(24);
  lost.lose();
  only.ask(100);
  await only.take(1);
  it.submit("fresh");
  // Each of them takes 100 ms.
  await eventually(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await only.take();
    only.finish();
    return only.texts.includes("fresh");
  });
  assert(it.queue.returned > 0);
});

Deno.test("Quarantine keeps half of the workers at most, and all of them while nothing else waits", async () => {
  using it = setUp();
  const lost = it.worker();
  lost.ask(100);
  it.submit(...NUMBERS);
  await lost.take(24);
  const workers = NUMBERS.slice(0, 5).map(() => it.worker());
  for (const worker of workers) worker.ask(10);
  await nextTurn();
  lost.lose();
  for (const worker of workers) await worker.take(1);
  assertEquals(it.queue.returned, 19);
  it.submit(...NUMBERS);
  for (const worker of workers) {
    assertEquals((await worker.take()).length, 1);
    worker.finish();
  }
  for (const worker of workers) await worker.take(2);
  // Two of them have another one alone, the others all that is fresh.
  const last = workers.map(({ got }) => got.at(-1)!.redelivered);
  assertEquals(last.filter((redelivered) => redelivered).length, 2);
  assertEquals([it.queue.returned, it.queue.size], [17, 17]);
});

Deno.test("Dispatcher lost() gives a task up after maxDeliveries", async () => {
  for (const maxDeliveries of [1, 2, 3]) {
    using it = setUp({ maxDeliveries });
    it.submit("1");
    for (let i = 0; i < maxDeliveries; i++) {
      assertEquals(it.finished, []);
      const worker = it.worker();
      worker.ask();
      await worker.take(1);
      await nextTurn();
      worker.lose();
    }
    assertEquals(it.finished, ["1 lost"]);
    assertEquals([it.queue.size, it.dispatcher.inHand], [0, 0]);
    assertEquals(it.dispatcher.givenUp, 1);
  }
});

Deno.test("Dispatcher lost() does not count what was handed out to a connection that was gone", async () => {
  using it = setUp();
  it.submit("1");
  for (let i = 0; i < 3; i++) {
    const gone = it.worker();
    await eventually(() => {
      gone.ask();
      const hasIt = gone.fake.link.inHand.size > 0;
      gone.lose();
      return hasIt;
    });
  }
  const heir = it.worker();
  heir.ask();
  assertEquals(await heir.take(1), ["1"]);
  assertEquals(it.finished, []);
});

Deno.test("Dispatcher lost() takes 20 innocent tasks and a culprit apart", async () => {
  using it = setUp({ order: "client" });
  const sessions = NUMBERS.map((_, i) => fakeSession(i));
  const first = it.worker();
  first.ask(100);
  sessions.forEach((session, i) => {
    it.dispatcher.submit(request(session, i === 7 ? "culprit" : `${i}`));
    it.dispatcher.submit(request(session, `${i} second`));
  });
  await first.take(24);
  await nextTurn();
  let deaths = 1;
  first.lose();
  let heir = it.worker();
  heir.ask(100);
  await eventually(async () => {
    await heir.take();
    const { first } = heir.fake.link.inHand;
    if (first && textOf(first) === "culprit") {
      deaths++;
      const { again, suspect } = heir.lose();
      assertEquals([again, suspect], [0, first]);
      heir = it.worker();
      heir.ask(100);
    } else if (first) heir.finish();
    return it.finished.length === 48;
  });
  assertEquals(deaths, 2);
  assertEquals(it.finished.filter((text) => / lost/.test(text)), [
    "culprit lost",
  ]);
  for (const i of NUMBERS) {
    const at = it.finished.indexOf(i === "7" ? "culprit lost" : i);
    assert(at >= 0 && at < it.finished.indexOf(`${i} second`));
  }
});

Deno.test("Quarantine gives a worker that takes leave nothing", async () => {
  using it = setUp();
  const [lost, leaving, heir] = [it.worker(), it.worker(), it.worker()];
  lost.ask();
  it.submit("1");
  await lost.take(1);
  leaving.ask();
  lost.lose();
  it.dispatcher.withdraw(leaving.fake.link);
  leaving.ask();
  heir.ask();
  assertEquals(await heir.take(1), ["1"]);
  assertEquals(await leaving.take(), []);
  assertFalse(leaving.fake.link.parked);
});
