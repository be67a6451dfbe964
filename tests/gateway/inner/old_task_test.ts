// Task headers of 60 bytes, as the originals of 2016 spoke them.

import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { Box, FrameReader, MAGIC, Task, TaskCmd } from "@maple/box";
import { writeInt32 } from "@maple/box/internal";
import { INNER_FRAMING, isOldTask } from "../../../gateway/inner/old_task.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";

function oldTask(cmd: number, body: Uint8Array = new Uint8Array(0)) {
  const frame = new Uint8Array(60 + body.length);
  writeInt32(frame, 0, MAGIC);
  writeInt32(frame, 8, frame.length);
  writeInt32(frame, 12, cmd);
  frame.set(body, 60);
  return frame;
}

Deno.test("INNER_FRAMING cuts tasks with either header, byte by byte", () => {
  const box = new Box({ cmd: 1 }).pack();
  const frames = [
    oldTask(TaskCmd.WORKER_ASK_FOR_TASK),
    new Task({ cmd: 5, body: "modern" }).pack(),
    oldTask(TaskCmd.WRITE_TO_WORKER, box),
    oldTask(TaskCmd.CLOSE_USERS, new Uint8Array(15)),
  ];
  const reader = new FrameReader(INNER_FRAMING);
  const cut: Uint8Array[] = [];
  for (const frame of frames) {
    for (const byte of frame) {
      reader.push(Uint8Array.of(byte));
      const whole = reader.take();
      if (whole) cut.push(whole);
    }
  }
  assertEquals(cut, frames);
});

Deno.test("INNER_FRAMING refuses a length below 60", () => {
  const frame = oldTask(100);
  writeInt32(frame, 8, 59);
  const bytes = new Uint8Array(76);
  bytes.set(frame);
  const length = INNER_FRAMING.frameLength(bytes, 0, bytes.length);
  assert(length < 0, `${length}`);
});

Deno.test("isOldTask() takes no task of today for an old one", () => {
  const body = new Box({ cmd: 1, body: "hi" }).pack();
  assert(isOldTask(oldTask(100, body)));
  // A mask that looks like the beginning of a box.
  const userdata = BigInt(MAGIC) << 32n;
  for (const bytes of [body, new Uint8Array(0), new Uint8Array(200)]) {
    const task = new Task({ cmd: 100, userdata, body: bytes });
    assertFalse(isOldTask(task.pack()));
  }
});

Deno.test("Gateway serves tasks for workers that have a header of 60 bytes, and says once what it ignores", async () => {
  await using gateway = await GatewayFixture.start();
  await using old = await gateway.attach();
  const box = new Box({ cmd: 3, body: "hi" }).pack();
  await old.sendBytes(oldTask(TaskCmd.WRITE_TO_WORKER, box));
  await using worker = await gateway.attach();
  const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
  assertEquals([task.body, task.inner, task.flags], [box, true, 1]);
  assertEquals([task.uid, task.userdata, task.custom], [0, 0, 0]);
  for (const cmd of [210, 230, 250, 100]) {
    await old.sendBytes(oldTask(cmd, new Uint8Array(cmd === 210 ? 0 : 40)));
  }
  await gateway.until((stats) => stats.badCommands === 4);
  // Its connection stays.
  await old.sendBytes(oldTask(TaskCmd.WRITE_TO_WORKER, box));
  assertEquals((await worker.pull(TaskCmd.WRITE_TO_WORKER)).body, box);
  const lines = gateway.log.lines.filter((line) => line.includes("60 bytes"));
  assertEquals(lines.length, 1);
  assertMatch(lines[0]!, /WARN trigger \S+ sent command 210 .* of 2016/);
});

Deno.test("Gateway says of a worker with headers of 60 bytes why it gets nothing", async () => {
  await using gateway = await GatewayFixture.start();
  await using old = await gateway.attach();
  await old.sendBytes(oldTask(TaskCmd.WORKER_ASK_FOR_TASK));
  await gateway.log.line(/ sent command 210 with a Task header of 60 bytes/);
});
