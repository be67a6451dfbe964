// The life of a worker in one process: attach, run, close.

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type Worker, WorkerError } from "@maple/worker";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import {
  addressOf,
  call,
  Door,
  echo,
  WorkerFixture,
} from "./worker_fixture.ts";

Deno.test("Worker.attach() rejects on a worker that was attached or closed before", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway);
  const again = () => worker.app.attach(addressOf(gateway));
  await assertRejects(again, WorkerError, "started before");
  await worker.app.close();
  await assertRejects(again, WorkerError, "started before");
  const unused = new WorkerFixture();
  await unused.app.close();
  await assertRejects(
    () => unused.app.attach(addressOf(gateway)),
    WorkerError,
    "started before",
  );
});

Deno.test("Worker.close() may be called often and at the same time", async () => {
  let stops = 0;
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway, {
    register: (app) => app.stopWorker(() => stops++),
  });
  const first = worker.app.close();
  assertStrictEquals(worker.app.close(), first);
  await first;
  await worker.app[Symbol.asyncDispose]();
  assertEquals(stops, 1);
  await gateway.until((stats) => stats.innerLinks === 0);
});

Deno.test("Worker.close() ends an attach() whose gateway is away", async () => {
  const away = freePort();
  const events: string[] = [];
  const worker = new WorkerFixture({
    register: (app) => {
      app.startWorker(() => events.push("start"));
      app.stopWorker(() => events.push("stop"));
    },
  });
  const attached = worker.app.attach({ port: away });
  await worker.log.line(/cannot reach gateway/);
  await worker.app.close();
  await attached;
  assertEquals(events, ["start", "stop"]);
});

Deno.test("Worker.close() during the startWorker hooks waits for them and attaches to nothing", async () => {
  const events: string[] = [];
  const door = new Door();
  await using gateway = await GatewayFixture.start();
  const worker = new WorkerFixture({
    register: (app) => {
      app.startWorker(async () => {
        await door.pass();
        events.push("start");
      });
      app.stopWorker(() => events.push("stop"));
      app.repeatTimer(0.001)(() => events.push("timer"));
      app.openConn(() => events.push("open"));
    },
  });
  const attached = worker.app.attach(addressOf(gateway));
  await eventually(() => door.arrived === 1);
  const closed = worker.app.close();
  // Meanwhile other things go on.
  await using _client = await gateway.connect();
  assertEquals(events, []);
  door.open();
  await closed;
  await attached;
  assertEquals(events, ["start", "stop"]);
  assertEquals(gateway.gateway.stats().innerLinks, 0);
});

Deno.test("Worker.attach() ends when its signal is aborted", async () => {
  const abort = new AbortController();
  const stopped = Promise.withResolvers<void>();
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    attach: { signal: abort.signal },
    register: (app) => app.stopWorker(() => stopped.resolve()),
  });
  abort.abort();
  await stopped.promise;
  await gateway.until((stats) => stats.innerLinks === 0);
});

for (
  const [how, end] of [
    ["aborts its signal", (_: Worker, abort: AbortController) => abort.abort()],
    ["closes it", (app: Worker) => void app.close()],
  ] as const
) {
  Deno.test(`Worker.attach() ends in order when a startWorker hook ${how}`, async () => {
    const abort = new AbortController();
    const events: string[] = [];
    await using gateway = await GatewayFixture.start();
    await using worker = new WorkerFixture({
      register: (app) => {
        app.startWorker(async () => {
          end(app, abort);
          await new Promise((resolve) => setTimeout(resolve));
          events.push("start");
        });
        app.stopWorker(() => events.push("stop"));
      },
    });
    const { signal } = abort;
    await worker.app.attach({ ...addressOf(gateway), signal });
    await worker.app.close();
    assertEquals(events, ["start", "stop"]);
    assertEquals(gateway.gateway.stats().innerLinks, 0);
  });
}

Deno.test("Worker knows that it is the first, and only, one while it works", async () => {
  const seen: [number, boolean][] = [];
  await using gateway = await GatewayFixture.start();
  await using worker = new WorkerFixture({
    register: (app) => {
      const look = () => seen.push([app.workerIndex, app.isFirst]);
      look();
      app.startWorker(look);
      app.stopWorker(look);
    },
  });
  await worker.app.attach(addressOf(gateway));
  await worker.app.close();
  assertEquals(seen, [[0, false], [1, true], [1, false]]);
});

Deno.test("Worker.attach() rejects when its signal is aborted already", async () => {
  const worker = new WorkerFixture();
  const signal = AbortSignal.abort(new Error("not today"));
  await assertRejects(() => worker.app.attach({ signal }), Error, "not today");
});

Deno.test("Worker.run() with workers 0 works in this process until it is aborted", async () => {
  const abort = new AbortController();
  await using gateway = await GatewayFixture.start();
  const { host, port } = addressOf(gateway);
  const worker = new WorkerFixture({ register: echo });
  const { signal } = abort;
  const running = worker.app.run(host, port, { workers: 0, signal });
  await using client = await gateway.connect();
  assertEquals((await call(client, { cmd: 1, body: "x" })).text(), "x");
  abort.abort();
  await running;
  await gateway.until((stats) => stats.innerLinks === 0);
});

Deno.test("Worker.run() with workers 0 ends at once when its signal is aborted already", async () => {
  const worker = new WorkerFixture();
  await worker.app.run({ workers: 0, signal: AbortSignal.abort() });
});

Deno.test("Worker.run() with child processes says that a test cannot have them", async () => {
  await assertRejects(
    () => new WorkerFixture().app.run({ workers: 1 }),
    WorkerError,
    'Cannot start child processes from "deno test": use workers: 0 there',
  );
});
