import { assert, assertEquals, assertGreater } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { SessionTable } from "@maple/box/internal";
import type { MessageHandler } from "../../../gateway/cluster/cluster.ts";
import {
  encodeLogins,
  type LoginRow,
  readLogins,
} from "../../../gateway/cluster/login_rows.ts";
import { Logins } from "../../../gateway/cluster/logins.ts";
import { type Hello, UNTOLD } from "../../../gateway/cluster/hello.ts";
import type { ClientSession } from "../../../gateway/outer/client_session.ts";
import { newCounters } from "../../../gateway/metrics/counter_values.ts";
import { fakeSession } from "../queue/fakes.ts";

// Logins of one gateway, and what it tells.
function setUp({ node = 5, spreadMs = 1000, others = 1 } = {}) {
  const sessions = new SessionTable<ClientSession>();
  const counters = newCounters();
  const told: LoginRow[][] = [];
  let handler: MessageHandler | undefined;
  let onBack = () => {};
  let onHello = (_id: number, _hello: Hello) => {};
  const turns: (() => void)[] = [];
  const cluster = {
    node,
    id: 1,
    stamp: 0,
    logins: 0,
    hasJoined: true,
    isAlone: false,
    takes: true,
    publish(_kind: string, body: Uint8Array) {
      if (!cluster.takes) return false;
      const rows: LoginRow[] = [];
      readLogins(body, (uid, stamp) => rows.push({ uid, stamp }));
      told.push(rows);
      return true;
    },
    on(_kind: string, taking: MessageHandler) {
      handler = taking;
    },
    onBack(listener: () => void) {
      onBack = listener;
    },
    onHello(listener: (id: number, hello: Hello) => void) {
      onHello = listener;
    },
    members: { onChange() {}, size: others },
  };
  const logins = new Logins({
    cluster,
    sessions,
    counters,
    afterOthers: (work) => turns.push(work),
    spreadMs,
  });
  let lastConnId = 0;
  const login = (uid: number) => {
    const session = fakeSession(++lastConnId);
    sessions.add(session);
    sessions.login(session, uid, 0);
    logins.changed(session);
    return session;
  };
  const turn = () => turns.splice(0).forEach((work) => work());
  const hear = (from: number, ...rows: LoginRow[]) =>
    handler!(encodeLogins(rows), { ...UNTOLD, node: from, id: 9 });
  const uidsTold = () => told.flat().map(({ uid }) => uid);
  return {
    ...{ sessions, counters, cluster, logins, told, login, turn, hear },
    ...{ uidsTold, back: () => onBack(), handler: () => handler! },
    greet: (told: number) => onHello(9, { ...UNTOLD, logins: told }),
  };
}

Deno.test("Logins are gathered for longer where a message about them has many to go to", () => {
  using time = new FakeTime(1_800_000_000_000);
  const { told, login, turn, logins } = setUp({ others: 49 });
  login(1);
  turn();
  time.tick(48);
  login(2);
  assertEquals(told, []);
  time.tick(1);
  assertEquals(told.map((rows) => rows.map(({ uid }) => uid)), [[1, 2]]);
  login(3);
  logins.close();
  time.tick(1000);
  assertEquals(told.length, 1);
});

Deno.test("Logins of one turn are told in one message, each with a higher stamp", () => {
  using time = new FakeTime(1_800_000_000_000);
  const { told, login, turn, cluster } = setUp();
  for (const uid of [3, 1, 2]) login(uid);
  assertEquals(told, []);
  turn();
  const from = time.now;
  assertEquals(told, [[
    { uid: 3, stamp: from },
    { uid: 1, stamp: from + 1 },
    { uid: 2, stamp: from + 2 },
  ]]);
  assertEquals(cluster.stamp, from + 2);
  login(4);
  turn();
  assertEquals(told.length, 2);
});

Deno.test("Logins are told in messages of 64 KiB at most", () => {
  const { told, login, turn } = setUp();
  for (let uid = 1; uid <= 10_000; uid++) login(uid);
  turn();
  assertEquals(told.map(({ length }) => length), [4096, 4096, 1808]);
});

Deno.test("Logins: a stamp is higher than all that were seen, whatever the own clock says", () => {
  const { login, hear } = setUp();
  const ahead = Date.now() + 3_600_000;
  hear(1, { uid: 77, stamp: ahead });
  assertEquals(login(1).loginStamp, ahead + 1);
});

Deno.test("Logins: whoever has a user with a lower stamp has him no more", () => {
  const { sessions, login, hear, counters } = setUp();
  const session = login(1);
  hear(9, { uid: 1, stamp: session.loginStamp - 1 });
  assertEquals([session.uid, counters.clusterMoved], [1, 0]);
  hear(9, { uid: 1, stamp: session.loginStamp + 1 });
  assertEquals([session.uid, counters.clusterMoved], [0, 1]);
  assertEquals([sessions.has(1), sessions.get(1)], [false, session]);
});

Deno.test("Logins: of two with the same stamp that of the higher node holds", () => {
  const { login, hear } = setUp({ node: 5 });
  const [first, second, third] = [login(1), login(2), login(3)];
  hear(4, { uid: 1, stamp: first.loginStamp });
  hear(6, { uid: 2, stamp: second.loginStamp });
  hear(5, { uid: 3, stamp: third.loginStamp });
  // The same node is of one that comes for one that leaves: it has drawn another id.
  assertEquals([first.uid, second.uid, third.uid], [1, 0, 0]);
});

Deno.test("Logins: one that comes too late is answered with the one that holds", () => {
  const { login, hear, turn, told } = setUp();
  const { loginStamp: stamp } = login(1);
  turn();
  told.length = 0;
  hear(4, { uid: 1, stamp: stamp - 5 });
  turn();
  assertEquals(told, [[{ uid: 1, stamp }]]);
  // And no more than that: the same again is nothing new.
  hear(4, { uid: 1, stamp });
  turn();
  assertEquals(told.length, 2);
});

Deno.test("Logins that are over before they are told are not told", () => {
  const { sessions, login, turn, told } = setUp();
  const [out, gone, moved] = [login(1), login(2), login(3)];
  sessions.logout(out);
  sessions.remove(gone);
  login(3);
  turn();
  assertEquals(moved.uid, 0);
  assertEquals(told.map((rows) => rows.map(({ uid }) => uid)), [[3]]);
});

Deno.test("Logins that the bus does not take are told again", () => {
  using time = new FakeTime();
  const { login, turn, cluster, uidsTold, logins } = setUp();
  cluster.takes = false;
  login(1);
  login(2);
  turn();
  time.tick(3500);
  assertEquals(uidsTold(), []);
  cluster.takes = true;
  time.tick(1000);
  assertEquals(uidsTold(), [1, 2]);
  time.tick(5000);
  assertEquals(uidsTold(), [1, 2]);
  logins.close();
});

Deno.test("Logins are told again when the bus is back, spread over the time for it", () => {
  using time = new FakeTime();
  const { login, turn, cluster, told, uidsTold, back, logins } = setUp();
  cluster.isAlone = true;
  for (let uid = 1; uid <= 1000; uid++) login(uid);
  turn();
  assertEquals(told, []);
  cluster.isAlone = false;
  back();
  time.tick(500);
  const half = uidsTold().length;
  assert(half > 400 && half < 600, `${half} of 1000 in half the time`);
  time.tick(500);
  assertEquals(uidsTold().length, 1000);
  time.tick(5000);
  assertEquals(uidsTold().length, 1000);
  assertGreater(told.length, 50);
  logins.close();
});

Deno.test("Logins: who is back while all are told hears of all", () => {
  using time = new FakeTime();
  const { login, turn, told, uidsTold, back, logins } = setUp();
  for (let uid = 1; uid <= 200; uid++) login(uid);
  turn();
  told.length = 0;
  back();
  time.tick(500);
  back();
  back();
  time.tick(5000);
  assertEquals(uidsTold().length, 400);
  logins.close();
});

Deno.test("Logins are told again when a message about others was lost", () => {
  using time = new FakeTime();
  const { login, turn, told, uidsTold, hear, greet, logins, cluster } = setUp();
  login(1);
  turn();
  assertEquals(cluster.logins, 1);
  told.length = 0;
  // What it had sent before this gateway has heard of it.
  greet(70);
  hear(3, { uid: 5, stamp: 1 });
  greet(71);
  greet(71);
  time.tick(3000);
  assertEquals(told, []);
  hear(3, { uid: 5, stamp: 2 });
  greet(73);
  time.tick(3000);
  assertEquals(uidsTold(), [1]);
  greet(73);
  time.tick(3000);
  assertEquals(uidsTold(), [1]);
  logins.close();
});

Deno.test("Logins: what makes no sense is counted, and does no harm", () => {
  const { counters, handler, login, cluster } = setUp();
  const session = login(1);
  const from = { ...UNTOLD, node: 9, id: 9 };
  const whole = encodeLogins([{ uid: 1, stamp: session.loginStamp + 9 }]);
  for (let end = 1; end < whole.length; end++) {
    handler()(whole.slice(0, end), from);
  }
  handler()(encodeLogins([{ uid: 1, stamp: Infinity }]), from);
  handler()(encodeLogins([{ uid: 1, stamp: NaN }]), from);
  assertEquals(counters.clusterDropped.bad, 17);
  assertEquals([session.uid, cluster.stamp], [1, session.loginStamp]);
});
