// ClientSession: the header of a client's tasks.

import { assertEquals } from "@std/assert";
import { FakeConn, fakeSession, headerOf } from "../queue/fakes.ts";

Deno.test("ClientSession setUser() writes uid and userdata into the header", () => {
  const session = fakeSession(1);
  for (const [uid, userdata] of [[7, 5], [2n ** 62n, -1], [0, 0]] as const) {
    session.setUser(uid, userdata);
    const header = headerOf(session);
    assertEquals([header.uid, header.userdata], [uid, userdata]);
  }
});

Deno.test("ClientSession header holds node, tag, connection and address", () => {
  const session = fakeSession(2 ** 33, new FakeConn("2001:db8::1"));
  const task = headerOf(session);
  assertEquals([task.nodeId, task.tag, task.connId], [3, 4, 2 ** 33]);
  assertEquals([task.clientAddress, task.flags], ["2001:db8::1", 2]);
  assertEquals(session.address, "[2001:db8::1]:1");
  const ipv4 = headerOf(fakeSession(1, new FakeConn("203.0.113.200")));
  assertEquals([ipv4.clientAddress, ipv4.flags], ["203.0.113.200", 0]);
});

Deno.test("ClientSession onFrame() tells the idle watch that it is not quiet", () => {
  const session = fakeSession(1);
  session.quietSteps = 5;
  session.onFrame(new Uint8Array(0));
  assertEquals(session.quietSteps, 0);
});
