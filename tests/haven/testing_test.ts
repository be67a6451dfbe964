// testClient(): the same on a haven server and on a worker, without a socket.

import { assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Box, BoxError, type BoxFields, LineBox, RET } from "@maple/box";
import { type AnyApp, GHaven, Haven, HavenError, THaven } from "@maple/haven";
import { type TestableApp, testClient } from "@maple/haven/testing";
import { Worker } from "@maple/worker";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";

type TestedApp = AnyApp & TestableApp<BoxFields> & AsyncDisposable & {
  close(): Promise<void>;
};

const kinds: Record<string, (logger: LogCollector) => TestedApp> = {
  Haven: (logger) => new Haven(Box, { logger }),
  GHaven: (logger) => new GHaven(Box, { logger }),
  THaven: (logger) => new THaven(Box, { logger }),
  Worker: (logger) => new Worker(Box, { logger }),
};

for (const [kind, make] of Object.entries(kinds)) {
  Deno.test(`testClient(${kind}): a request runs hooks and handler and gives the answer`, async () => {
    const calls: string[] = [];
    const log = new LogCollector();
    {
      await using app = make(log);
      app.startWorker(async () => {
        await Promise.resolve();
        calls.push("startWorker");
      });
      app.stopWorker(() => calls.push("stopWorker"));
      app.createClient(async ({ clientAddress }) => {
        await Promise.resolve();
        calls.push(`createClient ${clientAddress}`);
      });
      app.closeClient(({ uid }) => calls.push(`closeClient ${uid}`));
      app.beforeRequest(({ cmd }) => calls.push(`beforeRequest ${cmd}`));
      app.afterResponse((_, { ret }) => calls.push(`afterResponse ${ret}`));
      app.route(1, async (request) => {
        await Promise.resolve();
        request.loginClient(7);
        return { ret: 5, body: request.box.body };
      });
      const client = testClient(app, { address: "203.0.113.9" });
      const answer = await client.request({ cmd: 1, body: "x" });
      assertEquals([answer.cmd, answer.ret, answer.text()], [1, 5, "x"]);
      assertEquals(client.closed, false);
      await client.close();
      assertEquals(client.closed, true);
    }
    assertEquals(calls, [
      "startWorker",
      "createClient 203.0.113.9",
      "beforeRequest 1",
      "afterResponse 5",
      "closeClient 7",
      "stopWorker",
    ]);
    assertEquals(log.complaints, []);
  });

  Deno.test(`testClient(${kind}): faults are answered as by a server`, async () => {
    await using app = make(new LogCollector());
    app.route(1, () => {
      throw new Error("no luck");
    });
    app.route(2, ({ box }) => box.json<string>());
    const client = testClient(app);
    const rets: number[] = [];
    for (const cmd of [1, 2, 3]) rets.push((await client.request({ cmd })).ret);
    assertEquals(rets, [RET.INTERNAL, RET.BAD_REQUEST, RET.INVALID_CMD]);
  });

  Deno.test(`testClient(${kind}): logins, messages to users and disconnections`, async () => {
    await using app = make(new LogCollector());
    app.route(1, (request) => {
      const { uid } = request.box.json<{ uid: number }>();
      return { ret: Number(request.loginClient(uid, 3)) };
    });
    app.route(2, ({ uid, userdata }) => `${uid} ${userdata}`);
    app.route(3, (request) => {
      request.writeToUsers([[[-1], { cmd: 9, body: "all" }, 1, [12]]]);
      return { ret: 0 };
    });
    app.route(4, (request) => ({ ret: Number(request.closeUsers([11])) }));
    app.route(5, (request) => ({ ret: Number(request.logoutClient()) }));
    app.route(6, (request) => {
      request.reply({ body: "bye" });
      request.closeClient();
    });
    const [a, b, c] = [testClient(app), testClient(app), testClient(app)];
    assertEquals((await a.request({ cmd: 1, body: { uid: 11 } })).ret, 1);
    assertEquals((await b.request({ cmd: 1, body: { uid: 12 } })).ret, 1);
    assertEquals((await a.request({ cmd: 2 })).text(), "11 3");
    await c.request({ cmd: 3 });
    assertEquals((await a.read())?.text(), "all");
    assertEquals([await b.readAll(), await c.readAll()], [[], []]);
    const pushed: string[] = [];
    b.on(9, (box) => pushed.push(box.text()));
    assertEquals(app.writeToUsers([[[12], { cmd: 9, body: "b" }]]), true);
    assertEquals(pushed, ["b"]);
    // A login elsewhere moves the user.
    await c.request({ cmd: 1, body: { uid: 11 } });
    assertEquals((await a.request({ cmd: 2 })).text(), "0 0");
    await b.request({ cmd: 4 });
    await eventually(() => c.closed);
    assertEquals([a.closed, b.closed, await c.read()], [false, false, null]);
    await assertRejects(() => c.request({ cmd: 2 }), HavenError, "is closed");
    assertEquals((await b.request({ cmd: 5 })).ret, 1);
    assertEquals((await b.request({ cmd: 2 })).text(), "0 0");
    assertEquals((await a.request({ cmd: 6 })).text(), "bye");
    await eventually(() => a.closed);
    assertEquals(await a.read(), null);
  });

  Deno.test(`testClient(${kind}): receipts and questions`, async () => {
    await using app = make(new LogCollector());
    const told: unknown[] = [];
    app.route(1, (request) => {
      request.loginClient(request.box.json<number>());
      return { ret: 0 };
    });
    app.route(2, async (request) => {
      const rows = [[[11, 12], { cmd: 9, body: "hi" }]] as const;
      const { uid } = request;
      told.push(
        await request.writeToUsers(rows, { receipt: true }),
        await app.writeToUsers(rows, { receipt: true }),
        await request.online([12, 11]),
        await app.online([uid, 13]),
        await request.users(),
        await app.users({ after: 11 }),
        await request.groupSize("none"),
        await app.groupMembers("none"),
        await request.closeUsers([11, 12], 0, [], { receipt: true }),
        await app.closeUsers([12], 0, [], { receipt: true }),
      );
      return { ret: 0 };
    });
    const [a, b] = [testClient(app), testClient(app)];
    await a.request({ cmd: 1, body: "11" });
    await b.request({ cmd: 1, body: "14" });
    await b.request({ cmd: 2 });
    assertEquals(told, [
      { delivered: 1, offline: [12], complete: true },
      { delivered: 1, offline: [12], complete: true },
      [11],
      [14],
      [11, 14],
      [14],
      0,
      [],
      { delivered: 1, offline: [12], complete: true },
      { delivered: 0, offline: [12], complete: true },
    ]);
    await eventually(() => a.closed);
    assertEquals((await a.readAll()).map((box) => box.text()), ["hi", "hi"]);
  });

  Deno.test(`testClient(${kind}): receipts and questions about groups`, async () => {
    await using app = make(new LogCollector());
    const told: unknown[] = [];
    app.route(1, (request) => {
      request.loginClient(request.box.json<number>());
      request.joinGroup("room", "other");
      return { ret: 0 };
    });
    app.route(2, async (request) => {
      request.joinGroup("room");
      const rows = [[["room", "other"], { cmd: 9, body: "hi" }]] as const;
      told.push(
        await request.groupSize("room"),
        await app.groupSize("nobody's"),
        await request.groupMembers("room"),
        await app.groupMembers("other"),
        await request.writeToGroups(rows, { receipt: true }),
        await app.writeToGroups(rows, { receipt: true }),
        app.writeToGroups([[["nobody's"], {}]]),
        await request.closeGroup("other", { receipt: true }),
        await app.closeGroup("other", { receipt: true }),
      );
      return { ret: 0 };
    });
    const [a, b, c] = [testClient(app), testClient(app), testClient(app)];
    await a.request({ cmd: 1, body: "11" });
    await b.request({ cmd: 1, body: "7" });
    await c.request({ cmd: 2 });
    const receipt = { offline: [], complete: true };
    assertEquals(told, [
      ...[3, 0, [7, 11], [7, 11]],
      { delivered: 3, ...receipt },
      { delivered: 3, ...receipt },
      true,
      { delivered: 2, ...receipt },
      { delivered: 0, ...receipt },
    ]);
    await eventually(() => a.closed && b.closed);
    assertEquals((await c.readAll()).map((box) => box.text()), ["hi", "hi"]);
  });

  Deno.test(`testClient(${kind}): requests of one client in order, pushes apart from answers`, async () => {
    await using app = make(new LogCollector());
    const calls: number[] = [];
    app.route(1, async (request) => {
      const ms = request.box.json<number>();
      request.writeToUsers([[[-2], { cmd: 9, body: `${ms}` }]]);
      await new Promise((resolve) => setTimeout(resolve, ms));
      calls.push(ms);
      return `${ms}`;
    });
    const client = testClient(app);
    const answers = await Promise.all(
      [20, 0, 10].map((ms) => client.request({ cmd: 1, body: ms })),
    );
    assertEquals(answers.map((box) => box.text()), ["20", "0", "10"]);
    assertEquals(calls, [20, 0, 10]);
    const pushes = await client.readAll();
    assertEquals(pushes.map((box) => box.text()), ["20", "0", "10"]);
  });

  Deno.test(`testClient(${kind}): a request without an answer fails at once`, async () => {
    await using app = make(new LogCollector());
    app.route(1, () => {}, { answers: false });
    app.route(2, (request) => {
      setTimeout(() => request.reply({ body: "late" }), 1);
    }, { answers: false });
    const client = testClient(app, { timeout: 0.05 });
    await assertRejects(
      () => client.request({ cmd: 1 }),
      HavenError,
      "was not answered",
    );
    await client.write({ cmd: 2 });
    assertEquals((await client.read())?.text(), "late");
    await assertRejects(() => client.read(), BoxError, "0.05 s");
    const other = testClient(app);
    assertEquals((await other.request({ cmd: 4 })).ret, RET.INVALID_CMD);
  });

  Deno.test(`testClient(${kind}): a request is finished when its hooks are`, async () => {
    await using app = make(new LogCollector());
    const calls: string[] = [];
    const later = async (call: string) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      calls.push(call);
    };
    app.afterRequest(() => later("afterRequest"));
    app.route(1, async (request) => {
      request.reply({ ret: 1 });
      await later("handler");
    });
    assertEquals((await testClient(app).request({ cmd: 1 })).ret, 1);
    assertEquals(calls, ["handler", "afterRequest"]);
    const endless = make(new LogCollector());
    const over = Promise.withResolvers<void>();
    endless.route(1, (request) => {
      request.reply({ ret: 1 });
      return over.promise;
    });
    const client = testClient(endless, { timeout: 0.01 });
    await assertRejects(
      () => client.request({ cmd: 1 }),
      BoxError,
      "was answered, but is not finished within 0.01 s",
    );
    over.resolve();
    await endless.close();
  });

  Deno.test(`testClient(${kind}): the app's timers run`, async () => {
    using time = new FakeTime();
    await using app = make(new LogCollector());
    app.repeatTimer(60, () => app.writeToUsers([[[-2], { cmd: 9 }]]));
    const client = testClient(app);
    await client.connect();
    await time.tickAsync(60_000);
    await time.tickAsync(60_000);
    assertEquals((await client.readAll()).length, 2);
  });

  Deno.test(`testClient(${kind}) of a closed app, and the end of the app`, async () => {
    const app = make(new LogCollector());
    app.route(1, () => "hi");
    const client = testClient(app);
    await client.request({ cmd: 1 });
    await app.close();
    await eventually(() => client.closed);
    assertEquals(await client.read(), null);
    const late = make(new LogCollector());
    await late.close();
    await assertRejects(() => testClient(late).connect(), Error, "Cannot");
  });
}

Deno.test("testClient() of LineBox: the answer is the next line", async () => {
  await using app = new Haven(LineBox);
  app.route(0, ({ box }) => `you said ${box.text()}`);
  const client = testClient(app);
  assertEquals((await client.request({ body: "hi" })).text(), "you said hi");
});

Deno.test("testClient() of a server that listens, and of a worker that is attached", async () => {
  await using haven = new Haven(Box, { logger: new LogCollector() });
  await haven.listen({ port: 0 });
  await using gateway = await GatewayFixture.start();
  await using worker = new Worker(Box, { logger: new LogCollector() });
  const { hostname: host, port } = gateway.inner;
  await worker.attach({ host, port });
  for (const app of [haven, worker]) {
    app.route(1, () => "hi");
    const client = testClient<BoxFields>(app);
    assertEquals((await client.request({ cmd: 1 })).text(), "hi");
    await client.close();
  }
});

Deno.test("testClient(Worker): tasks for workers, and clearClientTasks", async () => {
  const log = new LogCollector();
  await using app = new Worker(Box, { logger: log });
  const jobs: unknown[] = [];
  app.route(1, (request) => {
    request.writeToWorker({ cmd: 2, body: "job" }, { uid: 5, custom: 6 });
    return "";
  });
  app.route(2, ({ inner, uid, custom, box }) => {
    jobs.push([inner, uid, custom, box.text()]);
  });
  app.route(3, async (request) => {
    await Promise.resolve();
    request.clearClientTasks();
    return "cleared";
  });
  const client = testClient(app);
  await client.request({ cmd: 1 });
  assertEquals(app.writeToWorker({ cmd: 2, body: "from anywhere" }), true);
  await eventually(() => jobs.length === 2);
  assertEquals(jobs, [
    [true, 5, 6, "job"],
    [true, 0, 0, "from anywhere"],
  ]);
  const dropped = client.write({ cmd: 3 }).then(() => client.readAll());
  client.write({ cmd: 1 });
  assertEquals((await dropped).map((box) => box.text()), ["cleared"]);
  // Nobody waits for an answer to a task about nobody; to one about a client somebody might.
  assertEquals(log.complaints.length, 1);
  await log.line(/^WARN WorkerRequest { cmd: 2, .* was not answered/);
});
