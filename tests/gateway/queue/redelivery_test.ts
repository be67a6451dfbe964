// Workers that are lost: their tasks go to others, flagged, and are given up with an answer.

import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  Box,
  type BoxClass,
  boxClass,
  LineBox,
  RET,
  TaskCmd,
} from "@maple/box";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";

async function lose(worker: RawWorker): Promise<void> {
  await worker[Symbol.asyncDispose]();
}

Deno.test("Gateway hands a lost worker's request out again, first and flagged", async () => {
  await using gateway = await GatewayFixture.start();
  await using a = await gateway.connect();
  await a.write({ cmd: 1, sn: 1 });
  const lost = await gateway.attach();
  await lost.pull(TaskCmd.CLIENT_CREATED);
  const first = await lost.pull(TaskCmd.CLIENT_REQ);
  assertFalse(first.redelivered);
  await a.write({ cmd: 1, sn: 2 });
  await using b = await gateway.connect();
  await b.write({ cmd: 1, sn: 9 });
  await gateway.until((stats) => stats.clientFrames === 3);
  await lose(lost);
  await using heir = await gateway.attach();
  const again = await heir.pull(TaskCmd.CLIENT_REQ);
  assert(again.redelivered);
  assertEquals([again.connId, again.body], [first.connId, first.body]);
  assert(again.ret !== first.ret);
  await heir.answer(again, "served");
  assertEquals((await a.read())?.text(), "served");
  // Then the others, in order, without the flag.
  const rest = [];
  for (let i = 0; i < 3; i++) {
    await heir.ask();
    const task = await heir.next();
    assertFalse(task?.redelivered);
    rest.push(task?.body.length ? Box.fromFrame(task.body).sn : task?.cmd);
  }
  assertEquals(rest, [TaskCmd.CLIENT_CREATED, 2, 9]);
  await gateway.log.line(/WARN worker .* 1 tasks? that it held/);
  assertEquals(gateway.gateway.stats().redelivered, 1);
});

Deno.test("Gateway answers RET.WORKER_LOST after maxDeliveries, and the client goes on", async () => {
  for (const maxDeliveries of [1, 2, 3]) {
    await using gateway = await GatewayFixture.start({ maxDeliveries });
    await using client = await gateway.connect();
    await using first = await gateway.attach();
    await first.pull(TaskCmd.CLIENT_CREATED);
    await first.askExplicitly();
    await gateway.until((stats) => stats.workers === 1);
    await lose(first);
    await gateway.until((stats) => stats.innerLinks === 0);
    await client.write({ cmd: 4, sn: 1, body: "deadly" });
    await client.write({ cmd: 4, sn: 2, body: "harmless" });
    for (let i = 0; i < maxDeliveries; i++) {
      const worker = await gateway.attach();
      await worker.ask();
      let task = await worker.next();
      // The lost worker held CREATED, unless it was given up with it.
      if (task?.cmd === TaskCmd.CLIENT_CREATED) {
        await worker.ask();
        task = await worker.next();
      }
      assertEquals(Box.fromFrame(task!.body).text(), "deadly");
      assertEquals(task?.redelivered, i > 0);
      await lose(worker);
    }
    const refusal = await client.read();
    assertEquals(
      [refusal?.cmd, refusal?.sn, refusal?.ret],
      [4, 1, RET.WORKER_LOST],
    );
    assertEquals(refusal?.ret, -10002);
    if (maxDeliveries > 1) {
      await gateway.log.line(
        new RegExp(
          `WARN worker .* a request with cmd 4, with which ${maxDeliveries} `,
        ),
      );
    }
    await using _echo = await gateway.attachEcho();
    const reply = await client.read();
    assertEquals([reply?.sn, reply?.ret, reply?.text()], [2, 0, "harmless"]);
  }
});

Deno.test("Gateway hands tasks of triggers and of connections out again, too", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = await gateway.attach();
  await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom: 5 });
  await gateway.until((stats) => stats.queued === 1);
  await using _client = await gateway.connect();
  await gateway.until((stats) => stats.queued === 2);
  const lost = await gateway.attach();
  await lost.askExplicitly();
  await lost.askExplicitly();
  for (const cmd of [TaskCmd.WRITE_TO_WORKER, TaskCmd.CLIENT_CREATED]) {
    assertFalse((await lost.expect(cmd)).redelivered);
  }
  await lose(lost);
  // One at a time, each to a worker that holds nothing else.
  for (const cmd of [TaskCmd.WRITE_TO_WORKER, TaskCmd.CLIENT_CREATED]) {
    const heir = await gateway.attach();
    await heir.askExplicitly();
    await heir.askExplicitly();
    const again = await heir.expect(cmd);
    assert(again.redelivered);
    assertEquals(gateway.gateway.stats().inHand, 1);
    await lose(heir);
    const what = cmd === TaskCmd.WRITE_TO_WORKER
      ? "a task for a worker"
      : "the news of a client";
    await gateway.log.line(
      new RegExp(`WARN worker .* nothing but ${what}, with which 2 workers`),
    );
  }
  await gateway.until((stats) => stats.givenUp === 2);
  const { queued, inHand } = gateway.gateway.stats();
  assertEquals([queued, inHand], [0, 0]);
});

Deno.test("Gateway does not hand out again what was acknowledged by its number", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = await gateway.attach();
  for (const custom of [1, 2, 3]) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom });
  }
  const lost = await gateway.attach();
  for (let i = 0; i < 3; i++) await lost.askExplicitly();
  await lost.next();
  const second = await lost.next();
  await lost.next();
  await lost.askExplicitly(second!);
  await gateway.until((stats) => stats.acknowledged === 1);
  await lose(lost);
  await using heir = await gateway.attach();
  const customs = [];
  for (let i = 0; i < 2; i++) {
    customs.push((await heir.pull(TaskCmd.WRITE_TO_WORKER)).custom);
  }
  assertEquals(customs, [1, 3]);
  assertEquals(gateway.gateway.stats().queued, 0);
});

Deno.test("Gateway does not hand out again what an original worker has answered before it left", async () => {
  await using gateway = await GatewayFixture.start();
  await using client = await gateway.connect();
  const original = await gateway.attach();
  await original.pull(TaskCmd.CLIENT_CREATED);
  for (const sn of [1, 2]) await client.write({ cmd: 1, sn });
  const request = await original.pull(TaskCmd.CLIENT_REQ);
  await original.answer(request, "done");
  // No further ask: it leaves.
  assertEquals((await client.read())?.text(), "done");
  await lose(original);
  await using heir = await gateway.attach();
  const next = await heir.pull(TaskCmd.CLIENT_REQ);
  assertEquals([Box.fromFrame(next.body).sn, next.redelivered], [2, false]);
});

Deno.test("Gateway takes what nobody waits for as done when an original worker leaves", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = await gateway.attach();
  await using heir = await gateway.attach();
  for (let custom = 1; custom <= 20; custom++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom });
    const original = await gateway.attach();
    const task = await original.pull(TaskCmd.WRITE_TO_WORKER);
    assertEquals([task.custom, task.redelivered], [custom, false]);
    await lose(original);
    await gateway.until((stats) => stats.workers === 0);
  }
  // The news of clients as well.
  const original = await gateway.attach();
  await original.ask();
  const client = await gateway.connect();
  await original.expect(TaskCmd.CLIENT_CREATED);
  await lose(original);
  await gateway.until((stats) => stats.workers === 0);
  client.close();
  assertFalse((await heir.pull(TaskCmd.CLIENT_CLOSED)).redelivered);
  const { queued, givenUp, redelivered } = gateway.gateway.stats();
  assertEquals([queued, givenUp, redelivered], [0, 0, 0]);
  // What is as it should be is no warning.
  assertEquals(gateway.log.complaints, []);
});

Deno.test("Gateway hands out nothing again of an original worker with originalMaxDeliveries 1", async () => {
  await using gateway = await GatewayFixture.start({
    originalMaxDeliveries: 1,
  });
  await using client = await gateway.connect();
  const original = await gateway.attach();
  await original.pull(TaskCmd.CLIENT_CREATED);
  await client.write({ cmd: 1, sn: 1 });
  await original.pull(TaskCmd.CLIENT_REQ);
  await lose(original);
  assertEquals((await client.read())?.ret, RET.WORKER_LOST);
  await gateway.log.line(/WARN worker .*of 1 tasks that it held 1 are given/);
  // One of ours is another matter.
  const ours = await gateway.attach();
  await ours.askExplicitly();
  await client.write({ cmd: 1, sn: 2 });
  await ours.expect(TaskCmd.CLIENT_REQ);
  await lose(ours);
  await using heir = await gateway.attach();
  assert((await heir.pull(TaskCmd.CLIENT_REQ)).redelivered);
});

Deno.test("Gateway takes an original worker for lost that holds a task and is silent for originalWorkerTimeout", async () => {
  await using gateway = await GatewayFixture.start({
    originalWorkerTimeout: 0.4,
  });
  await using client = await gateway.connect();
  await using idle = await gateway.attach();
  await using stuck = await gateway.attach();
  await stuck.pull(TaskCmd.CLIENT_CREATED);
  await client.write({ cmd: 1, sn: 1 });
  await stuck.pull(TaskCmd.CLIENT_REQ);
  await idle.ask();
  assertEquals(await stuck.next(), null);
  await gateway.log.line(/WARN worker .*no frame for 0.4 s .*originalWorkerT/);
  // One that holds nothing may be silent for as long as it likes.
  const again = await idle.expect(TaskCmd.CLIENT_REQ);
  assert(again.redelivered);
  await idle.answer(again, "served");
  assertEquals((await client.read())?.text(), "served");
});

Deno.test("Gateway hands out again what is unanswered when a later request of the client was answered", async () => {
  await using gateway = await GatewayFixture.start({ order: "none" });
  await using client = await gateway.connect();
  const lost = await gateway.attach();
  await lost.pull(TaskCmd.CLIENT_CREATED);
  for (const sn of [1, 2]) await client.write({ cmd: 1, sn });
  await lost.askExplicitly();
  await lost.askExplicitly();
  await lost.expect(TaskCmd.CLIENT_REQ);
  const second = await lost.expect(TaskCmd.CLIENT_REQ);
  assertEquals(Box.fromFrame(second.body).sn, 2);
  await lost.answer(second, "two");
  assertEquals((await client.read())?.sn, 2);
  await lose(lost);
  await using _heir = await gateway.attachEcho();
  // The second may be served twice, but the first must be served.
  for (;;) if ((await client.read())?.sn === 1) break;
});

Deno.test("Gateway gives up without an answer where the box class has no ret", async () => {
  await using gateway = await GatewayFixture.start({
    boxClass: LineBox as unknown as BoxClass<object>,
    maxDeliveries: 1,
  });
  await using client = await gateway.connectRaw(LineBox);
  await client.sendBytes(new TextEncoder().encode("deadly\nharmless\n"));
  const lost = await gateway.attach();
  await lost.pull(TaskCmd.CLIENT_CREATED);
  await lost.pull(TaskCmd.CLIENT_REQ);
  await lose(lost);
  await using _echo = await gateway.attachEcho();
  const line = new TextDecoder().decode((await client.nextFrame())!);
  assertEquals(line, "harmless\n");
});

const SmallRet = boxClass([["cmd", "B"], ["ret", "B"], ["bodyLen", "H"]]);

Deno.test("Gateway gives up without an answer where ret is too small for one", async () => {
  await using gateway = await GatewayFixture.start({
    boxClass: SmallRet as unknown as BoxClass<object>,
    clientQueueMax: 1,
    maxDeliveries: 1,
  });
  await using client = await gateway.connectRaw(SmallRet);
  await client.sendBytes(new SmallRet({ cmd: 1 }).pack());
  await client.sendBytes(new SmallRet({ cmd: 2 }).pack());
  const lost = await gateway.attach();
  await lost.pull(TaskCmd.CLIENT_CREATED);
  await lost.pull(TaskCmd.CLIENT_REQ);
  await lose(lost);
  await using _echo = await gateway.attachEcho();
  assertEquals(SmallRet.fromFrame((await client.nextFrame())!).cmd, 2);
});

Deno.test("Gateway gives up after parkTime without an answer where ret is too small for one", async () => {
  await using gateway = await GatewayFixture.start({
    boxClass: SmallRet as unknown as BoxClass<object>,
    clientQueueMax: 1,
    parkTime: 0.1,
  });
  await using client = await gateway.connectRaw(SmallRet);
  for (const cmd of [1, 2]) {
    await client.sendBytes(new SmallRet({ cmd }).pack());
  }
  await gateway.until((stats) => stats.expired === 2);
});
