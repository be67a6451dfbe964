// What a handler is told of what became of what it had the gateway do, and of its questions.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { TaskCmd } from "@maple/box";
import { receiptFor } from "@maple/box/internal";
import { type Worker, WorkerError } from "@maple/worker";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import { within } from "../helpers/within.ts";
import { call, next, WorkerFixture } from "./worker_fixture.ts";

/** Logs a client in by cmd 1, whose sn is the uid. */
function logins(app: Worker): void {
  app.route(1, (request) => {
    request.loginClient(request.box.sn);
    return { ret: 0 };
  });
}

Deno.test("request and app tell what became of messages to users and of their closing", async () => {
  await using gateway = await GatewayFixture.start();
  const told: unknown[] = [];
  await using worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      logins(app);
      app.route(2, async (request) => {
        const rows = [[[5, 6], { body: "hi" }]] as const;
        told.push(await request.writeToUsers(rows, { receipt: true }));
        told.push(await app.writeToUsers(rows, { receipt: true }));
        told.push(app.writeToUsers(rows));
        told.push(
          await request.closeUsers([5, 7], 0, [], { receipt: true }),
          await app.closeUsers([5], 0, [], { receipt: true }),
        );
        return { ret: 0 };
      });
    },
  });
  await using one = await gateway.connect();
  await using two = await gateway.connect();
  await call(one, { cmd: 1, sn: 5 });
  await call(two, { cmd: 2 });
  assertEquals(told, [
    { delivered: 1, offline: [6], complete: true },
    { delivered: 1, offline: [6], complete: true },
    true,
    { delivered: 1, offline: [7], complete: true },
    { delivered: 0, offline: [5], complete: true },
  ]);
  for (let i = 0; i < 3; i++) assertEquals((await next(one)).text(), "hi");
  assertEquals(await one.read(), null);
  assertEquals(worker.log.complaints, []);
});

Deno.test("a task for a worker is taken when the queue has it; what a handler sends stays in order", async () => {
  await using gateway = await GatewayFixture.start();
  const seen: unknown[] = [];
  await using _worker = await WorkerFixture.attach(gateway, {
    attach: { concurrency: 4 },
    register: (app) => {
      app.route(1, async (request) => {
        // None of them waits for what is told of the one before.
        const first = request.writeToUsers([[[-2], { body: "first" }]], {
          receipt: true,
        });
        request.writeToUsers([[[-2], { body: "second" }]]);
        const task = request.writeToWorker(
          { cmd: 2 },
          { custom: 9 },
          { receipt: true },
        );
        const anywhere = app.writeToWorker({ cmd: 2 }, {}, { receipt: true });
        await request.reply({ body: "third" });
        seen.push((await first).delivered, await task, await anywhere);
      });
      app.route(2, (request) => {
        seen.push(`custom ${request.custom}`);
      });
    },
  });
  await using client = await gateway.connect();
  await client.write({ cmd: 1 });
  for (const text of ["first", "second", "third"]) {
    assertEquals((await next(client)).text(), text);
  }
  await gateway.until(({ acknowledged }) => acknowledged === 4);
  assertEquals(seen.filter((one) => typeof one === "string").sort(), [
    "custom 0",
    "custom 9",
  ]);
  assertEquals(seen.filter((one) => typeof one !== "string"), [
    1,
    { taken: true },
    { taken: true },
  ]);
});

Deno.test("questions of request and app: who is there, over all gateways", async () => {
  await using first = await GatewayFixture.start();
  await using second = await GatewayFixture.start();
  const told: unknown[] = [];
  await using _worker = await WorkerFixture.attach([first, second], {
    attach: { concurrency: 4 },
    register: (app) => {
      logins(app);
      app.route(2, async (request) => {
        told.push(await request.online([9, 6, 5]), await app.online([5]));
        told.push(await request.users(), await app.users({ after: 5 }));
        told.push(await request.groupSize("none"));
        told.push(await app.groupMembers("none"));
        told.push(
          await app.writeToUsers([[[5, 6, 9], {}]], { receipt: true }),
        );
        return { ret: 0 };
      });
    },
  });
  await using one = await first.connect();
  await using two = await second.connect();
  await call(one, { cmd: 1, sn: 5 });
  await call(two, { cmd: 1, sn: 6 });
  await one.write({ cmd: 2 });
  const boxes = [await next(one), await next(one)];
  assertEquals(boxes.map(({ cmd }) => cmd).sort(), [0, 2]);
  assertEquals(told, [
    [6, 5],
    [5],
    [5, 6],
    [6],
    0,
    [],
    { delivered: 2, offline: [9], complete: true },
  ]);
});

Deno.test("a gateway that gives no receipts says so at once; one that is away too", async () => {
  using played = new PlayedGateway();
  const worker = new WorkerFixture();
  const nobody = await assertRejects(
    () => worker.app.online([1]),
    WorkerError,
  );
  assertEquals(nobody.message, "Cannot send: no gateway is there");
  const attaching = worker.app.attach({
    gateways: [{ host: "127.0.0.1", port: played.port }],
    concurrency: 1,
  });
  await using original = await played.accept();
  await original.expect(TaskCmd.WORKER_ASK_FOR_TASK);
  await attaching;
  const calls: Promise<unknown>[] = [
    worker.app.users(),
    worker.app.writeToUsers([[[1], {}]], { receipt: true }),
    worker.app.writeToWorker({}, {}, { receipt: true }),
  ];
  for (const call of calls) {
    await assertRejects(() => call, WorkerError, "gives no receipts");
  }
  original.close();
  await worker.app.close();
});

Deno.test("a receipt that does not come: the connection is lost, time is over, a signal is aborted", async () => {
  using played = new PlayedGateway();
  const worker = new WorkerFixture();
  const attaching = worker.app.attach({
    gateways: [{ host: "127.0.0.1", port: played.port }],
    concurrency: 1,
  });
  const gateway = await played.accept({ greets: false });
  await gateway.greet({ receipts: true });
  await gateway.expect(TaskCmd.WORKER_ASK_FOR_TASK);
  await attaching;
  const stop = new AbortController();
  const { signal } = stop;
  const aborted = worker.app.users({ signal });
  const late = worker.app.users();
  const answered = worker.app.online([7]);
  await gateway.expect(TaskCmd.QUERY);
  await gateway.expect(TaskCmd.QUERY);
  const question = await gateway.expect(TaskCmd.QUERY);
  await gateway.sendBytes(receiptFor(question.pack(), { online: [7] }));
  assertEquals(await answered, [7]);
  stop.abort(new Error("enough"));
  await assertRejects(() => aborted, Error, "enough");
  await assertRejects(() => late, WorkerError, "no answer within 2 s");
  const lost = worker.app.writeToUsers([[[1], {}]], { receipt: true });
  await gateway.expect(TaskCmd.WRITE_TO_USERS);
  gateway.close();
  const error = await within(
    assertRejects(() => lost, WorkerError),
    "the end of the call",
  );
  assert(/was lost: it may have been done/.test(error.message), error.message);
  await worker.app.close();
});

Deno.test("a handler may send with receipts inside a chain of its client's requests", async () => {
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, async (request) => {
        const { delivered } = await request.writeToUsers([[[-2], {
          cmd: 9,
          sn: request.box.sn,
        }]], { receipt: true });
        return { ret: delivered };
      });
    },
  });
  await using client = await gateway.connect();
  for (let sn = 1; sn <= 50; sn++) await client.write({ cmd: 1, sn });
  for (let sn = 1; sn <= 50; sn++) {
    const message = await next(client);
    assertEquals([message.cmd, message.sn], [9, sn]);
    const answer = await next(client);
    assertEquals([answer.cmd, answer.sn, answer.ret], [1, sn, 1]);
  }
});
