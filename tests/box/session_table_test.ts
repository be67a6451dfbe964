// SessionTable: who is logged in where, and whom a selection means.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { type Int64, SpecialUid } from "@maple/box";
import {
  hasBits,
  SessionTable,
  type TableSession,
} from "../../box/session_table.ts";

class FakeSession implements TableSession {
  readonly connId: number;
  uid: Int64 = 0;
  userdata: Int64 = 0;
  walk = 0;

  constructor(connId: number) {
    this.connId = connId;
  }

  setUser(uid: Int64, userdata: Int64): void {
    this.uid = uid;
    this.userdata = userdata;
  }
}

// Connections 1, 2, ... of which the first are logged in with these uids.
function tableOf(count: number, ...uids: Int64[]) {
  const table = new SessionTable<FakeSession>();
  const sessions = Array.from(
    { length: count },
    (_, i) => new FakeSession(i + 1),
  );
  for (const session of sessions) table.add(session);
  uids.forEach((uid, i) => table.login(sessions[i]!, uid, 0));
  return { table, sessions };
}

function selected(
  table: SessionTable<FakeSession>,
  uids: Int64[],
  userdata: Int64 = 0,
  exclude: Int64[] = [],
): number[] {
  const met: number[] = [];
  table.forEachSelected(
    { uids, userdata, exclude },
    (session) => met.push(session.connId),
  );
  return met;
}

function userOf({ uid, userdata }: FakeSession): [Int64, Int64] {
  return [uid, userdata];
}

Deno.test("SessionTable login() gives a session its user, logout() takes it away", () => {
  const { table, sessions: [session] } = tableOf(1);
  table.login(session!, 7, 5);
  assertEquals(userOf(session!), [7, 5]);
  table.login(session!, 2n ** 62n, -1);
  assertEquals(userOf(session!), [2n ** 62n, -1]);
  assertEquals([table.users, selected(table, [7])], [1, []]);
  table.logout(session!);
  assertEquals([userOf(session!), table.users], [[0, 0], 0]);
  table.logout(session!);
  assertEquals(table.users, 0);
});

Deno.test("SessionTable login() moves a uid from another connection, which is as if logged out", () => {
  const { table, sessions: [first, second] } = tableOf(2, 7);
  table.login(second!, 7, 3);
  assertEquals([userOf(first!), userOf(second!)], [[0, 0], [7, 3]]);
  assertEquals(selected(table, [7]), [2]);
  table.logout(first!);
  assertEquals(selected(table, [7]), [2]);
});

Deno.test("SessionTable login() may be repeated on the same connection", () => {
  const { table, sessions: [session] } = tableOf(1, 7);
  table.login(session!, 7, 9);
  assertEquals([userOf(session!), table.users], [[7, 9], 1]);
});

Deno.test("SessionTable remove() leaves uid and userdata on the session", () => {
  const { table, sessions: [session] } = tableOf(1);
  table.login(session!, 7, 9);
  table.remove(session!);
  assertEquals([table.size, table.users], [0, 0]);
  assertEquals(userOf(session!), [7, 9]);
});

Deno.test("SessionTable remove() of a connection whose user has moved leaves the user", () => {
  const { table, sessions: [first, second] } = tableOf(2, 7);
  table.login(second!, 7, 0);
  table.remove(first!);
  assertEquals([table.users, selected(table, [7])], [1, [2]]);
});

Deno.test("SessionTable forEachSelected() knows the special uids", () => {
  const { table } = tableOf(4, 11, 12);
  assertEquals(selected(table, [SpecialUid.LOGGED_IN]), [1, 2]);
  assertEquals(selected(table, [SpecialUid.ALL]), [1, 2, 3, 4]);
  assertEquals(selected(table, [SpecialUid.NOT_LOGGED_IN]), [3, 4]);
  assertEquals(selected(table, [0, -4, 99]), []);
  assertEquals(selected(table, []), []);
});

Deno.test("SessionTable forEachSelected() meets each connection once", () => {
  const { table } = tableOf(3, 11, 12);
  assertEquals(selected(table, [12, 12, 11, -1, -2, -3]), [2, 1, 3]);
  assertEquals(selected(table, [12, 12, 11, -1, -2, -3]), [2, 1, 3]);
});

Deno.test("SessionTable forEachSelected() walks once, however often a special uid is named", () => {
  for (const special of [-1, -2, -3]) {
    const { table, sessions } = tableOf(10, 11, 12, 13, 14, 15);
    let looked = 0;
    for (const session of sessions) {
      let walk = 0;
      Object.defineProperty(session, "walk", {
        get: () => (looked++, walk),
        set: (value: number) => walk = value,
      });
    }
    const once = selected(table, [special]);
    assert(looked <= 10);
    looked = 0;
    const uids = Array.from({ length: 200_000 }, () => special);
    assertEquals(selected(table, uids, 0, uids), once);
    assert(looked <= 10, `${looked} connections were looked at`);
  }
});

Deno.test("SessionTable forEachSelected() leaves excluded uids out", () => {
  const { table } = tableOf(4, 11, 12, 2n ** 60n);
  assertEquals(selected(table, [-2], 0, [12, 2n ** 60n]), [1, 4]);
  assertEquals(selected(table, [12], 0, [12]), []);
  // Nobody is logged in with 0: it excludes nobody.
  assertEquals(selected(table, [-3], 0, [0]), [4]);
});

Deno.test("SessionTable forEachSelected() wants all bits of userdata", () => {
  const { table, sessions } = tableOf(3);
  const high = 2n ** 40n;
  table.login(sessions[0]!, 11, 0b01);
  table.login(sessions[1]!, 12, 0b11);
  table.login(sessions[2]!, 13, Number(high) + 1);
  assertEquals(selected(table, [-1], 0), [1, 2, 3]);
  assertEquals(selected(table, [-1], 0b10), [2]);
  assertEquals(selected(table, [-1], 0b11), [2]);
  assertEquals(selected(table, [-1], 0b01), [1, 2, 3]);
  assertEquals(selected(table, [-1], Number(high)), [3]);
});

Deno.test("SessionTable forEachSelected() bears that a visit takes connections out", () => {
  const { table, sessions } = tableOf(5, 11, 12, 13);
  const met: number[] = [];
  table.forEachSelected({ uids: [-1, -2], userdata: 0, exclude: [] }, (it) => {
    met.push(it.connId);
    table.remove(it);
  });
  assertEquals(met, [1, 2, 3, 4, 5]);
  assertEquals([table.size, sessions.length], [0, 5]);
});

Deno.test("hasBits() compares all 64 bits", () => {
  assert(hasBits(0, 0));
  assertFalse(hasBits(0, 1));
  assert(hasBits(-1, 2 ** 40));
  assert(hasBits(-1, -1));
  assertFalse(hasBits(2 ** 40, 2 ** 41));
  assert(hasBits(2 ** 40 + 3, 3));
  assertFalse(hasBits(2 ** 40, 1));
  // 2^32 has no bit in the low 32: it must not be taken for 0.
  assertFalse(hasBits(1, 2 ** 32));
  assert(hasBits(2n ** 63n - 1n, 2 ** 52));
  assertFalse(hasBits(2n ** 63n - 1n, -(2n ** 63n)));
  assert(hasBits(-(2n ** 63n), -(2n ** 63n)));
  assert(hasBits(-1, -(2n ** 63n)));
});
