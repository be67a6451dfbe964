// How a worker leaves: it gets nothing more, finishes what it holds, and nothing is lost or done
// twice.

import { assert, assertEquals } from "@std/assert";
import { Box, Task, TaskCmd } from "@maple/box";
import type { Worker } from "@maple/worker";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import type { RawWorker } from "../helpers/raw_worker.ts";
import { call, Door, next, sendBack, WorkerFixture } from "./worker_fixture.ts";

function waitAt(door: Door): (app: Worker) => unknown {
  return (app) =>
    app.route(1, async (request) => {
      await door.pass();
      return await sendBack(request);
    });
}

Deno.test("Worker.close() gets no more tasks, finishes those in hand and acknowledges them", async () => {
  const door = new Door();
  await using gateway = await GatewayFixture.start({ order: "none" });
  await using leaving = await WorkerFixture.attach(gateway, {
    attach: { concurrency: 4 },
    register: waitAt(door),
  });
  await using client = await gateway.connect();
  for (let sn = 1; sn <= 2; sn++) client.write({ cmd: 1, sn });
  await eventually(() => door.arrived === 2);
  const closed = leaving.app.close();
  await gateway.until((stats) => stats.idleCredits === 0);
  for (let sn = 3; sn <= 5; sn++) client.write({ cmd: 1, sn });
  await gateway.until((stats) => stats.queued === 3);
  door.open();
  await closed;
  assertEquals(door.arrived, 2);
  const answered = [(await next(client)).sn, (await next(client)).sn];
  assertEquals(answered.toSorted(), [1, 2]);
  await gateway.until((stats) => stats.innerLinks === 0);
  const { acknowledged, redelivered, queued } = gateway.gateway.stats();
  // The client's coming is a task as well.
  assertEquals([acknowledged, redelivered, queued], [3, 0, 3]);
  await using _next = await WorkerFixture.attach(gateway, {
    register: (app) =>
      app.route(1, (request) => {
        request.writeToClient({ ret: request.redelivered ? 1 : 0 });
      }),
  });
  const rest: number[] = [];
  for (let i = 0; i < 3; i++) {
    const box = await next(client);
    assertEquals(box.ret, 0);
    rest.push(box.sn);
  }
  assertEquals(rest.toSorted(), [3, 4, 5]);
});

Deno.test("Worker.close() leaves what is not done in time to another worker", async () => {
  const door = new Door();
  const late = Promise.withResolvers<boolean>();
  await using gateway = await GatewayFixture.start();
  await using slow = await WorkerFixture.attach(gateway, {
    attach: { stopTimeout: 0.05 },
    register: (app) =>
      app.route(1, async (request) => {
        await door.pass();
        late.resolve(await request.writeToClient({ ret: 99 }));
      }),
  });
  await using client = await gateway.connect();
  await client.write({ cmd: 1, body: "again" });
  await eventually(() => door.arrived === 1);
  await slow.app.close();
  await using _next = await WorkerFixture.attach(gateway, {
    register: (app) =>
      app.route(1, (request) => {
        request.writeToClient({ ret: request.redelivered ? 1 : 0 });
      }),
  });
  assertEquals((await next(client)).ret, 1);
  door.open();
  assertEquals(await late.promise, false);
});

Deno.test("Worker.close() under load has no task done twice or lost", async () => {
  const handled: number[] = [];
  const register = (app: Worker) =>
    app.route(1, async (request) => {
      await new Promise((resolve) => setTimeout(resolve));
      handled.push(request.box.sn);
      request.writeToClient({});
    });
  await using gateway = await GatewayFixture.start();
  await using stays = await WorkerFixture.attach(gateway, { register });
  let leaving = await WorkerFixture.attach(gateway, { register });
  const clients = await Promise.all(
    Array.from({ length: 20 }, () => gateway.connect()),
  );
  await using stack = new AsyncDisposableStack();
  for (const client of clients) stack.use(client);
  const PER_CLIENT = 50;
  let done = 0;
  const work = clients.map(async (client, index) => {
    for (let i = 0; i < PER_CLIENT; i++) {
      const sn = index * PER_CLIENT + i;
      assertEquals((await call(client, { cmd: 1, sn })).sn, sn);
      done++;
    }
  });
  const total = clients.length * PER_CLIENT;
  for (let part = 1; part <= 4; part++) {
    await eventually(() => done >= total * part / 5);
    const next = await WorkerFixture.attach(gateway, { register });
    await leaving.app.close();
    leaving = next;
  }
  await Promise.all(work);
  await leaving.app.close();
  await stays.app.close();
  assertEquals(handled.length, total);
  assertEquals(new Set(handled).size, total);
  assertEquals(gateway.gateway.stats().redelivered, 0);
});

// A gateway of the original kind: no delivery ids, and it does not know the leave-taking.
async function originalGateway(
  options: { concurrency: number; register: (app: Worker) => unknown },
): Promise<
  { peer: RawWorker; worker: WorkerFixture } & AsyncDisposable
> {
  using played = new PlayedGateway();
  const worker = new WorkerFixture({ register: options.register });
  const { port } = played;
  const { concurrency } = options;
  const [peer] = await Promise.all([
    played.accept({ greets: false }),
    worker.app.attach({ port, concurrency }),
  ]);
  for (let i = 0; i < concurrency; i++) {
    const ask = await peer.expect(TaskCmd.WORKER_ASK_FOR_TASK);
    assertEquals(ask.ret, 0);
  }
  return {
    peer,
    worker,
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]();
      await worker.app.close();
    },
  };
}

function clientTask(sn: number): Task {
  const body = new Box({ cmd: 1, sn, body: "work" }).pack();
  return new Task({ cmd: TaskCmd.CLIENT_REQ, connId: 7, tag: 3, body });
}

Deno.test("Worker asks an original gateway once after each task", async () => {
  await using setup = await originalGateway({
    concurrency: 1,
    register: (app) => app.route(1, sendBack),
  });
  const { peer } = setup;
  for (let sn = 1; sn <= 3; sn++) {
    await peer.send(clientTask(sn));
    const answer = await peer.expect(TaskCmd.WRITE_TO_CLIENT);
    assertEquals([answer.connId, answer.tag], [7, 3]);
    assertEquals(Box.fromFrame(answer.body).sn, sn);
    assertEquals((await peer.expect(TaskCmd.WORKER_ASK_FOR_TASK)).ret, 0);
  }
});

Deno.test("Worker.close() leaves an original gateway in order", async () => {
  const door = new Door();
  await using setup = await originalGateway({
    concurrency: 2,
    register: waitAt(door),
  });
  const { peer, worker } = setup;
  await peer.send(clientTask(1));
  await eventually(() => door.arrived === 1);
  const closed = worker.app.close();
  // The leave-taking is a frame that an original gateway drops: it is about no client.
  const leave = await peer.expect(TaskCmd.CLEAR_CLIENT_TASKS);
  assertEquals([leave.connId, leave.tag], [0, 0]);
  // It goes on giving what it was asked for.
  await peer.send(clientTask(2));
  await eventually(() => door.arrived === 2);
  door.open();
  for (const sn of [1, 2]) {
    const answer = await peer.expect(TaskCmd.WRITE_TO_CLIENT);
    assertEquals(Box.fromFrame(answer.body).sn, sn);
  }
  // No ASK comes, which would be a wish: the end comes.
  assertEquals(await peer.next(), null);
  peer.close();
  await closed;
  assert(!worker.log.complaints.some((line) => /lost/.test(line)));
});
