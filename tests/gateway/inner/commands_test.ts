// The commands about tasks, on real sockets: what workers get, ask for and take back, and what no
// command is.

import { assert, assertEquals, assertGreater } from "@std/assert";
import { Box, TaskCmd, TaskFlag } from "@maple/box";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { connectSeen, login, textRead } from "./command_support.ts";

Deno.test("CLIENT_CREATED tells of a connection before its first frame", async () => {
  await using gateway = await GatewayFixture.start({ nodeId: 5 });
  await using worker = await gateway.attach();
  await using client = await gateway.connect();
  await client.write({ cmd: 1 });
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  assertEquals([created.nodeId, created.clientAddress], [5, "127.0.0.1"]);
  assertEquals(
    [created.flags, created.uid, created.userdata, created.custom],
    [0, 0, 0, 0],
  );
  assertEquals(created.body.length, 0);
  for (const value of [created.tag, Number(created.connId), created.ret]) {
    assertGreater(value, 0);
  }
  const request = await worker.pull(TaskCmd.CLIENT_REQ);
  assertEquals([request.connId, request.tag], [created.connId, created.tag]);
});

Deno.test("CLIENT_CREATED gives each connection a number of its own and all the same tag", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [first, created1] = await connectSeen(gateway, worker);
  first.close();
  await worker.pull(TaskCmd.CLIENT_CLOSED);
  const [second, created2] = await connectSeen(gateway, worker);
  second.close();
  assert(created1.connId !== created2.connId);
  assertEquals(created1.tag, created2.tag);
});

Deno.test({
  name: "CLIENT_CREATED carries an IPv6 address with its flag",
  ignore: !Deno.networkInterfaces().some((it) => it.address === "::1"),
  fn: async () => {
    await using gateway = await GatewayFixture.start({ outerHost: "::1" });
    await using worker = await gateway.attach();
    await using _client = await gateway.connect();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    assertEquals(
      [created.clientAddress, created.flags],
      ["::1", TaskFlag.IPV6],
    );
  },
});

Deno.test("CLIENT_REQ carries the client's frame and who is logged in", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  const big = 2n ** 62n + 1n;
  await worker.send(login(created, big, -5));
  await client.write({ cmd: 7, sn: 8, body: "hi" });
  const request = await worker.pull(TaskCmd.CLIENT_REQ);
  assertEquals([request.uid, request.userdata], [big, -5]);
  const box = Box.fromFrame(request.body);
  assertEquals([box.cmd, box.sn, box.text()], [7, 8, "hi"]);
});

Deno.test("CLIENT_CLOSED comes last, with uid and userdata as they were", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await worker.send(login(created, 7, 9));
  for (const sn of [1, 2]) await client.write({ cmd: 1, sn });
  await gateway.until((stats) => stats.clientFrames === 2);
  client.close();
  for (const sn of [1, 2]) {
    const request = await worker.pull(TaskCmd.CLIENT_REQ);
    assertEquals(Box.fromFrame(request.body).sn, sn);
  }
  const closed = await worker.pull(TaskCmd.CLIENT_CLOSED);
  assertEquals(
    [closed.connId, closed.tag, closed.uid, closed.userdata],
    [created.connId, created.tag, 7, 9],
  );
  assertEquals(closed.body.length, 0);
  assertEquals(gateway.gateway.stats().users, 0);
});

Deno.test("WRITE_TO_WORKER becomes a task for a worker, flagged inner, fields as sent", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = await gateway.attach();
  const body = new Box({ cmd: 3, body: "from outside" }).pack();
  const fields = { uid: -3, userdata: 2n ** 55n, custom: -(2n ** 63n) };
  const init = { cmd: TaskCmd.WRITE_TO_WORKER, body, ...fields };
  await trigger.send(init);
  // And from a worker.
  await worker.send(init);
  for (let i = 0; i < 2; i++) {
    const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
    const { uid, userdata, custom } = task;
    assertEquals({ uid, userdata, custom }, fields);
    assertEquals([task.flags, task.body], [TaskFlag.INNER, body]);
  }
});

Deno.test("WRITE_TO_WORKER may name a client, and the worker can answer it", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  await worker.send(created.map({
    cmd: TaskCmd.WRITE_TO_WORKER,
    body: new Box({ cmd: 3 }).pack(),
  }));
  const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
  await worker.answer(task, "for you");
  assertEquals(await textRead(client), "for you");
});

Deno.test("WORKER_ASK_FOR_TASK is one credit for one task", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = await gateway.attach();
  const send = () => trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  for (let i = 0; i < 3; i++) await send();
  await gateway.until((stats) => stats.queued === 3);
  for (let i = 0; i < 2; i++) await worker.askExplicitly();
  const tasks = [await worker.next(), await worker.next()];
  assertEquals(tasks.map((task) => task?.cmd), [100, 100]);
  await worker.askExplicitly();
  await worker.askExplicitly();
  const third = await worker.expect(TaskCmd.WRITE_TO_WORKER);
  await gateway.until((stats) =>
    stats.idleCredits === 1 && stats.inHand === 3 && stats.queued === 0
  );
  await worker.askExplicitly(third);
  await gateway.until((stats) => stats.acknowledged === 1);
  await worker.ask();
  await gateway.until((stats) => stats.acknowledged === 2);
  assertEquals(gateway.gateway.stats().inHand, 1);
});

Deno.test("CLEAR_CLIENT_TASKS for no client takes a worker's asks back and is echoed", async () => {
  await using gateway = await GatewayFixture.start();
  await using leaving = await gateway.attach();
  await using trigger = await gateway.attach();
  for (let i = 0; i < 3; i++) await leaving.askExplicitly();
  await gateway.until((stats) => stats.idleCredits === 3);
  await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  const held = await leaving.expect(TaskCmd.WRITE_TO_WORKER);
  await leaving.send({ cmd: TaskCmd.CLEAR_CLIENT_TASKS });
  await leaving.expect(TaskCmd.CLEAR_CLIENT_TASKS);
  assertEquals(gateway.gateway.stats().idleCredits, 0);
  // From now on an ASK only acknowledges.
  await leaving.askExplicitly(held);
  await gateway.until((stats) => stats.acknowledged === 1);
  await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  await using other = await gateway.attach();
  await other.pull(TaskCmd.WRITE_TO_WORKER);
  assertEquals(gateway.gateway.stats().idleCredits, 0);
});

Deno.test("an unknown command is counted, logged and ignored", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  for (const cmd of [0, 99, -1, TaskCmd.CLIENT_REQ]) await worker.send({ cmd });
  const [client] = await connectSeen(gateway, worker);
  await client[Symbol.asyncDispose]();
  assertEquals(gateway.gateway.stats().badCommands, 4);
  await gateway.log.line(/WARN .* sent the unknown command 99; it is ignored/);
});

Deno.test("a body that cannot be read is counted, logged and ignored", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const body = new Uint8Array([0x0a, 0xff, 0x01]);
  await worker.send({ cmd: TaskCmd.WRITE_TO_USERS, body });
  await worker.send({ cmd: TaskCmd.CLOSE_USERS, body });
  const [client] = await connectSeen(gateway, worker);
  await client[Symbol.asyncDispose]();
  assertEquals(gateway.gateway.stats().badCommands, 2);
  await gateway.log.line(/WARN .* sent command 230, which is ignored: /);
  await gateway.log.line(/WARN .* sent command 250, which is ignored: /);
});
