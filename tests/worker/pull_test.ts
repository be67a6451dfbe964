// How many tasks a worker works on at a time, and how it tells of slow ones.

import { assertEquals, assertGreaterOrEqual, assertMatch } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import type { WorkerRequest } from "@maple/worker";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import { Door, next, WorkerFixture } from "./worker_fixture.ts";

Deno.test("Worker works on as many tasks at a time as concurrency says", async () => {
  const door = new Door();
  let running = 0;
  let most = 0;
  await using gateway = await GatewayFixture.start({ order: "none" });
  await using worker = await WorkerFixture.attach(gateway, {
    attach: { concurrency: 3 },
    register: (app) =>
      app.route(1, async (request) => {
        most = Math.max(most, ++running);
        await door.pass();
        // Not all in one turn, so that new ones come while others run.
        await new Promise((resolve) => setTimeout(resolve));
        running--;
        request.writeToClient({});
      }),
  });
  await using client = await gateway.connect();
  for (let sn = 1; sn <= 10; sn++) client.write({ cmd: 1, sn });
  await gateway.until((stats) => stats.inHand === 3 && stats.queued === 7);
  await eventually(() => running === 3);
  assertEquals(worker.app.inHand, 3);
  door.open();
  const seen = new Set<number>();
  for (let i = 0; i < 10; i++) seen.add((await next(client)).sn);
  assertEquals(seen.size, 10);
  assertEquals(most, 3);
  await gateway.until((stats) => stats.idleCredits === 3);
  assertEquals(gateway.gateway.stats().delivered, 11);
  assertEquals(worker.app.inHand, 0);
});

Deno.test("Worker asks for 64 tasks unless told otherwise", async () => {
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway);
  await gateway.until((stats) => stats.idleCredits === 64);
  assertEquals(gateway.gateway.stats().workers, 1);
});

Deno.test("Worker tells in the ASK that acknowledges how many microseconds the task took", async () => {
  using played = new PlayedGateway();
  await using worker = new WorkerFixture({
    register: (app) => {
      app.route(1, (request) => {
        const end = performance.now() + 5;
        while (performance.now() < end);
        return request.writeToClient({});
      });
      app.createClient(() => {});
    },
  });
  const { port } = played;
  const attaching = worker.app.attach({ port, concurrency: 1 });
  await using gateway = await played.accept({ greets: false });
  await attaching;
  const first = await gateway.expect(TaskCmd.WORKER_ASK_FOR_TASK);
  assertEquals(first.custom, 0);
  const body = new Box({ cmd: 1 }).pack();
  await gateway.send({ cmd: TaskCmd.CLIENT_REQ, ret: 7, connId: 1, body });
  await gateway.expect(TaskCmd.WRITE_TO_CLIENT);
  const ack = await gateway.expect(TaskCmd.WORKER_ASK_FOR_TASK);
  assertEquals(ack.ret, 7);
  assertGreaterOrEqual(Number(ack.custom), 5000);
  // The news of a client is no work of a handler.
  await gateway.send({ cmd: TaskCmd.CLIENT_CREATED, ret: 8, connId: 1 });
  const news = await gateway.expect(TaskCmd.WORKER_ASK_FOR_TASK);
  assertEquals([news.ret, news.custom], [8, 0]);
});

Deno.test("Worker logs a task that takes longer than workTimeout, once, with cmd and endpoint", async () => {
  const door = new Door();
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway, {
    attach: { workTimeout: 0.02 },
    register: (app) => {
      const wait = async (request: WorkerRequest) => {
        await door.pass();
        request.writeToClient({});
      };
      app.route(7, wait, "slow");
      app.route(9, wait, "later");
      app.route(8, (request) => request.writeToClient({}), "quick");
    },
  });
  await using client = await gateway.connect();
  await using other = await gateway.connect();
  await other.write({ cmd: 8 });
  await next(other);
  await client.write({ cmd: 7, sn: 1 });
  const line = await worker.log.line(/workTimeout/);
  assertEquals(worker.app.stats().lateTasks, 1);
  assertMatch(
    line,
    /^WARN .*cmd: 7, endpoint: slow.* takes longer than 0\.02 s \(workTimeout\)$/,
  );
  // Several looks later it still was told only once.
  await other.write({ cmd: 9, sn: 2 });
  const later = await worker.log.line(/endpoint: later.*workTimeout/);
  door.open();
  await next(client);
  await next(other);
  assertEquals(worker.log.complaints, [line, later]);
});

Deno.test("Worker logs a hook of a client that takes longer than workTimeout", async () => {
  const door = new Door();
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway, {
    attach: { workTimeout: 0.02 },
    register: (app) => app.createClient(() => door.pass()),
  });
  await using _client = await gateway.connect();
  const line = await worker.log.line(/workTimeout/);
  assertEquals(
    line,
    "WARN the createClient hook takes longer than 0.02 s (workTimeout)",
  );
  door.open();
});
