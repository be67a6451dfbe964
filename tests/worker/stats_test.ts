// What a worker counts.

import { assert, assertEquals } from "@std/assert";
import { Box, RET } from "@maple/box";
import { DURATION_BOUNDS } from "@maple/box/internal";
import { Blueprint } from "@maple/haven";
import { Worker } from "@maple/worker";
import { EndpointCounter } from "../../worker/stats.ts";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { call, Door, echo, sendBack, WorkerFixture } from "./worker_fixture.ts";

Deno.test("EndpointCounter keeps count, errors, total, longest and the histogram", () => {
  const counter = new EndpointCounter();
  for (const seconds of [0.002, 0.5, 100]) {
    counter.inHand++;
    counter.finish(seconds);
  }
  counter.inHand++;
  counter.errors++;
  const { durations, ...rest } = counter.stats();
  assertEquals(rest, {
    finished: 3,
    errors: 1,
    inHand: 1,
    seconds: 100.502,
    maxSeconds: 100,
  });
  assertEquals(durations.bounds, DURATION_BOUNDS);
  const counted = [...durations.counts.entries()].filter(([, n]) => n > 0);
  assertEquals(counted.map(([i, n]) => [DURATION_BOUNDS[i], n]), [
    [0.003, 1],
    [0.5, 1],
    [undefined, 1],
  ]);
});

Deno.test("Worker.stats() of a worker that is not attached is all zero", () => {
  const { rss, name, version, ...stats } = new Worker(Box).stats();
  assert(rss > 0 && name !== "" && version !== "");
  assertEquals(stats, {
    pid: Deno.pid,
    uptime: 0,
    loopDelay: 0,
    gateways: [],
    tasks: { client: 0, inner: 0, created: 0, closed: 0 },
    redelivered: 0,
    unknownCmds: 0,
    lateTasks: 0,
    badTasks: 0,
    unhandled: 0,
    endpoints: {},
  });
});

Deno.test("Worker.stats() counts requests, errors and what is in hand, by endpoint", async () => {
  const door = new Door();
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway, {
    attach: { name: "table" },
    register(app) {
      echo(app);
      const table = new Blueprint("table");
      table.route(2, () => {
        throw new Error("thrown at once");
      }, "throw");
      table.route(3, async () => {
        await Promise.resolve();
        throw new Error("thrown late");
      }, "throwLate");
      app.registerBlueprint(table);
      app.route(4, async (request) => {
        await door.pass();
        return await sendBack(request);
      }, "wait");
    },
  });
  const { app } = worker;
  const [name] = app.stats().gateways.map((one) => one.name);
  assertEquals(name, `127.0.0.1:${gateway.inner.port}`);
  await using client = await gateway.connect();
  for (let i = 0; i < 3; i++) await call(client, { cmd: 1 });
  assertEquals((await call(client, { cmd: 2 })).ret, RET.INTERNAL);
  assertEquals((await call(client, { cmd: 3 })).ret, RET.INTERNAL);
  assertEquals((await call(client, { cmd: 99 })).ret, RET.INVALID_CMD);
  await client.write({ cmd: 4 });
  await eventually(() => door.arrived === 1);

  const stats = app.stats();
  assertEquals(stats.name, "table");
  assert(stats.uptime > 0);
  assertEquals(stats.gateways, [{ name: name!, attached: true, inHand: 1 }]);
  assertEquals(stats.tasks, { client: 7, inner: 0, created: 1, closed: 0 });
  assertEquals(stats.unknownCmds, 1);
  const counted = (endpoint: string) => {
    const { finished, errors, inHand } = app.stats().endpoints[endpoint]!;
    return { finished, errors, inHand };
  };
  assertEquals(Object.keys(stats.endpoints).toSorted(), [
    "echo",
    "table.throw",
    "table.throwLate",
    "wait",
  ]);
  assertEquals(counted("echo"), { finished: 3, errors: 0, inHand: 0 });
  assertEquals(counted("table.throw"), { finished: 1, errors: 1, inHand: 0 });
  assertEquals(counted("table.throwLate"), {
    finished: 1,
    errors: 1,
    inHand: 0,
  });
  assertEquals(counted("wait"), { finished: 0, errors: 0, inHand: 1 });
  const { durations, seconds, maxSeconds } = stats.endpoints["echo"]!;
  assertEquals(durations.count, 3);
  assertEquals(durations.counts.reduce((sum, one) => sum + one), 3);
  assert(seconds >= maxSeconds && maxSeconds > 0);

  door.open();
  assertEquals((await client.read())?.ret, 0);
  await eventually(() => counted("wait").finished === 1);
  assertEquals(counted("wait"), { finished: 1, errors: 0, inHand: 0 });
  assertEquals(JSON.parse(JSON.stringify(stats)), stats);
});

Deno.test("Worker.stats() counts requests by endpoint in spite of hooks", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway, {
    register(app) {
      echo(app);
      app.beforeRequest((request) => {
        if (request.box.sn === 1) throw new Error("not this one");
      });
    },
  });
  await using client = await gateway.connect();
  await call(client, { cmd: 1, sn: 1 });
  await call(client, { cmd: 1, sn: 2 });
  await eventually(() => worker.app.inHand === 0);
  const { finished, errors } = worker.app.stats().endpoints["echo"]!;
  assertEquals([finished, errors], [2, 1]);
});

Deno.test("Worker.stats() counts tasks of workers, news of clients and what is no box", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway, {
    register(app) {
      echo(app);
      app.route(2, (request) => request.writeToWorker({ cmd: 1 }), "pass");
    },
  });
  {
    await using client = await gateway.connect();
    await client.write({ cmd: 2 });
    await eventually(() => worker.app.stats().tasks.inner === 1);
  }
  await eventually(() => worker.app.stats().tasks.closed === 1);
  assertEquals(worker.app.stats().tasks, {
    client: 1,
    inner: 1,
    created: 1,
    closed: 1,
  });
  await using trigger = await gateway.attach();
  await trigger.send({ cmd: 100, flags: 1, body: new Uint8Array(30) });
  await eventually(() => worker.app.stats().badTasks === 1);
  assertEquals(worker.app.stats().tasks.inner, 2);
  await eventually(() => worker.app.inHand === 0);
});

Deno.test("Worker.stats() counts tasks that were delivered before", async () => {
  await using gateway = await GatewayFixture.start();
  await using lost = await gateway.attach();
  await using client = await gateway.connect();
  // That the client came is a task as well.
  await lost.ask();
  await lost.next();
  await client.write({ cmd: 1, body: "again" });
  await lost.ask();
  await lost.next();
  lost.close();
  await using worker = await WorkerFixture.attach(gateway);
  assertEquals((await client.read())?.text(), "again");
  assertEquals(worker.app.stats().redelivered, 1);
});

Deno.test("Worker.stats() tells of a gateway that is away", async () => {
  await using there = await GatewayFixture.start();
  const away = await GatewayFixture.start();
  await away.gateway.closeNow();
  await using worker = await WorkerFixture.attach([there, away]);
  assertEquals(worker.app.stats().gateways, [
    { name: `127.0.0.1:${there.inner.port}`, attached: true, inHand: 0 },
    { name: `127.0.0.1:${away.inner.port}`, attached: false, inHand: 0 },
  ]);
});

Deno.test("Worker.stats() measures how late the event loop is, from its first call on", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway);
  assertEquals(worker.app.stats().loopDelay, 0);
  // Blocks the loop for longer than it looks.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  await eventually(() => worker.app.stats().loopDelay > 0.1);
  await worker.app.close();
  assertEquals(worker.app.stats().loopDelay, 0);
  assertEquals(worker.app.stats().uptime, 0);
});
