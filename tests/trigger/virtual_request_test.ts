// Tests of VirtualRequest with a real gateway.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Box,
  BoxError,
  type Int64,
  ipToBytes,
  Task,
  TaskCmd,
  TaskFlag,
} from "@maple/box";
import { TriggerError, VirtualRequest } from "@maple/trigger";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { joinClient, makeTrigger, nextText } from "./trigger_fixture.ts";

Deno.test("VirtualRequest answers a request from its packed task", async () => {
  await using gateway = await GatewayFixture.start({ nodeId: 3 });
  await using worker = await gateway.attach();
  await using joined = await joinClient(gateway, worker);
  await joined.client.write({ cmd: 9, sn: 41, body: "pay" });
  const kept = (await worker.work()).pack();

  await using trigger = makeTrigger(gateway);
  const request = new VirtualRequest(trigger, kept);
  assertEquals([request.box.cmd, request.box.text()], [9, "pay"]);
  assertEquals(request.clientAddress, "127.0.0.1");
  assertEquals([request.uid, request.userdata, request.custom], [0, 0, 0]);

  assert(await request.writeToClient({ ret: 2, body: { paid: true } }));
  const answer = await joined.client.read();
  assertEquals([answer?.cmd, answer?.sn, answer?.ret], [9, 41, 2]);
  assertEquals(answer?.json(), { paid: true });

  const push = new Box({ cmd: 50, body: "as it is" });
  await request.writeToClient(push);
  assertEquals((await joined.client.read())?.pack(), push.pack());
  await request.writeToClient(push.pack());
  assertEquals((await joined.client.read())?.pack(), push.pack());

  assert(await request.closeClient());
  assertEquals(await nextText(joined), "closed");
});

Deno.test("VirtualRequest logs its client in and out", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using joined = await joinClient(gateway, worker);
  await using trigger = makeTrigger(gateway);
  const request = new VirtualRequest(trigger, joined.created);
  assertEquals(request.box.cmd, 0);

  assert(await request.loginClient(77, 5));
  await request.writeToUsers([[[77], { body: "hello 77" }, 4]]);
  assertEquals(await nextText(joined), "hello 77");
  await joined.client.write({ cmd: 1 });
  const known = new VirtualRequest(trigger, await worker.work());
  assertEquals([known.uid, known.userdata], [77, 5]);

  assert(await request.logoutClient());
  await request.writeToUsers([
    [[77], { body: "hello 77" }],
    [[-3], { body: "hello nobody" }],
  ]);
  assertEquals(await nextText(joined), "hello nobody");

  await request.loginClient(78);
  assert(await request.closeUsers([78]));
  assertEquals(await nextText(joined), "closed");
});

Deno.test("VirtualRequest.loginClient() rejects a uid that is not positive", async () => {
  await using trigger = makeTrigger(1);
  const request = new VirtualRequest(trigger, new Task());
  const fails = async (uid: unknown, userdata: unknown, says: string) => {
    const error = await assertRejects(
      () => request.loginClient(uid as Int64, userdata as Int64),
      TriggerError,
      says,
    );
    assertEquals(error.code, "option");
  };
  for (const uid of [0, -1, 1.5, NaN, 0n, 2n ** 63n]) {
    await fails(
      uid,
      0,
      `Cannot log in: a uid is a positive integer, got ${uid}`,
    );
  }
  await fails("7", 0, `a uid is a positive integer, got "7" (a string)`);
  await fails(7, 0.5, "Cannot log in: userdata is a 64-bit integer, got 0.5");
  await fails(7, "1", `got "1" (a string)`);
});

Deno.test("VirtualRequest does nothing about a client where its task is about none", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = makeTrigger(gateway);
  const request = new VirtualRequest(trigger, new Task());
  assertEquals(
    await Promise.all([
      request.writeToClient({ ret: 1 }),
      request.loginClient(7),
      request.logoutClient(),
      request.clearClientTasks(),
      request.closeClient(),
    ]),
    [false, false, false, false, false],
  );
  assert(await request.writeToWorker({ cmd: 1 }));
  assert(await trigger.close());
  assertEquals(gateway.gateway.stats().answersDropped.tag, 0);
});

Deno.test("VirtualRequest.writeToWorker() keeps the client's address", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using joined = await joinClient(gateway, worker);
  await using trigger = makeTrigger(gateway);
  const request = new VirtualRequest(trigger, joined.created);
  assert(await request.writeToWorker({ cmd: 9 }, { custom: 3 }));
  const task = await worker.work();
  assertEquals(
    [task.clientAddress, task.connId, task.custom, task.inner],
    ["127.0.0.1", joined.created.connId, 3, true],
  );
  const ipv6 = ipToBytes("2001:db8::1").bytes;
  const init = { connId: 1, clientIp: ipv6, flags: TaskFlag.IPV6 };
  const other = new VirtualRequest(trigger, new Task(init));
  assert(await other.writeToWorker({ cmd: 9 }));
  assertEquals((await worker.work()).clientAddress, "2001:db8::1");
});

Deno.test("VirtualRequest.clearClientTasks() drops the client's waiting requests", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using joined = await joinClient(gateway, worker);
  await joined.client.write({ cmd: 1 });
  const first = await worker.work();
  assertEquals(first.cmd, TaskCmd.CLIENT_REQ);
  // Both wait behind the first, which is not acknowledged yet.
  await joined.client.write({ cmd: 2 });
  await joined.client.write({ cmd: 3 });
  await eventually(() => gateway.gateway.stats().queued === 2);

  await using trigger = makeTrigger(gateway);
  assert(await new VirtualRequest(trigger, first).clearClientTasks());
  await trigger.writeToWorker({ cmd: 4 });
  const next = await worker.work();
  assertEquals(next.cmd, TaskCmd.WRITE_TO_WORKER);
  assertEquals(Box.fromFrame(next.body).cmd, 4);
  assertEquals(gateway.gateway.stats().cleared, 2);
});

Deno.test("VirtualRequest.writeToWorker() makes a task about its client, which its worker can answer", async () => {
  await using gateway = await GatewayFixture.start({ nodeId: 4 });
  await using worker = await gateway.attach();
  await using joined = await joinClient(gateway, worker);
  await using trigger = makeTrigger(gateway);
  const request = new VirtualRequest(trigger, joined.created);
  assert(
    await request.writeToWorker({ cmd: 12 }, {
      uid: 8,
      userdata: 2,
      custom: 3,
    }),
  );

  const task = await worker.work();
  assertEquals(task.cmd, TaskCmd.WRITE_TO_WORKER);
  assert(task.inner);
  const { connId, tag, nodeId } = joined.created;
  assertEquals([task.connId, task.tag, task.nodeId], [connId, tag, nodeId]);
  assertEquals([task.uid, task.userdata, task.custom], [8, 2, 3]);
  await new VirtualRequest(trigger, task).writeToClient({ ret: 6 });
  const answer = await joined.client.read();
  assertEquals([answer?.cmd, answer?.ret], [12, 6]);
});

Deno.test("VirtualRequest of a gateway's former life reaches nobody", async () => {
  const former = await GatewayFixture.start();
  const innerPort = former.inner.port;
  const oldWorker = await former.attach();
  const oldClient = await joinClient(former, oldWorker);
  const kept = oldClient.created.pack();
  await oldClient[Symbol.asyncDispose]();
  oldWorker.close();
  await former.gateway.closeNow();

  await using gateway = await GatewayFixture.start({ innerPort });
  await using worker = await gateway.attach();
  await using joined = await joinClient(gateway, worker);
  assertEquals(Task.fromFrame(kept).connId, joined.created.connId);
  await using trigger = makeTrigger(gateway);
  assert(
    await new VirtualRequest(trigger, kept).writeToClient({ body: "late" }),
  );
  await trigger.writeToUsers([[[-2], { body: "end" }]]);
  assertEquals(await nextText(joined), "end");
});

Deno.test("new VirtualRequest() rejects what is no task or holds no box", async () => {
  await using trigger = makeTrigger(1);
  const task = new Task({ body: new Box().pack() }).pack();
  assertThrows(() => new VirtualRequest(trigger, task.subarray(1)), BoxError);
  assertThrows(
    () => new VirtualRequest(trigger, task.subarray(0, 50)),
    BoxError,
  );
  assertThrows(
    () => new VirtualRequest(trigger, new Task({ body: "no box" })),
    BoxError,
  );
});
