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
  readonly #waiting: [FakeChild, Relay | (() => void)][] = [];
  full = false;
  #no = 0;

  /** Another one; or one that is to take the place of one. */
  child(old?: FakeChild): FakeChild {
    const id = old?.id ?? String(this.children.length + 1);
    const child: FakeChild = new FakeChild(id, old !== undefined, {
      tell: (relay) => {
        if (!this.full) this.#waiting.push([child, relay]);
        return !this.full;
      },
      settle: () =>
        new Promise((resolve) => {
          const mark = () => {
            const no = this.#no;
            child.inbox.push(() => resolve(no));
          };
          this.#waiting.push([child, mark]);
        }),
    });
    this.children.push(child);
    return child;
  }

  /** Passes the next message on; each child hears it when its `hear` is called. */
  pass(): void {
    const [from, what] = this.#waiting.shift()!;
    if (typeof what === "function") return what();
    const { message, echo } = what;
    const no = ++this.#no;
    // As on the real line.
    const copy = JSON.parse(JSON.stringify(message));
    for (const child of this.children) {
      const own = child === from;
      const told = own
        ? [...new Set(this.children.map(({ id }) => id))]
        : undefined;
      if (!own || echo) {
        child.inbox.push({ message: copy, own, no, ...(told && { told }) });
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
  readonly log = new LogCollector();
  readonly inbox: (Relayed | (() => void))[] = [];
  onRelayed: ((relayed: Relayed) => void) | undefined;
  readonly tell: (relay: Relay) => boolean;
  readonly settle: () => Promise<number>;
  readonly users: Users<BoxFields>;
  readonly session: FakeSession;

  constructor(
    readonly id: string,
    standsIn: boolean,
    { tell, settle }: Pick<Siblings, "tell" | "settle">,
  ) {
    this.tell = tell;
    this.settle = settle;
    const app = { boxClass: Box, logger: this.log };
    this.users = new Users<BoxFields>(app, {
      outboxBytes: 1024 * 1024,
      siblings: this,
      groupsPerClient: 100,
      groupsMax: 1000,
    }, standsIn);
    this.session = new FakeSession();
    if (!standsIn) this.users.add(this.session);
  }

  hear(count = this.inbox.length): void {
    for (const one of this.inbox.splice(0, count)) {
      if (typeof one === "function") one();
      else this.onRelayed?.(one);
    }
  }

  /** Gives a process that stands in its session. */
  giveTo(next: FakeChild): void {
    const { uid, userdata } = this.session;
    const groups = this.users.groupsOf(this.session);
    next.users.takeOver(this.users.give());
    next.session.setUser(uid, userdata);
    next.session.got.push(...this.session.got);
    this.users.line!.letGo();
    this.users.remove(this.session);
    next.users.retake(next.session, groups);
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

/** Two processes; another is about to take the place of the first. */
function replacing() {
  const master = new FakeMaster();
  const [old, other] = [master.child(), master.child()];
  old.login(1);
  other.login(2);
  master.settle();
  return { master, old, other, fresh: master.child(old) };
}

Deno.test("Users: what is told while one process takes the place of another is done once, wherever the line stands", async () => {
  const all = 6;
  for (let heard = 0; heard <= all; heard++) {
    const { master, old, other, fresh } = replacing();
    other.users.write([[[1], { body: "before" }]]);
    master.settle();
    const keeping = fresh.users.line!.keep();
    master.settle();
    await keeping;
    const settling = old.users.line!.settle();
    for (let n = 1; n <= all; n++) {
      other.users.write([[[1], { body: `${n}` }]]);
    }
    // What the old one has told itself is no message for the new one.
    old.users.write([[[-2], { body: "own" }]]);
    const last = old.users.line!.settle();
    while (heard + 1 > old.inbox.length) master.pass();
    old.hear(heard + 1);
    await settling;
    // Only then may it give all: it knows that it has told all.
    master.settle();
    await last;
    const got = [...old.session.got];
    old.giveTo(fresh);
    other.users.write([[[1], { body: "after" }]]);
    master.settle();
    assertEquals(fresh.session.got, got);
    fresh.users.line!.begin();
    master.settle();
    other.users.write([[[1], { body: "live" }]]);
    fresh.users.write([[[2], { body: "mine" }]]);
    master.settle();
    assertEquals(fresh.session.got.filter((one) => one !== "own"), [
      "before",
      ...Array.from({ length: all }, (_, n) => `${n + 1}`),
      ...["after", "live"],
    ]);
    assertEquals(other.session.got, ["own", "mine"]);
    assertEquals(
      fresh.session.got.filter((one) => one === "own").length,
      1,
    );
  }
});

Deno.test("Users: who begins where another stops does what is behind that, not what is before", async () => {
  for (const isLate of [false, true]) {
    const { master, old, other, fresh } = replacing();
    const keeping = fresh.users.line!.keep();
    master.settle();
    await keeping;
    const settling = old.users.line!.settle();
    for (const body of ["1", "2", "3"]) other.users.write([[[1], { body }]]);
    for (let i = 0; i < 4; i++) master.pass();
    // Its own mark, and one message.
    old.hear(2);
    await settling;
    old.giveTo(fresh);
    old.hear();
    // Or it hears of them later than the old one, which was nearer to the master.
    if (!isLate) fresh.hear();
    assertEquals(fresh.session.got, ["1"]);
    fresh.users.line!.begin();
    fresh.hear();
    assertEquals(fresh.session.got, ["1", "2", "3"]);
    assertEquals(old.session.got, ["1"]);
  }
});

Deno.test("Users: a login elsewhere while a user changes the process unbinds it there, once the new one begins", async () => {
  const { master, old, other, fresh } = replacing();
  const keeping = fresh.users.line!.keep();
  const settling = old.users.line!.settle();
  master.settle();
  await Promise.all([keeping, settling]);
  old.giveTo(fresh);
  other.login(1);
  master.settle();
  assertEquals([fresh.session.uid, other.session.uid], [1, 1]);
  fresh.users.line!.begin();
  assertEquals([fresh.session.uid, other.session.uid], [0, 1]);
  fresh.login(1);
  master.settle();
  assertEquals([fresh.session.uid, other.session.uid], [1, 0]);
});

Deno.test("Users: of two processes of one place one answers, whichever has the users", async () => {
  for (const isGiven of [false, true]) {
    const { master, old, other, fresh } = replacing();
    const keeping = fresh.users.line!.keep();
    const settling = old.users.line!.settle();
    master.settle();
    await Promise.all([keeping, settling]);
    const rows = [[[1, 2, 9], { body: "hi" }]] as const;
    const early = other.users.write(rows, { receipt: true });
    if (!isGiven) master.settle();
    old.giveTo(fresh);
    // What its takeOver hooks send, while what others have told waits.
    const own = fresh.users.write(rows, { receipt: true });
    fresh.users.line!.begin();
    master.settle();
    master.settle();
    const late = other.users.write(rows, { receipt: true });
    // What the old one has still to say reaches the new one.
    const last = old.users.write([[[1], { body: "bye" }]], { receipt: true });
    master.settle();
    master.settle();
    const whole = { delivered: 2, offline: [9], complete: true };
    assertEquals(await Promise.all([early, own, late]), [whole, whole, whole]);
    assertEquals(await last, { delivered: 1, offline: [], complete: true });
    assertEquals(fresh.session.got, ["hi", "hi", "hi", "bye"]);
    assertEquals(other.session.got, ["hi", "hi", "hi"]);
  }
});

Deno.test("Users: what a process sends before it takes a place reaches the users of all, by the one that has them", async () => {
  const { master, old, other, fresh } = replacing();
  const receipt = fresh.users.write([[[1, 2], { body: "soon" }]], {
    receipt: true,
  });
  const keeping = fresh.users.line!.keep();
  master.settle();
  master.settle();
  await keeping;
  assertEquals(await receipt, { delivered: 2, offline: [], complete: true });
  const settling = old.users.line!.settle();
  master.settle();
  await settling;
  old.giveTo(fresh);
  fresh.users.line!.begin();
  assertEquals([fresh.session.got, other.session.got], [["soon"], ["soon"]]);
});
