// Room: the share of each client, and what happens where there is none.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { TaskCmd } from "@maple/box";
import type { ClientSession } from "../../../gateway/outer/client_session.ts";
import { QueuedTask } from "../../../gateway/queue/queued_task.ts";
import { Room, type RoomOptions } from "../../../gateway/queue/room.ts";
import { propertyTest } from "../../helpers/random.ts";
import { fakeSession, innerTask, request } from "./fakes.ts";

/** A room whose clients send as long as they are read from. */
function setUp(options: Partial<RoomOptions>) {
  const room = new Room({
    queueMax: 100,
    queueBytes: 1e9,
    newsMax: 10,
    ...options,
  });
  const waiting: QueuedTask[] = [];
  const add = (task: QueuedTask) => {
    room.add(task);
    waiting.push(task);
  };
  return {
    room,
    add,
    /** Sends until it is held back, so many times at most; gives how often that was. */
    send: (session: ClientSession, most = Infinity, text = "") => {
      let sent = 0;
      while (sent < most && !session.heldBack) {
        const task = request(session, text);
        if (!room.fits(session, task.bytes)) break;
        add(task);
        sent++;
      }
      return sent;
    },
    take: (count: number) => {
      for (const task of waiting.splice(0, count)) room.take(task);
    },
  };
}

Deno.test("Room gives a client that is alone all of it", () => {
  const { room, send } = setUp({});
  assertEquals(send(fakeSession(1)), 100);
  assertEquals([room.heldBack, room.clients, room.size], [1, 1, 100]);
});

Deno.test("Room gives those who come later their share, though others have more", () => {
  const { room, send } = setUp({});
  const sent = Array.from({ length: 50 }, (_, i) => send(fakeSession(i)));
  // The first one has filled it: from then on it is one each.
  assertEquals(sent, [100, ...Array(49).fill(1)]);
  assertEquals(room.heldBack, 50);
});

Deno.test("Room is shared evenly by those who send at the same time", () => {
  const { room, add } = setUp({});
  const sessions = [1, 2, 3, 4].map((id) => fakeSession(id));
  while (room.heldBack < 4) {
    for (const session of sessions) {
      if (!session.heldBack) add(request(session, ""));
    }
  }
  assertEquals(sessions.map(({ waiting }) => waiting), [25, 25, 25, 25]);
});

Deno.test("Room reads on from a client that has half of its share, and from one that has nothing", () => {
  const { room, send, take } = setUp({ queueMax: 8 });
  const [first, second] = [fakeSession(1), fakeSession(2)];
  assertEquals([send(first), send(second)], [8, 1]);
  take(3);
  // Of its share of 4 it has 5.
  assert(first.heldBack);
  take(3);
  assert(first.heldBack);
  take(1);
  assertFalse(first.heldBack);
  assert(second.heldBack);
  take(2);
  assertFalse(second.heldBack);
  assertEquals([room.size, room.clients, room.heldBack], [0, 0, 0]);
});

Deno.test("Room is shared by bytes as by count", () => {
  const { room, send } = setUp({ queueBytes: 10_000 });
  const text = "x".repeat(1000 - 76);
  assertEquals(send(fakeSession(1), Infinity, text), 10);
  assertEquals(send(fakeSession(2), Infinity, text), 1);
  assertEquals([room.bytes, room.heldBack], [11_000, 2]);
});

Deno.test("Room has no place for a client only when there is none for one of each", () => {
  const { room, send } = setUp({ queueMax: 3 });
  assertEquals(send(fakeSession(1)), 3);
  assertEquals([2, 3].map((id) => send(fakeSession(id))), [1, 1]);
  const late = fakeSession(4);
  assertEquals(send(late), 0);
  assertFalse(late.heldBack);
  assertEquals(room.size, 5);
});

Deno.test("Room takes one frame that is larger than all of it", () => {
  const { send } = setUp({ queueBytes: 100 });
  const text = "x".repeat(1000);
  assertEquals(send(fakeSession(1), Infinity, text), 1);
  assertEquals(send(fakeSession(2), Infinity, text), 0);
});

Deno.test("Room counts no news of clients, which has a gate of its own", () => {
  const { room, add, take } = setUp({ queueMax: 2, newsMax: 4 });
  const session = fakeSession(1);
  for (let i = 0; i < 4; i++) {
    assert(room.newsGate.isOpen);
    const cmd = i % 2 ? TaskCmd.CLIENT_CLOSED : TaskCmd.CLIENT_CREATED;
    add(new QueuedTask(cmd, new Uint8Array(0), session));
  }
  assertEquals([room.newsGate.isOpen, room.gate.isOpen], [false, true]);
  take(1);
  assert(room.newsGate.isOpen);
  add(innerTask(""));
  assert(room.gate.isOpen);
  add(innerTask(""));
  assertFalse(room.gate.isOpen);
});

Deno.test("Room forgets a client that is gone while it is held back", () => {
  const { room, send, take } = setUp({ queueMax: 4 });
  const session = fakeSession(1);
  send(session);
  room.leave(session);
  assertEquals([room.heldBack, room.gone.size], [0, 1]);
  take(4);
  assertEquals([room.clients, room.gone.size, session.waiting], [0, 0, 0]);
});

propertyTest(
  "Room never has more than twice its size, and none is held back in vain",
  (random) => {
    const { room, send, take } = setUp({ queueMax: 20, queueBytes: 20_000 });
    const sessions = Array.from({ length: 40 }, (_, i) => fakeSession(i));
    for (let step = 0; step < 5000; step++) {
      if (random.between(0, 2) === 0) take(random.between(1, 10));
      else {
        const text = "x".repeat(random.pick([0, 100, 2000]));
        send(random.pick(sessions), random.between(1, 30), text);
      }
      assert(room.size <= 40 && room.bytes <= 40_000 + 2076);
      const waiting = sessions.filter(({ waiting }) => waiting > 0);
      assertEquals(room.clients, waiting.length);
      const held = sessions.filter(({ heldBack }) => heldBack);
      assertEquals(room.heldBack, held.length);
      assert(held.every(({ waiting }) => waiting > 0));
    }
    take(1000);
    assertEquals([room.size, room.bytes, room.clients, room.heldBack], [
      ...[0, 0],
      ...[0, 0],
    ]);
    assert(sessions.every(({ waitingBytes }) => waitingBytes === 0));
  },
);
