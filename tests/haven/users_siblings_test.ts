// Users of several processes: who is logged in where, whatever the order in which they hear of it.

import { assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Box, type BoxFields, type Int64 } from "@maple/box";
import type { Membership, Relay, Relayed, Siblings } from "@maple/box/internal";
import type { UserSession } from "../../haven/user_session.ts";
import { Users } from "../../haven/users.ts";
import { HavenError } from "@maple/haven";
import { LogCollector } from "../helpers/log_collector.ts";

/** A master that passes on when the test says so. */
class FakeMaster {
  readonly children: FakeChild[] = [];
  readonly #waiting: [FakeChild, Relay][] = [];
  full = false;

  child(): FakeChild {
    const child = new FakeChild((relay) => {
      if (!this.full) this.#waiting.push([child, relay]);
      return !this.full;
    });
    this.children.push(child);
    return child;
  }

  /** Passes the next message on; each child hears it when its `hear` is called. */
  pass(): void {
    const [from, { message, echo }] = this.#waiting.shift()!;
    // As on the real line.
    const copy = JSON.parse(JSON.stringify(message));
    for (const child of this.children) {
      const own = child === from;
      const told = own
        ? this.children.filter((one) => one !== child).map(({ id }) => id)
        : undefined;
      if (!own || echo) {
        child.inbox.push({ message: copy, own, ...(told && { told }) });
      }
    }
  }

  /** All that is on its way arrives. */
  settle(): void {
    while (this.#waiting.length > 0) this.pass();
    for (const child of this.children) child.hear();
  }
}

class FakeChild implements Siblings {
  readonly id: string = crypto.randomUUID();
  readonly log = new LogCollector();
  readonly inbox: Relayed[] = [];
  onRelayed: ((relayed: Relayed) => void) | undefined;
  readonly tell: (relay: Relay) => boolean;
  readonly users: Users<BoxFields>;
  readonly session: FakeSession;

  constructor(tell: (relay: Relay) => boolean) {
    this.tell = tell;
    const app = { boxClass: Box, logger: this.log };
    this.users = new Users<BoxFields>(app, {
      outboxBytes: 1024 * 1024,
      siblings: this,
      groupsPerClient: 100,
      groupsMax: 1000,
    });
    this.session = new FakeSession();
    this.users.add(this.session);
  }

  hear(): void {
    for (const relayed of this.inbox.splice(0)) this.onRelayed?.(relayed);
  }

  login(uid: Int64): void {
    this.users.login(this.session, uid, 3);
  }
}

class FakeSession implements UserSession {
  readonly connId = 1;
  uid: Int64 = 0;
  userdata: Int64 = 0;
  walk = 0;
  groups: Membership | null = null;
  closed = false;
  readonly got: string[] = [];

  setUser(uid: Int64, userdata: Int64): void {
    this.uid = uid;
    this.userdata = userdata;
  }

  write(frame: Uint8Array): boolean {
    this.got.push(Box.fromFrame(frame).text());
    return true;
  }

  close(): void {
    this.closed = true;
  }
}

function uids(master: FakeMaster): Int64[] {
  return master.children.map(({ session }) => session.uid);
}

Deno.test("Users: a login in another process moves the user, a bigint too", () => {
  for (const uid of [7, 2n ** 60n]) {
    const master = new FakeMaster();
    const [a, b] = [master.child(), master.child()];
    a.login(uid);
    master.settle();
    assertEquals(uids(master), [uid, 0]);
    b.login(uid);
    master.settle();
    assertEquals(uids(master), [0, uid]);
    a.login(uid);
    b.login(8);
    master.settle();
    assertEquals(uids(master), [uid, 8]);
  }
});

Deno.test("Users: of logins at the same moment the last to reach the master holds, in any order of hearing", () => {
  for (const [first, second] of [[0, 1], [1, 0]] as const) {
    for (const early of [0, 1, 2]) {
      const master = new FakeMaster();
      const children = [master.child(), master.child(), master.child()];
      children[first]!.login(7);
      children[second]!.login(7);
      master.pass();
      children[early]!.hear();
      master.settle();
      const expected: Int64[] = [0, 0, 0];
      expected[second] = 7;
      assertEquals(uids(master), expected);
    }
  }
});

Deno.test("Users: a process that logs in twice keeps the user until its last login is known", () => {
  const master = new FakeMaster();
  const [a, b] = [master.child(), master.child()];
  a.login(7);
  b.login(7);
  a.login(7);
  master.pass();
  master.pass();
  a.hear();
  assertEquals(uids(master), [7, 7]);
  master.settle();
  assertEquals(uids(master), [7, 0]);
  b.login(7);
  master.settle();
  assertEquals(uids(master), [0, 7]);
});

Deno.test("Users: messages and disconnections reach the users of all processes once", () => {
  const master = new FakeMaster();
  const [a, b, c] = [master.child(), master.child(), master.child()];
  a.login(1);
  b.login(2);
  master.settle();
  const body = "ü".repeat(50_000);
  assertEquals(
    a.users.write([[[1, 2], { body }], [[-2], { body: "all" }]]),
    true,
  );
  master.settle();
  assertEquals(
    [a, b, c].map(({ session }) => session.got),
    [[body, "all"], [body, "all"], ["all"]],
  );
  assertEquals(c.users.close({ uids: [-1], userdata: 1, exclude: [2] }), true);
  master.settle();
  assertEquals(
    [a, b, c].map(({ session }) => session.closed),
    [true, false, false],
  );
});

Deno.test("Users: what cannot be passed on is done here, counted and told", () => {
  const master = new FakeMaster();
  const [a, b] = [master.child(), master.child()];
  master.full = true;
  a.login(7);
  assertEquals(a.users.write([[[-2], { body: "hi" }]]), false);
  assertEquals(a.users.close({ uids: [7], userdata: 0, exclude: [] }), false);
  assertEquals([a.session.got, a.session.closed], [["hi"], true]);
  assertEquals([a.users.counters.relayDropped, b.session.got], [3, []]);
  assertEquals(
    a.log.complaints.map((line) =>
      /^WARN a (\w+) does not reach/.exec(line)?.[1]
    ),
    ["login", "write", "close"],
  );
  // Nothing is on its way: a login elsewhere counts again.
  master.full = false;
  b.login(7);
  master.settle();
  assertEquals(uids(master), [0, 7]);
});

Deno.test("groups span all processes: joins by uid, messages, closes", () => {
  const master = new FakeMaster();
  const children = Array.from({ length: 4 }, () => master.child());
  const [a, b, c, d] = children as [
    FakeChild,
    FakeChild,
    FakeChild,
    FakeChild,
  ];
  children.forEach((child, i) => child.login(i + 1));
  master.settle();
  a.users.joinGroup("t", [1, 2, 3]);
  d.users.join(d.session, ["t"]);
  master.settle();
  b.users.writeToGroups([[["t"], { body: "to t" }, { exclude: [3] }]]);
  c.users.leaveGroup("t", [4]);
  master.settle();
  d.users.writeToGroups([[["t", "u"], { body: "again" }]]);
  master.settle();
  assertEquals(children.map(({ session }) => session.got), [
    ["to t", "again"],
    ["to t", "again"],
    ["again"],
    ["to t"],
  ]);
  assertEquals(
    children.map(({ users }) => users.groupStats.groupMembers),
    [1, 1, 1, 0],
  );
  d.users.closeGroup("t");
  master.settle();
  assertEquals(children.map(({ session }) => session.closed), [
    ...[true, true, true, false],
  ]);
  master.full = true;
  assertEquals(a.users.closeGroup("t"), false);
  assertEquals(a.users.joinGroup("t", [1]), false);
});

Deno.test("what became of a message is what all processes tell", async () => {
  const master = new FakeMaster();
  const [a, b, c] = [master.child(), master.child(), master.child()];
  a!.login(1);
  b!.login(2);
  c!.login(3);
  master.settle();
  const rows = [[[1, 2, 9], { body: "hi" }], [[3], { body: "ho" }]] as const;
  const receipt = a!.users.write(rows, { receipt: true });
  master.settle();
  // Their answers are on their way as well.
  master.settle();
  assertEquals(await receipt, {
    delivered: 3,
    offline: [9],
    complete: true,
  });
  assertEquals([a, b, c].map((one) => one!.session.got), [
    ["hi"],
    ["hi"],
    ["ho"],
  ]);
  const closed = b!.users.close(
    { uids: [1, 2, 7], userdata: 0, exclude: [] },
    { receipt: true },
  );
  master.settle();
  master.settle();
  assertEquals(await closed, { delivered: 2, offline: [7], complete: true });
});

Deno.test("a question is answered by all processes, and each answers only its own", async () => {
  const master = new FakeMaster();
  const [a, b] = [master.child(), master.child()];
  a!.login(1);
  b!.login(2n ** 60n);
  master.settle();
  const asked = Promise.all([
    a!.users.ask({ uids: [2n ** 60n, 1, 5] }, {}),
    b!.users.ask({ limit: 10 }, {}),
  ]);
  master.settle();
  master.settle();
  const [some, all] = await asked;
  assertEquals([...some.online].sort(), [1, 2n ** 60n]);
  assertEquals(some.offline, [5]);
  assertEquals([...all.online].sort(), [1, 2n ** 60n]);
});

Deno.test("a process that does not answer: the receipt is not complete, the question fails within its time", async () => {
  using time = new FakeTime();
  const master = new FakeMaster();
  const [a, b] = [master.child(), master.child()];
  a!.login(1);
  master.settle();
  const receipt = a!.users.write([[[1, 2], {}]], { receipt: true });
  const question = a!.users.ask({ uids: [1] }, {});
  const failure = assertRejects(() => question, HavenError, "within 2 s");
  // What is on its way arrives, but at the other one.
  master.pass();
  master.pass();
  a!.hear();
  await time.tickAsync(2000);
  assertEquals((await failure).code, "timeout");
  await time.tickAsync(10_000);
  assertEquals(await receipt, { delivered: 1, offline: [2], complete: false });
  // It answers when nobody waits any more.
  b!.hear();
  master.settle();
  assertEquals(a!.session.got.length, 1);
});

Deno.test("a signal ends the waiting for other processes", async () => {
  const master = new FakeMaster();
  const a = master.child();
  master.child();
  const stop = new AbortController();
  const { signal } = stop;
  const question = a.users.ask({ uids: [1] }, { signal });
  const receipt = a.users.write([[[1], {}]], { receipt: true, signal });
  stop.abort(new Error("enough"));
  for (const call of [question, receipt]) {
    await assertRejects(() => call as Promise<unknown>, Error, "enough");
  }
  await assertRejects(
    () => a.users.ask({ uids: [1] }, { signal }),
    Error,
    "enough",
  );
});

Deno.test("a message that does not reach the other processes says so in its receipt", async () => {
  const master = new FakeMaster();
  const a = master.child();
  master.child();
  a.login(1);
  master.settle();
  master.full = true;
  assertEquals(await a.users.write([[[1], {}]], { receipt: true }), {
    delivered: 1,
    offline: [],
    complete: false,
  });
});
