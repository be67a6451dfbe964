// Every row of the Task table: what a gateway does with each command, on real sockets.

import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  Box,
  type BoxFields,
  encodeCloseUsers,
  encodeRspToUsers,
  type Int64,
  type Task,
  TaskCmd,
  TaskFlag,
  type TcpClient,
  type UserMessage,
} from "@maple/box";

import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import type { RawWorker } from "../helpers/raw_worker.ts";

type Client = TcpClient<BoxFields>;

// Connects a client and takes the task that tells of it.
async function connectSeen(
  gateway: GatewayFixture,
  worker: RawWorker,
): Promise<[Client, Task]> {
  const client = await gateway.connect();
  return [client, await worker.pull(TaskCmd.CLIENT_CREATED)];
}

async function textRead(client: Client): Promise<string | undefined> {
  return (await client.read())?.text();
}

function row(
  text: string,
  uids: Int64[],
  userdata: Int64 = 0,
  exclude: Int64[] = [],
): UserMessage {
  return { buf: new Box({ body: text }).pack(), uids, userdata, exclude };
}

function login(created: Task, uid: Int64, userdata: Int64 = 0): Task {
  return created.map({ cmd: TaskCmd.LOGIN_CLIENT, uid, userdata });
}

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
  await gateway.until((stats) => stats.clients === 0);
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

Deno.test("WRITE_TO_CLIENT sends the body as it is, from a worker and from a trigger", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  await worker.answer(created, new Box({ body: "from the worker" }).pack());
  assertEquals(await textRead(client), "from the worker");
  await trigger.answer(created, new Box({ body: "from outside" }).pack());
  assertEquals(await textRead(client), "from outside");
  const { answers, answerBytes } = gateway.gateway.stats();
  assertEquals([answers, answerBytes], [2, 24 * 2 + 15 + 12]);
});

Deno.test("WRITE_TO_USERS reaches users, special uids, masks and not the excluded", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, createdA] = await connectSeen(gateway, worker);
  const [b, createdB] = await connectSeen(gateway, worker);
  const [c] = await connectSeen(gateway, worker);
  await using _a = a, _b = b, _c = c;
  const high = 2n ** 60n;
  await worker.send(login(createdA, 1, 0b01));
  await worker.send(login(createdB, 2, high + 1n));
  await worker.send({
    cmd: TaskCmd.WRITE_TO_USERS,
    body: encodeRspToUsers([
      row("to 1", [1]),
      row("to both", [2, 1, 2]),
      row("logged in", [-1]),
      row("all", [-2]),
      row("not logged in", [-3]),
      row("masked", [-2], high),
      row("all but 1", [-2], 0, [1]),
      row("nobody", [99]),
      row("end", [-2]),
    ]),
  });
  const readToEnd = async (client: Client) => {
    const texts: string[] = [];
    for (;;) {
      const text = await textRead(client);
      if (text === "end" || text === undefined) return texts;
      texts.push(text);
    }
  };
  assertEquals(await readToEnd(a), ["to 1", "to both", "logged in", "all"]);
  assertEquals(await readToEnd(b), [
    "to both",
    "logged in",
    "all",
    "masked",
    "all but 1",
  ]);
  assertEquals(await readToEnd(c), ["all", "not logged in", "all but 1"]);
  const { userMessages, userDeliveries } = gateway.gateway.stats();
  assertEquals([userMessages, userDeliveries], [9, 4 + 5 + 3 + 3]);
});

Deno.test("CLOSE_CLIENT closes that client", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, created] = await connectSeen(gateway, worker);
  const [b, other] = await connectSeen(gateway, worker);
  await using _a = a, _b = b;
  await worker.send(created.map({ cmd: TaskCmd.CLOSE_CLIENT }));
  assertEquals(await a.read(), null);
  const closed = await worker.pull(TaskCmd.CLIENT_CLOSED);
  assertEquals(closed.connId, created.connId);
  await worker.answer(other, new Box({ body: "still here" }).pack());
  assertEquals(await textRead(b), "still here");
  assertEquals(gateway.gateway.stats().clientsClosed.local, 1);
});

Deno.test("CLOSE_CLIENT lets the client receive the last message", async () => {
  await using gateway = await GatewayFixture.start({ clientQueueMax: 4 });
  await using worker = await gateway.attach();
  const body = new Uint8Array(300_000).fill(7);
  for (let round = 0; round < 20; round++) {
    const [client, created] = await connectSeen(gateway, worker);
    await using _ = client;
    // What the client still sends must not reset the connection under the message.
    const noise = client.writeBytes(new Uint8Array(50_000 * 24).map(
      (_, i) => FRAME[i % 24]!,
    )).catch(() => {});
    await worker.answer(created, new Box({ body }).pack());
    await worker.send(created.map({ cmd: TaskCmd.CLOSE_CLIENT }));
    assertEquals((await client.read())?.body, body);
    assertEquals(await client.read(), null);
    await noise;
    for (;;) {
      await worker.ask();
      if ((await worker.next())?.cmd === TaskCmd.CLIENT_CLOSED) break;
    }
  }
});

const FRAME = new Box().pack();

Deno.test("CLOSE_USERS closes who is selected", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, createdA] = await connectSeen(gateway, worker);
  const [b, createdB] = await connectSeen(gateway, worker);
  const [c] = await connectSeen(gateway, worker);
  await using _a = a, _b = b, _c = c;
  await worker.send(login(createdA, 1, 0b01));
  await worker.send(login(createdB, 2, 0b11));
  const close = (uids: Int64[], userdata: Int64, exclude: Int64[]) =>
    worker.send({
      cmd: TaskCmd.CLOSE_USERS,
      body: encodeCloseUsers({ uids, userdata, exclude }),
    });
  await close([-1], 0b01, [1]);
  assertEquals(await b.read(), null);
  await close([-2], 0b01, []);
  assertEquals(await a.read(), null);
  await gateway.until((stats) => stats.clients === 1);
  await close([-2], 0, []);
  assertEquals(await c.read(), null);
});

Deno.test("LOGIN_CLIENT moves a user from another connection, which is as if logged out", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, createdA] = await connectSeen(gateway, worker);
  const [b, createdB] = await connectSeen(gateway, worker);
  await using _a = a, _b = b;
  await worker.send(login(createdA, 7, 3));
  await worker.send(login(createdB, 7, 5));
  await worker.send({
    cmd: TaskCmd.WRITE_TO_USERS,
    body: encodeRspToUsers([row("for 7", [7]), row("end", [-2])]),
  });
  assertEquals([await textRead(a), await textRead(b)], ["end", "for 7"]);
  a.close();
  const closedA = await worker.pull(TaskCmd.CLIENT_CLOSED);
  assertEquals([closedA.uid, closedA.userdata], [0, 0]);
  await b.write({ cmd: 1 });
  const request = await worker.pull(TaskCmd.CLIENT_REQ);
  assertEquals([request.uid, request.userdata], [7, 5]);
});

Deno.test("LOGIN_CLIENT wants a positive uid", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  for (const uid of [0, -1, -(2n ** 60n)]) {
    await worker.send(login(created, uid));
  }
  await client.write({ cmd: 1 });
  assertEquals((await worker.pull(TaskCmd.CLIENT_REQ)).uid, 0);
  assertEquals(gateway.gateway.stats().badCommands, 3);
  await gateway.log.line(/WARN worker .* sent a login with uid -1;/);
});

Deno.test("LOGOUT_CLIENT unbinds the user", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  await worker.send(login(created, 7, 3));
  await worker.send(created.map({ cmd: TaskCmd.LOGOUT_CLIENT }));
  await client.write({ cmd: 1 });
  const request = await worker.pull(TaskCmd.CLIENT_REQ);
  assertEquals([request.uid, request.userdata], [0, 0]);
  assertEquals(gateway.gateway.stats().users, 0);
});

Deno.test("CLEAR_CLIENT_TASKS drops the requests of that client that wait", async () => {
  for (const order of ["client", "none"] as const) {
    await using gateway = await GatewayFixture.start({ order });
    await using worker = await gateway.attach();
    const [a, created] = await connectSeen(gateway, worker);
    const [b] = await connectSeen(gateway, worker);
    await using _a = a, _b = b;
    for (const sn of [1, 2, 3]) await a.write({ cmd: 1, sn });
    await gateway.until((stats) => stats.clientFrames === 3);
    await b.write({ cmd: 1, sn: 9 });
    await gateway.until((stats) => stats.clientFrames === 4);
    const held = await worker.pull(TaskCmd.CLIENT_REQ);
    assertEquals(Box.fromFrame(held.body).sn, 1);
    await worker.send(created.map({ cmd: TaskCmd.CLEAR_CLIENT_TASKS }));
    const next = await worker.pull(TaskCmd.CLIENT_REQ);
    assertEquals(Box.fromFrame(next.body).sn, 9);
    assertEquals(gateway.gateway.stats().cleared, 2);
    // Later ones come as ever.
    await a.write({ cmd: 1, sn: 4 });
    const later = await worker.pull(TaskCmd.CLIENT_REQ);
    assertEquals(Box.fromFrame(later.body).sn, 4);
  }
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

Deno.test("a frame whose conn_id or tag is of no live connection is dropped", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  const strays = [
    { tag: created.tag === 1 ? 2 : created.tag - 1 },
    { tag: 0 },
    { connId: Number(created.connId) + 1 },
    { connId: 2n ** 62n },
  ];
  const cmds = [
    TaskCmd.WRITE_TO_CLIENT,
    TaskCmd.CLOSE_CLIENT,
    TaskCmd.LOGIN_CLIENT,
    TaskCmd.LOGOUT_CLIENT,
    TaskCmd.CLEAR_CLIENT_TASKS,
  ];
  for (const stray of strays) {
    for (const cmd of cmds) {
      await worker.send(
        created.map({ cmd, uid: 7, body: FRAME, ...stray }),
      );
    }
  }
  await worker.answer(created, new Box({ body: "the first" }).pack());
  assertEquals(await textRead(client), "the first");
  const stats = gateway.gateway.stats();
  assertEquals([stats.unknownClient, stats.users, stats.clients], [20, 0, 1]);
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
