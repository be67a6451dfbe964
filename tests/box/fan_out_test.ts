import { assert, assertEquals } from "@std/assert";
import type { Int64 } from "@maple/box";
import {
  FanOut,
  GroupTable,
  type Membership,
  SessionTable,
} from "@maple/box/internal";
import { propertyTest, type Random } from "../helpers/random.ts";

class FakeSession {
  readonly connId: number;
  uid: Int64 = 0;
  userdata: Int64 = 0;
  walk = 0;
  fan = 0;
  groups: Membership | null = null;
  closed = false;
  readonly got: number[] = [];
  readonly #server: Server;

  constructor(server: Server, connId: number) {
    this.#server = server;
    this.connId = connId;
  }

  setUser(uid: Int64, userdata: Int64): void {
    this.#server.fanOut.settle(this);
    this.uid = uid;
    this.userdata = userdata;
  }
}

/** A server whose turns of the event loop are given by hand. */
class Server {
  readonly sessions = new SessionTable<FakeSession>();
  readonly groups = new GroupTable<FakeSession>({
    groupsPerClient: 10,
    groupsMax: 100,
  });
  readonly turns: (() => void)[] = [];
  maxBytes = Infinity;
  readonly fanOut: FanOut<FakeSession> = new FanOut({
    sessions: this.sessions,
    groups: this.groups,
    send: (session, message) => this.send(session, message),
    afterOthers: (work) => this.turns.push(work),
    maxBytes: () => this.maxBytes,
  });
  #lastId = 0;

  constructor(count: number) {
    for (let i = 0; i < count; i++) this.enter();
  }

  get all(): FakeSession[] {
    return [...this.sessions.all()];
  }

  enter(): FakeSession {
    const session = new FakeSession(this, ++this.#lastId);
    this.sessions.add(session);
    this.fanOut.enter(session);
    return session;
  }

  leave(session: FakeSession): void {
    session.closed = true;
    this.sessions.remove(session);
    this.groups.leaveAll(session);
  }

  send(session: FakeSession, message: Uint8Array): boolean {
    if (session.closed) return false;
    session.got.push(message[0]! * 256 + message[1]!);
    return true;
  }

  direct(session: FakeSession, no: number): void {
    if (this.fanOut.busy) this.fanOut.settle(session);
    this.send(session, bytesOf(no));
  }

  join(session: FakeSession, name: string): void {
    this.fanOut.settle(session);
    this.groups.join(session, name);
  }

  depart(session: FakeSession, name: string): void {
    this.fanOut.settle(session);
    this.groups.leave(session, name);
  }

  toAll(no: number, onSent?: (taken: number) => void): void {
    const row = { uids: [-2], userdata: 0, exclude: [], buf: bytesOf(no) };
    this.fanOut.toUsers(row, onSent);
  }

  toGroup(no: number, name: string, onSent?: (taken: number) => void): void {
    const row = { names: [name], userdata: 0, exclude: [], buf: bytesOf(no) };
    this.fanOut.toGroups(row, onSent);
  }

  turn(): boolean {
    const work = this.turns.shift();
    work?.();
    return work !== undefined;
  }
}

function bytesOf(no: number): Uint8Array {
  return Uint8Array.of(no >> 8, no & 255);
}

Deno.test("FanOut sends to few at once, to many in slices with turns between them", async () => {
  const server = new Server(1000);
  for (const session of server.all.slice(0, 100)) server.join(session, "few");
  let taken = -1;
  server.toGroup(1, "few", (count) => taken = count);
  assertEquals(taken, 100);
  assert(!server.fanOut.busy);
  server.toAll(2, (count) => taken = count);
  assert(server.fanOut.busy);
  assertEquals(server.turns.length, 0);
  await Promise.resolve();
  let slices = 1;
  const reached = () => server.all.filter(({ got }) => got.includes(2)).length;
  while (server.fanOut.busy) {
    assert(reached() <= 64 * slices, "a slice is too large");
    assert(server.turn());
    slices++;
  }
  assertEquals([slices, reached(), taken], [16, 1000, 1000]);
  assertEquals(server.turns.length, 0);
});

Deno.test("FanOut gives what is on its way first to whom it sends something else", () => {
  const server = new Server(1000);
  const last = server.all.at(-1)!;
  server.toAll(1);
  server.toAll(2);
  server.direct(last, 3);
  assertEquals(last.got, [1, 2, 3]);
  server.fanOut.finish();
  assertEquals(last.got, [1, 2, 3]);
  assertEquals(server.all[0]!.got, [1, 2]);
});

Deno.test("FanOut sends to those who were there when the message came, and to no others", () => {
  const server = new Server(600);
  const [a, b, c, d] = server.all.slice(-4) as [
    FakeSession,
    FakeSession,
    FakeSession,
    FakeSession,
  ];
  for (const session of server.all) server.join(session, "room");
  server.depart(a, "room");
  server.toGroup(1, "room");
  server.join(a, "room");
  server.depart(b, "room");
  server.leave(c);
  const late = server.enter();
  server.join(late, "room");
  for (const session of server.all) {
    server.sessions.login(session, session.connId, 0);
  }
  server.sessions.logout(d);
  server.fanOut.toUsers({
    uids: [-1],
    userdata: 0,
    exclude: [],
    buf: bytesOf(2),
  });
  server.sessions.login(d, 7000, 0);
  server.sessions.logout(a);
  server.fanOut.finish();
  assertEquals([a.got, b.got, c.got], [[2], [1, 2], []]);
  assertEquals([d.got, late.got], [[1], [2]]);
});

Deno.test("FanOut is full while so many bytes are on their way, and whoever waits goes on in order", () => {
  const server = new Server(1000);
  // As many as two messages to all.
  server.maxBytes = 2 * 1000 * 512;
  const { fanOut } = server;
  server.toAll(1);
  assert(!fanOut.isFull);
  server.toAll(2);
  assertEquals([fanOut.isFull, fanOut.bytes], [true, 1_024_000]);
  assert(!fanOut.isForMany({ uids: [1, 2] }));
  assert(fanOut.isForMany({ uids: [-2] }));
  const order: string[] = [];
  fanOut.whenRoom(() => {
    order.push("first");
    server.toAll(3);
  });
  fanOut.whenRoom(() => order.push("second"));
  while (fanOut.busy && order.length === 0) {
    if (!server.turn()) fanOut.finish();
  }
  fanOut.finish();
  assertEquals([order, fanOut.bytes], [["first", "second"], 0]);
  for (const { got } of server.all) assertEquals(got, [1, 2, 3]);
});

Deno.test("FanOut counts who has taken a message", () => {
  const server = new Server(500);
  const [first] = server.all;
  first!.closed = true;
  const taken: number[] = [];
  server.toAll(1, (count) => taken.push(count));
  server.leave(server.all.at(-1)!);
  server.fanOut.finish();
  server.toGroup(2, "nobody", (count) => taken.push(count));
  assertEquals(taken, [498, 0]);
});

const NAMES = ["a", "b", "c"];

propertyTest(
  "FanOut gives each session what it would get if each message went to all at once",
  async (random) => {
    const server = new Server(400);
    const expected = new Map<FakeSession, number[]>();
    for (const session of server.all) {
      expected.set(session, []);
      for (const name of NAMES) {
        if (random.next() < 0.8) server.join(session, name);
      }
    }
    for (let no = 1; no < 400; no++) {
      step(server, expected, random, no);
      if (random.next() < 0.2) await null;
    }
    server.fanOut.finish();
    for (const [session, numbers] of expected) {
      assertEquals(session.got, numbers);
    }
    assert([...expected.values()].some((numbers) => numbers.length > 50));
  },
);

function step(
  server: Server,
  expected: Map<FakeSession, number[]>,
  random: Random,
  no: number,
): void {
  const { all } = server;
  const session = all[random.between(0, all.length - 1)]!;
  const name = NAMES[random.between(0, 2)]!;
  const userdata = random.between(0, 3);
  const exclude = random.next() < 0.3 ? [random.between(1, 400)] : [];
  const expect = (isMeant: (session: FakeSession) => boolean) => {
    for (const session of all) {
      if (!isMeant(session) || exclude.includes(Number(session.uid))) continue;
      if ((Number(session.userdata) & userdata) !== userdata) continue;
      expected.get(session)!.push(no);
    }
  };
  const isIn = (session: FakeSession, names: string[]) =>
    server.groups.namesOf(session).some((name) => names.includes(name));
  switch (random.between(0, 9)) {
    case 0:
    case 1: {
      const uid = -random.between(1, 3);
      expect(({ uid: is }) => uid === -2 || (uid === -1) === (is !== 0));
      server.fanOut.toUsers({
        uids: [uid],
        userdata,
        exclude,
        buf: bytesOf(no),
      });
      break;
    }
    case 2: {
      const uids = Array.from(
        { length: random.between(1, 400) },
        (_, i) => i + 1,
      );
      expect(({ uid }) => uids.includes(Number(uid)));
      server.fanOut.toUsers({ uids, userdata, exclude, buf: bytesOf(no) });
      break;
    }
    case 3:
    case 4: {
      const names = random.next() < 0.5 ? [name] : [name, "c", name];
      expect((session) => isIn(session, names));
      server.fanOut.toGroups({ names, userdata, exclude, buf: bytesOf(no) });
      break;
    }
    case 5:
      expected.get(session)!.push(no);
      server.direct(session, no);
      break;
    case 6:
      if (isIn(session, [name])) server.depart(session, name);
      else server.join(session, name);
      break;
    case 7:
      if (random.next() < 0.3) server.sessions.logout(session);
      else {server.sessions.login(
          session,
          random.between(1, 400),
          random.between(0, 3),
        );}
      break;
    case 8:
      if (random.next() < 0.5) {
        server.leave(session);
        // Whether it got what was on its way is open.
        expected.delete(session);
        break;
      }
      expected.set(server.enter(), []);
      break;
    default:
      server.turn();
  }
}
