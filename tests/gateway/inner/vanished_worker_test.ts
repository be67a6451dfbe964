// Workers that vanish without closing their connection, and answers of workers that are lost before
// they acknowledge.

import { assert, assertEquals } from "@std/assert";
import { Box, Task, TaskCmd, TaskFlag } from "@maple/box";
import { Worker } from "@maple/worker";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";

/** Takes tasks until one is a request; pings on the way are left without an answer. */
async function silentRequest(worker: RawWorker): Promise<Task> {
  for (;;) {
    const task = await worker.next();
    if (task?.cmd === TaskCmd.CLIENT_REQ) return task;
    assert(task !== null);
  }
}

Deno.test("Gateway takes a worker that answers no ping for lost, and gives its tasks to others", async () => {
  await using gateway = await GatewayFixture.start({ workerTimeout: 0.3 });
  await using client = await gateway.connect();
  await using vanished = await gateway.attach();
  await vanished.askExplicitly();
  await vanished.askExplicitly();
  const created = await vanished.expect(TaskCmd.CLIENT_CREATED);
  await vanished.askExplicitly(created);
  await client.write({ cmd: 1, sn: 1 });
  await silentRequest(vanished);
  await gateway.until((stats) => stats.workers === 0);
  await gateway.log.line(/WARN worker .*no sign of life.*workerTimeout/);
  await using heir = await gateway.attach();
  const again = await heir.pull(TaskCmd.CLIENT_REQ);
  assert(again.redelivered);
  await heir.answer(again, "served");
  assertEquals((await client.read())?.text(), "served");
});

Deno.test("Gateway pings only workers that acknowledge by delivery id, and keeps those that answer", async () => {
  await using gateway = await GatewayFixture.start({ workerTimeout: 0.15 });
  await using original = await gateway.attach();
  await original.ask();
  await using ours = await gateway.attach();
  await ours.askExplicitly();
  for (let pings = 0; pings < 9; pings++) {
    const ping = await ours.expect(TaskCmd.LOGOUT_CLIENT);
    assertEquals([ping.connId, ping.tag, ping.custom], [0, 0, 50]);
    await ours.send(ping);
  }
  assertEquals(gateway.gateway.stats().workers, 2);
  assertEquals(gateway.gateway.stats().badCommands, 0);
  await using _client = await gateway.connect();
  // The first frame that the original one gets is a task.
  await original.expect(TaskCmd.CLIENT_CREATED);
});

Deno.test("Worker answers pings", async () => {
  await using gateway = await GatewayFixture.start({ workerTimeout: 0.6 });
  await using app = new Worker(Box, { logger: gateway.log });
  app.route(1, (request) => request.writeToClient({ body: "here" }));
  const { hostname: host, port } = gateway.inner;
  await app.attach({ host, port });
  await using other = await gateway.attach();
  await other.askExplicitly();
  // The other one, which is silent, is lost; the worker is not.
  await gateway.until((stats) => stats.workers === 1);
  await using client = await gateway.connect();
  await client.write({ cmd: 1, sn: 1 });
  assertEquals((await client.read())?.text(), "here");
});

Deno.test("Worker connects anew when the gateway's pings stop coming", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using gateway = await GatewayFixture.start();
  await using app = new Worker(Box, { logger: gateway.log });
  const attached = app.attach({ port: listener.addr.port });
  const first = await listener.accept();
  await attached;
  await first.write(
    new Task({ cmd: TaskCmd.LOGOUT_CLIENT, custom: 20 }).pack(),
  );
  // Nothing more comes by this connection, and it is not closed.
  const second = await listener.accept();
  await gateway.log.line(/WARN lost gateway .*no sign of life/);
  first.close();
  second.close();
});

Deno.test("Gateway does not hand out again what a lost worker has answered by delivery id", async () => {
  await using gateway = await GatewayFixture.start({ order: "none" });
  await using client = await gateway.connect();
  const lost = await gateway.attach();
  for (let asks = 0; asks < 3; asks++) await lost.askExplicitly();
  await lost.expect(TaskCmd.CLIENT_CREATED);
  client.write({ cmd: 1, sn: 1 });
  client.write({ cmd: 1, sn: 2 });
  await lost.expect(TaskCmd.CLIENT_REQ);
  const second = await lost.expect(TaskCmd.CLIENT_REQ);
  const answer = Box.fromFrame(second.body).map({ body: "second" }).pack();
  await lost.send(
    second.map({
      cmd: TaskCmd.WRITE_TO_CLIENT,
      ret: second.ret,
      body: answer,
    }),
  );
  assertEquals((await client.read())?.sn, 2);
  await lost[Symbol.asyncDispose]();
  await gateway.until((stats) => stats.workers === 0);
  await using heir = await gateway.attach();
  await heir.pull(TaskCmd.CLIENT_CREATED);
  const again = await heir.pull(TaskCmd.CLIENT_REQ);
  assertEquals(Box.fromFrame(again.body).sn, 1);
  assertEquals(again.flags & TaskFlag.REDELIVERED, TaskFlag.REDELIVERED);
  assertEquals(gateway.gateway.stats().queued, 0);
});
