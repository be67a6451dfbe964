// Master: what it does when children die, stand still, cannot be started; reloads and stops.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { FakeChildren } from "./fake_children.ts";

Deno.test("Master.ready() resolves when each place has had a child that is ready", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  let ready = false;
  children.master.ready().then(() => ready = true);
  children.latest(1).says({ ready: true });
  children.latest(2).dies();
  await children.pass(0);
  assertEquals([ready, children.master.healthy], [false, false]);
  await children.pass(10);
  children.latest(2).says({ ready: true });
  await children.pass(0);
  assertEquals([ready, children.master.healthy], [true, true]);
});

Deno.test("Master starts another child at once, and later and later while they keep dying", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workers: 1 });
  children.logged();
  const delays = [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
  for (const [nth, delay] of delays.entries()) {
    children.latest(1).dies("exit code 3");
    await children.pass(0);
    const when = delay === 0 ? "at once" : `in ${delay / 1000} s`;
    assertEquals(
      children.logged()[0],
      `WARN child 1.${nth + 1} ended: exit code 3; starting another ${when}`,
    );
    if (delay > 0) {
      await children.pass(delay - 1);
      assertEquals(children.started.length, nth + 1);
    }
    await children.pass(1);
    assertEquals(children.started.length, nth + 2);
    assertEquals(children.logged(), [`INFO child 1.${nth + 2} started`]);
  }
  assertEquals(children.master.processes()[0]!.restarts, delays.length);
});

Deno.test("Master starts the second in a row later, also when the first had worked for long", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workers: 1 });
  await children.allReady();
  await children.pass(60_000);
  children.logged();
  children.latest(1).dies("signal SIGKILL");
  await children.pass(1);
  children.latest(1).says({ ready: true });
  await children.pass(100);
  children.latest(1).dies("signal SIGKILL");
  await children.pass(1000);
  assertEquals(
    children.logged().filter((line) => /ended/.test(line)),
    [
      "WARN child 1.1 ended: signal SIGKILL; starting another at once",
      "WARN child 1.2 ended: signal SIGKILL; starting another in 0.5 s",
    ],
  );
});

Deno.test("Master takes deaths before a child has worked for 10 s as a row, after that as none", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workers: 1 });
  for (const [worked, delay] of [[0, 0], [9999, 500], [9999, 1000]] as const) {
    await children.allReady();
    await children.pass(worked);
    children.latest(1).dies();
    await children.pass(delay + 1);
  }
  assertEquals(children.started.length, 4);
  await children.allReady();
  await children.pass(10_000);
  children.latest(1).dies();
  await children.pass(1);
  assertEquals(children.started.length, 5);
});

Deno.test("Master starts a child later that takes long to start and then dies, again and again", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workers: 1 });
  for (const delay of [0, 500, 1000]) {
    await children.pass(60_000);
    children.latest(1).dies();
    const { length } = children.started;
    await children.pass(delay - 1);
    assertEquals(children.started.length, length);
    await children.pass(2);
    assertEquals(children.started.length, length + 1);
  }
});

Deno.test("Master tries again, later and later, when a child cannot be started after a death", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  await children.allReady();
  children.logged();
  children.startFault = "Cannot start child 2: no such folder";
  children.latest(2).dies();
  await children.pass(0);
  assertEquals(children.logged(), [
    "WARN child 2.1 ended: exit code 1; starting another at once",
  ]);
  await children.pass(3600);
  assertEquals(children.logged(), [
    "ERROR Cannot start child 2: no such folder; trying again in 0.5 s",
    "ERROR Cannot start child 2: no such folder; trying again in 1 s",
    "ERROR Cannot start child 2: no such folder; trying again in 2 s",
    "ERROR Cannot start child 2: no such folder; trying again in 4 s",
  ]);
  assertEquals(children.master.healthy, false);
  children.startFault = undefined;
  await children.pass(4000);
  await children.allReady();
  assertEquals(children.master.healthy, true);
  assertEquals(children.started.length, 3);
});

Deno.test("Master starts nobody after it was told to stop, whoever dies", async () => {
  using time = new FakeTime();
  const children = new FakeChildren(time);
  children.latest(1).dies();
  await children.pass(0);
  children.master.stop();
  await children.pass(60_000);
  assertEquals(children.started.length, 2);
  await children.master.ended();
  assert(children.controlClosed);
});

Deno.test("Master throws when the first children cannot be started, and leaves nothing", () => {
  using time = new FakeTime();
  const startFault = "Cannot start child 1: not allowed";
  assertThrows(
    () => new FakeChildren(time, { startFault }),
    Error,
    startFault,
  );
});

Deno.test("Master reloads: the old leave when all new ones are ready", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  await children.allReady();
  const [one, two] = children.started;
  children.logged();
  children.master.reload();
  await children.pass(5000);
  children.latest(1).says({ ready: true });
  await children.pass(5000);
  assertEquals([one!.told, two!.told], [[], []]);
  children.latest(2).says({ ready: true });
  await children.pass(0);
  assertEquals([one!.told, two!.told], [["leave"], ["leave"]]);
  assertEquals(children.logged(), [
    "INFO reloading: starting new processes",
    "INFO child 1.2 started",
    "INFO child 2.2 started",
    "INFO reloaded: the new processes are ready, the old leave",
    "INFO child 1.1 ended: exit code 0",
    "INFO child 2.1 ended: exit code 0",
  ]);
  assertEquals(
    children.master.processes().map(({ ready, restarts }) => [ready, restarts]),
    [[true, 0], [true, 0]],
  );
});

for (
  const { what, fault, fail } of [
    {
      what: "one dies before it is ready",
      fault: "new child 2.2 ended with exit code 1 before it was ready",
      fail: (children: FakeChildren) => children.latest(2).dies(),
    },
    {
      what: "one that was ready dies before the others are",
      fault: "new child 1.2 ended before all were ready",
      fail: async (children: FakeChildren) => {
        children.latest(1).says({ ready: true });
        await children.pass(0);
        children.latest(1).dies();
        await children.pass(0);
        children.latest(2).says({ ready: true });
      },
    },
    {
      what: "they are not ready in time",
      fault: "the new ones were not ready within 30 s (reloadTimeout)",
      fail: (children: FakeChildren) => children.pass(30_000),
    },
  ]
) {
  Deno.test(`Master keeps the old children when ${what}, and the new ones are ended`, async () => {
    using time = new FakeTime();
    await using children = new FakeChildren(time);
    await children.allReady();
    const [one, two] = children.started;
    const reloading = children.master.reload();
    await fail(children);
    await reloading;
    await children.pass(0);
    assertEquals([one!.told, two!.told], [[], []]);
    assertEquals(
      children.log.lines.filter((line) => line.startsWith("ERROR")),
      [`ERROR reload failed, the old processes stay: ${fault}`],
    );
    assertEquals(children.started.length, 4);
    assert(children.master.healthy);
    // Those that were still there are ended, and no other takes their places.
    await children.pass(60_000);
    assertEquals(children.started.length, 4);
    const ended = children.log.lines.filter((line) => /ended: /.test(line));
    assertEquals(ended.length, 2);
  });
}

Deno.test("Master keeps the old children when a new one cannot be started", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  await children.allReady();
  children.logged();
  children.startFault = "Cannot start child 1: no such folder";
  await children.master.reload();
  assertEquals(children.logged(), [
    "INFO reloading: starting new processes",
    "ERROR reload failed, the old processes stay: Cannot start child 1: no such folder",
  ]);
  assert(children.master.healthy);
});

for (const [how, first] of [["succeeds", true], ["fails", false]] as const) {
  Deno.test(`Master reloads once more when that is asked for during a reload that ${how}`, async () => {
    using time = new FakeTime();
    await using children = new FakeChildren(time, { workers: 1 });
    await children.allReady();
    children.logged();
    const reloading = children.master.reload();
    await children.pass(0);
    for (let i = 0; i < 3; i++) children.master.reload();
    if (first) children.latest(1).says({ ready: true });
    else children.latest(1).dies();
    await children.pass(0);
    children.latest(1).says({ ready: true });
    await reloading;
    await children.pass(0);
    assertEquals(children.started.length, 3);
    assertEquals(
      children.logged().filter((line) => /reload/.test(line)),
      [
        "INFO reloading: starting new processes",
        ...Array(3).fill(
          "INFO another reload follows the one that is under way",
        ),
        first
          ? "INFO reloaded: the new processes are ready, the old leave"
          : "ERROR reload failed, the old processes stay: new child 1.2 ended with exit code 1 before it was ready",
        "INFO reloading: starting new processes",
        "INFO reloaded: the new processes are ready, the old leave",
      ],
    );
    // All but the last have left.
    assertEquals(
      children.master.processes().map(({ ready }) => ready),
      [true],
    );
    assertEquals(children.latest(1).told, []);
  });
}

Deno.test("Master forgets the row of deaths, and who was to come, when a reload brings children that are well", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workers: 1 });
  for (const delay of [0, 500, 1000, 2000]) {
    children.latest(1).dies();
    await children.pass(delay + 1);
  }
  children.latest(1).dies();
  const reloading = children.master.reload();
  await children.allReady();
  await reloading;
  // The one that was to come after 4 s does not.
  await children.pass(5000);
  assertEquals(children.started.length, 6);
  children.logged();
  children.latest(1).dies();
  await children.pass(0);
  assertEquals(children.logged(), [
    "WARN child 1.6 ended: exit code 1; starting another at once",
  ]);
});

Deno.test("Master replaces an old child that dies during a reload, and the reload goes on", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workers: 1 });
  await children.allReady();
  const reloading = children.master.reload();
  await children.pass(0);
  const fresh = children.latest(1);
  children.started[0]!.dies();
  await children.pass(1);
  const successor = children.latest(1);
  fresh.says({ ready: true });
  await reloading;
  await children.pass(0);
  assertEquals([fresh.told, successor.told], [[], ["leave"]]);
});

Deno.test("Master.stop() during a reload ends old and new children alike, and reloads no more", async () => {
  using time = new FakeTime();
  const children = new FakeChildren(time);
  await children.allReady();
  children.master.reload();
  children.master.reload();
  await children.pass(0);
  children.master.stop();
  await children.pass(0);
  await children.master.ended();
  assertEquals(children.started.map(({ told }) => told), [
    ...Array(4).fill(["leave"]),
  ]);
  await children.master.reload();
  assertEquals(children.logged().at(-1), "WARN no reload: stopping");
  assertEquals(children.started.length, 4);
});

Deno.test("Master kills the old children that do not leave after a reload, and says so", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, {
    workers: 1,
    stopTimeoutMs: 5000,
  });
  await children.allReady();
  const [old] = children.started;
  old!.leavesWhenTold = false;
  const reloading = children.master.reload();
  await children.allReady();
  await reloading;
  await children.pass(6999);
  assertEquals(old!.told, ["leave"]);
  children.logged();
  await children.pass(1);
  assertEquals(old!.told, ["leave", "kill"]);
  assertEquals(children.logged(), [
    "WARN child 1.1 ended: killed: it did not stop within 7000 ms",
  ]);
  assertEquals(children.started.length, 2);
  assert(children.master.healthy);
});

Deno.test("Master kills children that do not leave when it stops, and ends", async () => {
  using time = new FakeTime();
  const children = new FakeChildren(time, { stopTimeoutMs: 1000 });
  await children.allReady();
  children.latest(2).leavesWhenTold = false;
  children.logged();
  children.master.stop();
  await children.pass(3000);
  await children.master.ended();
  assertEquals(children.logged(), [
    "INFO stopping: the processes finish what they hold",
    "INFO child 1.1 ended: exit code 0",
    "WARN child 2.1 ended: killed: it did not stop within 3000 ms",
  ]);
});

Deno.test("Master kills all at a second stop()", async () => {
  using time = new FakeTime();
  const children = new FakeChildren(time);
  for (const child of children.started) child.leavesWhenTold = false;
  children.master.stop();
  children.master.stop();
  await children.pass(0);
  await children.master.ended();
  assertEquals(
    children.logged().slice(-2),
    [
      "INFO child 1.1 ended: killed: stop at once",
      "INFO child 2.1 ended: killed: stop at once",
    ],
  );
});

Deno.test("Master has children hurry at a second stop() where they know that, and kills them at a third", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { hurries: true });
  await children.allReady();
  children.started.forEach((child) => child.leavesWhenTold = false);
  children.master.stop();
  assertEquals(children.told, []);
  children.master.stop();
  assertEquals(
    children.told,
    [["child 1.1", { hurry: true }], ["child 2.1", { hurry: true }]],
  );
  assertEquals(children.started.map(({ told }) => told), [["leave"], [
    "leave",
  ]]);
  children.master.stop();
  await children.pass(0);
  assertEquals(
    children.started.map(({ told }) => told),
    [["leave", "kill"], ["leave", "kill"]],
  );
});

Deno.test("Master tells a new child what the program has for it first, and then what it has for all", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, {
    firstTold: (index) => ({ index }),
  });
  children.latest(2).says({ token: children.latest(2).token });
  children.master.tell("news");
  assertEquals(children.told, [
    ["child 2.1", { told: { index: 2 } }],
    ["child 1.1", { told: "news" }],
    ["child 2.1", { told: "news" }],
  ]);
});

Deno.test("Master shows a child that it has not heard of for 3 s as silent, not as ready", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  await children.allReady();
  children.latest(2).beats = false;
  await children.pass(3000);
  assert(children.master.healthy);
  await children.pass(250);
  assertEquals(
    children.master.processes().map(({ ready, silent }) => [ready, silent]),
    [[true, false], [false, true]],
  );
  assert(!children.master.healthy);
  children.latest(2).says({});
  assert(children.master.healthy);
});

Deno.test("Master replaces a child whose event loop is blocked for longer than workTimeout", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workTimeoutMs: 15_000 });
  await children.allReady();
  children.latest(2).beats = false;
  children.logged();
  await children.pass(15_250);
  assertEquals(children.logged(), []);
  await children.pass(250);
  assertEquals(children.logged(), [
    "WARN child 2.1 ended: killed: its event loop was blocked for more than 15 s (workTimeout); starting another at once",
  ]);
  await children.pass(1);
  assertEquals(children.logged(), ["INFO child 2.2 started"]);
});

Deno.test("Master waits for as long as it takes for a child's first sign of life", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workTimeoutMs: 1000 });
  for (const child of children.started) child.beats = false;
  await children.pass(60_000);
  assertEquals(children.started.map(({ told }) => told), [[], []]);
  assertEquals(children.master.processes().map(({ ready }) => ready), [
    false,
    false,
  ]);
});

Deno.test("Master does not take a child for blocked that has closed its line and is about to end", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workTimeoutMs: 1000 });
  await children.allReady();
  const child = children.latest(2);
  child.leavesWhenTold = false;
  child.closesLine();
  await children.pass(5000);
  assertEquals(child.told, ["line gone"]);
  assert(!children.master.healthy);
});

Deno.test("Master starts another in the place of a child that wants to be replaced, which leaves meanwhile", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { stopTimeoutMs: 1000 });
  await children.allReady();
  const tired = children.latest(2);
  tired.leavesWhenTold = false;
  children.logged();
  tired.says({ replace: "a task takes too long" });
  tired.says({ replace: "another one as well" });
  await children.pass(1);
  assertEquals(tired.told, ["leave"]);
  assertEquals(children.logged(), [
    "WARN child 2.1 leaves: a task takes too long; starting another at once",
    "INFO child 2.2 started",
  ]);
  assert(!children.master.healthy);
  children.latest(2).says({ ready: true });
  await children.pass(0);
  assert(children.master.healthy);
  tired.dies("exit code 0", true);
  await children.pass(0);
  assertEquals(children.logged(), ["INFO child 2.1 ended: exit code 0"]);
  assertEquals(children.started.length, 3);
});

Deno.test("Master tells the log level to children that are there and to those that come", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  children.master.setLogLevel("DEBUG");
  children.latest(1).dies();
  await children.pass(1);
  const { token } = children.latest(1);
  children.latest(1).says({ token });
  assertEquals(children.told, [
    ["child 1.1", { logLevel: "DEBUG" }],
    ["child 2.1", { logLevel: "DEBUG" }],
    ["child 1.2", { logLevel: "DEBUG" }],
  ]);
});

Deno.test("Master shows what its children count, and nothing of one that has died", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  children.latest(1).says({ stats: { tasks: 1 } });
  children.latest(2).says({ stats: { tasks: 2 } });
  const stats = () => children.master.processes().map(({ stats }) => stats);
  assertEquals(stats(), [{ tasks: 1 }, { tasks: 2 }]);
  children.latest(1).dies();
  await children.pass(0);
  assertEquals(stats(), [undefined, { tasks: 2 }]);
});

Deno.test("Master passes on what a child tells to all others, also to those that leave", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workers: 3 });
  await children.allReady();
  const old = children.latest(2);
  old.leavesWhenTold = false;
  old.says({ replace: "tired" });
  await children.pass(1);
  children.told.length = 0;
  children.latest(1).says({ relay: { message: { any: "thing" } } });
  const relayed = { message: { any: "thing" }, own: false, no: 1 };
  assertEquals(
    children.told.sort(([a], [b]) => a < b ? -1 : 1),
    ["child 2.1", "child 2.2", "child 3.1"]
      .map((name): [string, unknown] => [name, { relayed }]),
  );
  children.told.length = 0;
  children.latest(3).says({ relay: { message: 7, echo: true } });
  assertEquals(children.told.length, 4);
  assertEquals(children.told.at(-1), [
    "child 3.1",
    {
      relayed: {
        message: 7,
        own: true,
        no: 2,
        told: ["1", "2", "3"],
      },
    },
  ]);
});

Deno.test("Master says which child is not told what another tells all", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  await children.allReady();
  children.full.add(children.latest(2).token);
  children.logged();
  children.latest(1).says({ relay: { message: 1 } });
  assertEquals(children.logged(), [
    "WARN child 2.1 is not told what another tells all: it does not read",
  ]);
  // Whoever asks has to know that it is missing.
  children.told.length = 0;
  children.latest(1).says({ relay: { message: 2, echo: true } });
  const told = ["1", "2"];
  assertEquals(children.told, [[
    "child 1.1",
    { relayed: { message: 2, own: true, no: 2, told } },
  ]]);
});

Deno.test("Master tells of a child that was lost instead of starting another, where it is to", async () => {
  using time = new FakeTime();
  const lost: string[] = [];
  await using children = new FakeChildren(time, {
    workers: 1,
    onLoss: ({ name }, { how }) => void lost.push(`${name}: ${how}`),
  });
  await children.allReady();
  // One whose place another takes may have given that one all.
  const reloading = children.master.reload();
  const [first] = children.started;
  await children.pass(0);
  first!.dies("signal SIGKILL");
  await children.pass(0);
  assertEquals(lost, []);
  await children.allReady();
  await reloading;
  assertEquals(lost, []);
  // The new one does not come up.
  const again = children.master.reload();
  await children.pass(0);
  children.started[1]!.dies("exit code 7");
  children.latest(1).dies("exit code 1");
  await again;
  assertEquals(lost, ["child 1.2: exit code 7"]);
  assertEquals(children.started.length, 3);
});

Deno.test("Master starts another for a child that has given all to one that is gone", async () => {
  for (const isLate of [false, true]) {
    using time = new FakeTime();
    await using children = new FakeChildren(time, { workers: 1 });
    await children.allReady();
    const [old] = children.started;
    const reloading = children.master.reload();
    await children.pass(0);
    if (!isLate) old!.says({ given: true });
    children.latest(1).dies("signal SIGKILL");
    await reloading;
    if (isLate) old!.says({ given: true });
    await children.pass(1);
    assertEquals(old!.told, ["leave"]);
    assertEquals(children.started.length, 3);
    assertEquals(
      children.logged().filter((line) => /handed/.test(line)),
      [
        "WARN child 1.1 leaves: it has handed all to one that has ended; starting another at once",
      ],
    );
    // Who has given all to one that serves is only told to leave.
    await children.allReady();
    const last = children.latest(1);
    const next = children.master.reload();
    await children.pass(0);
    last.says({ given: true });
    await children.allReady();
    await next;
    last.says({ given: true });
    assertEquals(last.told, ["leave"]);
  }
});

Deno.test("Master gives those more time that have got all from the old ones", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workers: 1 });
  await children.allReady();
  const [old] = children.started;
  const reloading = children.master.reload();
  await children.pass(29_900);
  old!.says({ given: true });
  await children.pass(1000);
  assertEquals(children.latest(1).told, []);
  await children.allReady();
  await reloading;
  assertEquals([children.latest(1).told, old!.told], [[], ["leave"]]);
});

Deno.test("Master.replaceEach() starts one child after the other, which take over by themselves", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  await children.allReady();
  const old = [children.latest(1), children.latest(2)];
  const steps: string[] = [];
  const done = children.master.replaceEach(() => steps.push("replaced"));
  for (const index of [1, 2]) {
    await children.pass(0);
    assertEquals(children.started.length, 2 + index);
    // As one does that has handed over all, before its successor is ready.
    old[index - 1]!.dies("exit code 0", true);
    await children.pass(0);
    assertEquals(steps.length, index - 1);
    children.latest(index).says({ ready: true });
    await children.pass(0);
    assertEquals(steps.length, index);
  }
  assertEquals(await done, undefined);
  assertEquals(children.started.length, 4);
  assertEquals(
    children.master.processes().map(({ ready, restarts }) => [ready, restarts]),
    [[true, 0], [true, 0]],
  );
});

Deno.test("Master.replaceEach() stops at a child that does not come up: the old one stays, and those that were replaced", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time);
  await children.allReady();
  const second = children.latest(2);
  const done = children.master.replaceEach(() => {});
  await children.pass(0);
  children.latest(1).says({ ready: true });
  await children.pass(0);
  children.latest(2).dies("exit code 1");
  assertEquals(
    await done,
    "new child 2.2 ended with exit code 1 before it was ready",
  );
  assertEquals(second.told, []);
  assertEquals(children.started.length, 4);
  assert(children.master.healthy);
  // It is watched as before.
  second.dies("signal SIGKILL");
  await children.pass(1);
  assertEquals(children.started.length, 5);
});

Deno.test("Master.replaceEach() has another child started where neither the old nor the new one is left", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, { workers: 1 });
  await children.allReady();
  const done = children.master.replaceEach(() => {});
  await children.pass(0);
  const [old, fresh] = children.started;
  old!.dies("signal SIGKILL");
  await children.pass(0);
  assertEquals(children.started.length, 2);
  fresh!.dies("exit code 1");
  assert(await done);
  await children.pass(1);
  assertEquals(children.started.length, 3);
});

Deno.test("Master.replaceEach() lets one that has handed over have its own time to end, and stop() does not ask it again", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, {
    ...{ workers: 1, stopTimeoutMs: 1000, replacedTimeoutMs: 100_000 },
  });
  for (const ends of ["late", "with the others"]) {
    await children.allReady();
    const old = children.latest(1);
    old.leavesWhenTold = false;
    const done = children.master.replaceEach(() => {});
    await children.pass(0);
    children.latest(1).says({ ready: true });
    assertEquals(await done, undefined);
    await children.pass(50_000);
    assertEquals([old.told, children.master.healthy], [["leave"], true]);
    if (ends === "late") {
      await children.pass(52_000);
      assertEquals(old.told, ["leave", "kill"]);
      continue;
    }
    children.master.stop();
    assertEquals(old.told, ["leave"]);
    await children.pass(3000);
    assertEquals(old.told, ["leave", "kill"]);
  }
});

/** Two or more children, each of which hands over what it holds. */
async function handing(time: FakeTime, workers: number): Promise<FakeChildren> {
  const children = new FakeChildren(time, {
    workers,
    handsOver: true,
    workTimeoutMs: 2000,
    reloadTimeoutMs: 5000,
  });
  for (let index = 1; index <= workers; index++) {
    children.latest(index).says({ note: `at ${index}` });
  }
  await children.allReady();
  children.logged();
  return children;
}

Deno.test("Master has children taken over one after the other, each asked at its own note", async () => {
  using time = new FakeTime();
  await using children = await handing(time, 3);
  const old = [1, 2, 3].map((index) => children.latest(index));
  const reloading = children.master.reload();
  for (const index of [1, 2, 3]) {
    await children.pass(0);
    assertEquals(children.started.length, 3 + index);
    const fresh = children.latest(index);
    assertEquals(fresh.note, `at ${index}`);
    // Both may stand still for longer than workTimeout: one of them gives all in one go.
    old[index - 1]!.beats = fresh.beats = false;
    fresh.says({ mark: true });
    await children.pass(4000);
    old[index - 1]!.says({ given: true });
    assertEquals([old[index - 1]!.told, fresh.told], [[], []]);
    fresh.says({ note: `again at ${index}`, ready: true });
    fresh.beats = true;
  }
  await reloading;
  assertEquals(old.map(({ told }) => told), [["leave"], ["leave"], ["leave"]]);
  assertEquals(children.started.length, 6);
  assertEquals(
    children.master.processes().map(({ restarts }) => restarts),
    [0, 0, 0],
  );
  assertEquals(children.logged().filter((line) => /WARN|ERROR/.test(line)), []);
});

Deno.test("Master stops a reload at a child that cannot be taken over, and says which have the new code", async () => {
  using time = new FakeTime();
  await using children = await handing(time, 3);
  const [, second, third] = children.started;
  const failed = () => children.logged().filter((line) => /ERROR/.test(line));
  const reload = async () => {
    const reloading = children.master.reload();
    await children.pass(0);
    return reloading;
  };
  // The first: all stay.
  const first = children.master.reload();
  await children.pass(0);
  children.latest(1).dies("exit code 1");
  await first;
  assertEquals(failed(), [
    "ERROR reload failed, the old processes stay: new child 1.2 ended with exit code 1 before it was ready",
  ]);
  // The second.
  const half = children.master.reload();
  await children.pass(0);
  children.latest(1).says({ note: "n", ready: true });
  await children.pass(0);
  children.latest(2).dies("exit code 1");
  await half;
  assertEquals(failed(), [
    "ERROR reload failed, child 1.3 has the new code, the others stay as they are until the next HUP: new child 2.2 ended with exit code 1 before it was ready",
  ]);
  assertEquals([second!.told, third!.told], [[], []]);
  assert(children.master.healthy);
  // All again, the first as well.
  const all = reload();
  for (const index of [1, 2, 3]) {
    await children.pass(0);
    children.latest(index).says({ note: "n", ready: true });
  }
  await all;
  await children.pass(0);
  assertEquals(failed(), []);
  assertEquals(children.latest(3).name, "child 3.2");
});

Deno.test("Master restarts a child that dies while others are taken over, and takes that one over when it is ready", async () => {
  using time = new FakeTime();
  await using children = await handing(time, 2);
  const reloading = children.master.reload();
  await children.pass(0);
  children.latest(2).dies("signal SIGKILL");
  await children.pass(1);
  const restarted = children.latest(2);
  assertEquals([restarted.name, restarted.note], ["child 2.2", undefined]);
  children.latest(1).says({ note: "n", ready: true });
  await children.pass(0);
  assertEquals(children.latest(2), restarted);
  restarted.says({ note: "m", ready: true });
  await children.pass(0);
  assertEquals(children.latest(2).note, "m");
  children.latest(2).says({ note: "m", ready: true });
  await reloading;
  assertEquals(restarted.told, ["leave"]);
});

Deno.test("Master starts nobody in a place that is being taken, whose child dies: but when nobody is left, another", async () => {
  for (const comesUp of [true, false]) {
    using time = new FakeTime();
    await using children = await handing(time, 1);
    const [old] = children.started;
    const reloading = children.master.reload();
    await children.pass(0);
    old!.dies("signal SIGKILL");
    await children.pass(1000);
    assertEquals(children.started.length, 2);
    const fresh = children.latest(1);
    if (comesUp) fresh.says({ note: "n", ready: true });
    else fresh.dies("exit code 1");
    await reloading;
    await children.pass(1000);
    assertEquals(children.started.length, comesUp ? 2 : 3);
    const lines = children.logged();
    assertEquals(
      lines.filter((line) => /^WARN child 1.1 ended: signal SIGKILL/.test(line))
        .length,
      1,
      lines.join("\n"),
    );
  }
});

Deno.test("Master takes the place of a child that keeps dying, and starts none there meanwhile", async () => {
  using time = new FakeTime();
  await using children = await handing(time, 1);
  for (let i = 0; i < 3; i++) {
    children.latest(1).dies("exit code 1");
    await children.pass(i === 2 ? 0 : 1000);
  }
  const count = children.started.length;
  const failing = children.master.reload();
  await children.pass(2000);
  assertEquals(children.started.length, count + 1);
  children.latest(1).dies("exit code 1");
  await failing;
  // It is tried again later, as before.
  await children.pass(30_000);
  assert(children.started.length > count + 1);
});

Deno.test("Master takes over no child that is not ready, or that cannot be asked", async () => {
  using time = new FakeTime();
  await using children = new FakeChildren(time, {
    ...{ workers: 1, handsOver: true, reloadTimeoutMs: 5000 },
  });
  const early = children.master.reload();
  await children.pass(6000);
  await early;
  children.latest(1).says({ ready: true });
  await children.master.reload();
  assertEquals(children.started.length, 1);
  assertEquals(children.logged().filter((line) => /ERROR/.test(line)), [
    "ERROR reload failed, the old processes stay: child 1.1 is not ready yet",
    "ERROR reload failed, the old processes stay: child 1.1 cannot be asked for what it holds",
  ]);
});

Deno.test("Master says where there is somebody to answer, once for a place that one takes from another", async () => {
  using time = new FakeTime();
  await using children = await handing(time, 2);
  const told = (name: string) => {
    children.told.length = 0;
    children.started.find((one) => one.name === name)!
      .says({ relay: { message: 1, echo: true } });
    return children.told.at(-1)![1].relayed!.told!.toSorted();
  };
  const reloading = children.master.reload();
  await children.pass(0);
  assertEquals(told("child 2.1"), ["1", "2"]);
  const fresh = children.latest(1);
  fresh.says({ mark: true });
  assertEquals(children.told.at(-1), ["child 1.2", { marked: 1 }]);
  assertEquals(told("child 2.1"), ["1", "2"]);
  // The old one is gone before the new one is ready.
  children.started[0]!.says({ given: true });
  children.started[0]!.closesLine();
  children.started[0]!.dies("exit code 0", true);
  await children.pass(0);
  assertEquals(told("child 2.1"), ["1", "2"]);
  fresh.dies("signal SIGKILL");
  await reloading;
  assertEquals(told("child 2.1"), ["2"]);
});
