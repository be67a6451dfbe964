import { assertEquals, assertStrictEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Box } from "@maple/box";
import {
  type CloseCause,
  DenoConn,
  FrameSocket,
  type MemoryHolder,
  MemoryLimit,
} from "@maple/box/internal";
import {
  bounded,
  joined,
  Loopback,
  readBytes,
  turns,
  writeAll,
} from "../support.ts";
import { Harness } from "./socket_harness.ts";

class Holder implements MemoryHolder {
  readonly causes: CloseCause[] = [];

  constructor(public memoryBytes: number) {}

  destroy(cause: CloseCause): void {
    this.causes.push(cause);
  }
}

Deno.test("MemoryLimit closes who holds most, until a tenth is free", async () => {
  using time = new FakeTime();
  const holders = [100, 400, 0, 350, 200].map((bytes) => new Holder(bytes));
  const limit = new MemoryLimit(1000, () => holders);
  limit.add(1000);
  await time.runMicrotasks();
  assertEquals(holders.flatMap(({ causes }) => causes), []);
  limit.add(50);
  limit.add(1);
  await time.runMicrotasks();
  assertEquals(holders.map(({ causes }) => causes.length), [0, 1, 0, 0, 0]);
  assertEquals(holders[1]!.causes, [{
    kind: "memory",
    message:
      "it holds most, 400 bytes, of the 1051 that all connections hold: more than the 1000 of memoryBytes",
  }]);
  // What it held is given back a little later; nobody else has to go for it.
  limit.add(20);
  await time.runMicrotasks();
  limit.add(-400);
  await time.tickAsync(10);
  assertEquals(holders.map(({ causes }) => causes.length), [0, 1, 0, 0, 0]);
  assertStrictEquals(limit.bytes, 671);
  // It is looked at again, and as many have to go as are needed.
  holders[1]!.memoryBytes = 0;
  limit.add(600);
  await time.runMicrotasks();
  assertEquals(holders.map(({ causes }) => causes.length), [0, 1, 0, 1, 1]);
  limit.stop();
});

Deno.test("MemoryLimit looks again while it is too much, and not after stop()", async () => {
  using time = new FakeTime();
  const holder = new Holder(500);
  const limit = new MemoryLimit(100, () => [holder]);
  limit.add(500);
  await time.runMicrotasks();
  for (let i = 0; i < 2; i++) {
    await time.tickAsync(10);
    await time.runMicrotasks();
  }
  assertStrictEquals(holder.causes.length, 3);
  limit.stop();
  limit.add(1);
  await time.tickAsync(100);
  assertStrictEquals(holder.causes.length, 3);
});

Deno.test("FrameSocket counts the memory of its buffers, and gives all of it back", async () => {
  const limit = new MemoryLimit(2 ** 40, () => []);
  await using harness = await Harness.open({ meter: limit });
  harness.run();
  const { socket, far } = harness;
  const frame = new Box({ body: new Uint8Array(300_000) }).pack();
  await writeAll(far, frame.subarray(0, 200_000));
  while (socket.memoryBytes < 200_000) await turns();
  assertStrictEquals(limit.bytes, socket.memoryBytes);
  assertStrictEquals(socket.partialBytes > 0, true);
  await writeAll(far, frame.subarray(200_000));
  await harness.received(1);
  assertStrictEquals(socket.partialBytes, 0);
  socket.send(frame);
  socket.send(frame);
  assertStrictEquals(limit.bytes, socket.memoryBytes);
  assertStrictEquals(limit.bytes >= 600_000, true);
  await readBytes(far, 2 * frame.length);
  await bounded(socket.drained());
  assertStrictEquals(limit.bytes, socket.memoryBytes);
  socket.send(joined(Array(40).fill(frame)));
  await turns();
  assertStrictEquals(limit.bytes, socket.memoryBytes);
  far.close();
  await harness.ended();
  await turns();
  assertStrictEquals(limit.bytes, 0);
});

Deno.test("FrameSocket gives back what it counted when it is destroyed while it writes and reads", async () => {
  const limit = new MemoryLimit(2 ** 40, () => []);
  using loopback = await Loopback.open();
  const socket = new FrameSocket(new DenoConn(loopback.near), {
    framing: Box,
    outboxBytes: 2 ** 30,
    meter: limit,
  });
  const running = socket.run({ onFrame() {}, onClose() {} });
  await writeAll(
    loopback.far,
    new Box({ body: new Uint8Array(1000) }).pack().subarray(0, 500),
  );
  socket.send(new Uint8Array(100_000_000));
  await turns();
  socket.send(new Uint8Array(1000));
  assertStrictEquals(limit.bytes, socket.memoryBytes);
  socket.destroy();
  await bounded(running);
  await turns();
  assertStrictEquals(limit.bytes, 0);
});

Deno.test("FrameSocket.stalledSteps() counts while bytes wait and none is taken", async () => {
  await using harness = await Harness.open({ outboxBytes: 2 ** 30 });
  harness.run();
  const { socket, far } = harness;
  assertEquals([socket.hasSent, socket.stalledSteps()], [false, 0]);
  socket.send(new Uint8Array(100_000_000));
  // What the system takes at first.
  let pending = NaN;
  while (socket.pendingBytes !== pending) {
    pending = socket.pendingBytes;
    await turns(50);
  }
  socket.stalledSteps();
  assertEquals([1, 2, 3].map(() => socket.stalledSteps()), [1, 2, 3]);
  await readBytes(far, 50_000_000);
  await turns(50);
  assertStrictEquals(socket.stalledSteps(), 0);
  await readBytes(far, 50_000_000);
  await bounded(socket.drained());
  assertEquals([1, 2].map(() => socket.stalledSteps()), [0, 0]);
  assertStrictEquals(socket.hasSent, true);
});
