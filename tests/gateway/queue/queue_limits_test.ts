// The limits that hold everybody up: the queue, and the connections of workers and triggers.

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";

Deno.test("queueMax stops reading and accepting clients, then all goes on and nothing is lost", async () => {
  await using gateway = await GatewayFixture.start({ queueMax: 10 });
  const CLIENTS = 3;
  const FRAMES = 40;
  await using a = await gateway.connect();
  await using b = await gateway.connect();
  await using c = await gateway.connect();
  const clients = [a, b, c];
  await gateway.until((stats) => stats.clients === CLIENTS);
  for (const client of clients) {
    for (let sn = 0; sn < FRAMES; sn++) await client.write({ cmd: 1, sn });
  }
  await gateway.until((stats) => stats.queued >= 10);
  // The accept that was under way still gets one in, the others wait outside.
  await using d = await gateway.connect();
  await gateway.until((stats) => stats.clients === CLIENTS + 1);
  await using e = await gateway.connect();
  await using f = await gateway.connect();
  for (const client of [d, e, f]) await client.write({ cmd: 2 });
  // Messages do not wait at the queue: a round of them shows that the gateway has turned meanwhile.
  await using trigger = await gateway.attach();
  const { hostname } = gateway.inner;
  assertEquals(hostname, "127.0.0.1");
  await trigger.ask();
  assertEquals((await trigger.next())?.cmd, TaskCmd.CLIENT_CREATED);
  const full = gateway.gateway.stats();
  assertEquals([full.clients, full.clientFrames], [
    CLIENTS + 1,
    10 - CLIENTS,
  ]);
  await trigger[Symbol.asyncDispose]();
  await using _worker = await gateway.attachEcho();
  for (const client of clients) {
    for (let sn = 0; sn < FRAMES; sn++) {
      assertEquals((await client.read())?.sn, sn);
    }
  }
  for (const client of [d, e, f]) assertEquals((await client.read())?.cmd, 2);
  // Room for one that is accepted, and the redelivered one.
  assertLessOrEqual(gateway.gateway.stats().queuedPeak, 12);
});

Deno.test("queueBytes stops reading clients as queueMax does", async () => {
  await using gateway = await GatewayFixture.start({ queueBytes: 100_000 });
  await using client = await gateway.connectRaw();
  const frame = new Box({ cmd: 1, body: new Uint8Array(9_900) }).pack();
  const sending = (async () => {
    for (let i = 0; i < 50; i++) await client.sendBytes(frame);
  })();
  // 76 of CREATED, 10,000 for each request.
  await gateway.until((stats) => stats.queuedBytes === 100_076);
  await using other = await gateway.connect();
  await gateway.until((stats) => stats.clients === 2);
  assertEquals(gateway.gateway.stats().clientFrames, 10);
  await using _worker = await gateway.attachEcho();
  for (let i = 0; i < 50; i++) {
    assertEquals(await client.nextFrame(), frame);
  }
  await sending;
  await other.write({ cmd: 1 });
  assert(await other.read());
});

Deno.test("queueMax stops reading a trigger, then it goes on and nothing is lost", async () => {
  await using gateway = await GatewayFixture.start({ queueMax: 10 });
  await using trigger = await gateway.attach();
  for (let custom = 0; custom < 100; custom++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom });
  }
  await gateway.until((stats) => stats.queued === 10);
  await using worker = await gateway.attach();
  for (let custom = 0; custom < 100; custom++) {
    const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
    assertEquals(task.custom, custom);
  }
  const { queuedPeak, innerDropped } = gateway.gateway.stats();
  assertEquals([queuedPeak, innerDropped], [10, 0]);
});

Deno.test("queueMax lets a trigger go whose connection ends while it is held", async () => {
  await using gateway = await GatewayFixture.start({ queueMax: 2 });
  await using trigger = await gateway.attach();
  for (let custom = 0; custom < 5; custom++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom });
  }
  await gateway.until((stats) => stats.queued === 2);
  trigger.close();
  await using worker = await gateway.attach();
  for (let custom = 0; custom < 5; custom++) {
    const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
    assertEquals(task.custom, custom);
  }
  await gateway.until((stats) => stats.innerLinks === 1);
});

Deno.test("queueMax twice over refuses tasks of a worker, which is read on", async () => {
  await using gateway = await GatewayFixture.start({ queueMax: 10 });
  await using worker = await gateway.attach();
  await using client = await gateway.connect();
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  for (let custom = 0; custom < 25; custom++) {
    await worker.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom });
  }
  await worker.answer(created, new Box({ body: "answered" }).pack());
  assertEquals((await client.read())?.text(), "answered");
  assertEquals(gateway.gateway.stats().innerDropped, 5);
  await gateway.log.line(/ERROR worker .* dropped, since 20 tasks wait; raise/);
  for (let custom = 0; custom < 20; custom++) {
    const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
    assertEquals(task.custom, custom);
  }
});

Deno.test("creditsMax bounds what one worker holds", async () => {
  await using gateway = await GatewayFixture.start({ creditsMax: 2 });
  await using worker = await gateway.attach();
  for (let i = 0; i < 5; i++) await worker.askExplicitly();
  await using trigger = await gateway.attach();
  await gateway.until((stats) => stats.workers === 1);
  for (let i = 0; i < 5; i++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  }
  await gateway.until((stats) => stats.queued === 3);
  assertEquals(gateway.gateway.stats().inHand, 2);
});

Deno.test("innerConnsMax closes one worker or trigger more at once", async () => {
  await using gateway = await GatewayFixture.start({ innerConnsMax: 1 });
  await using worker = await gateway.attach();
  await gateway.until((stats) => stats.innerLinks === 1);
  await using refused = await gateway.attach();
  assertEquals(await refused.next(), null);
  await gateway.log.line(/WARN .* refused: there are 1 .* innerConnsMax/);
  await using _client = await gateway.connect();
  await worker.pull(TaskCmd.CLIENT_CREATED);
  worker.close();
  await gateway.until((stats) => stats.innerLinks === 0);
  await using later = await gateway.attach();
  await using _another = await gateway.connect();
  await later.pull(TaskCmd.CLIENT_CREATED);
  assertEquals(gateway.gateway.stats().innerRefused, 1);
});

Deno.test("innerReserve keeps places for workers when triggers have taken the others", async () => {
  await using gateway = await GatewayFixture.start({
    innerConnsMax: 5,
    innerReserve: 2,
  });
  const attach = async () => {
    const { innerLinks } = gateway.gateway.stats();
    const peer = await gateway.attach();
    await gateway.until((stats) => stats.innerLinks === innerLinks + 1);
    return peer;
  };
  await using first = await attach();
  await using _second = await attach();
  await using _third = await attach();
  // It is not known yet what this is; then it is.
  await using late = await attach();
  await late.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  assertEquals(await late.next(), null);
  await gateway.log.line(/WARN .* refused: of 5 .* 2 .*\(innerReserve\)/);
  assertEquals(gateway.gateway.stats().innerRefused, 1);

  // Those that say nothing make room, the one that came first before the other.
  await using silent = await attach();
  await using alsoSilent = await attach();
  await using worker = await gateway.attach();
  assertEquals(await silent.next(), null);
  await worker.ask();
  await using other = await gateway.attach();
  assertEquals(await alsoSilent.next(), null);
  await other.ask();
  await gateway.until((stats) => stats.workers === 2);
  await using _full = await gateway.attach();
  await gateway.log.line(/WARN .* refused: there are 5 .* innerConnsMax/);

  // A place that a trigger has left is there for another one.
  await first[Symbol.asyncDispose]();
  await gateway.until((stats) => stats.innerLinks === 4);
  await using trigger = await gateway.attach();
  await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  await gateway.until((stats) => stats.delivered === 1);
  assertEquals(gateway.gateway.stats().innerLinks, 5);
});

Deno.test("innerFrameMax closes a worker that sends a longer frame", async () => {
  await using gateway = await GatewayFixture.start({
    frameMax: 1000,
    innerFrameMax: 2000,
  });
  await using trigger = await gateway.attach();
  await trigger.send({
    cmd: TaskCmd.WRITE_TO_WORKER,
    body: new Uint8Array(1924),
  });
  await gateway.until((stats) => stats.queued === 1);
  await trigger.send({
    cmd: TaskCmd.WRITE_TO_WORKER,
    body: new Uint8Array(1925),
  });
  assertEquals(await trigger.next(), null);
  await gateway.log.line(/WARN trigger .* 2001 bytes are above the limit/);
});
