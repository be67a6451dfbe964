// What a handler learns from its request, and how it answers.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Box, RET, Task } from "@maple/box";
import type { WorkerRequest } from "@maple/worker";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { eventually } from "../helpers/eventually.ts";
import { call, Door, next, sendBack, WorkerFixture } from "./worker_fixture.ts";

Deno.test("WorkerRequest tells what came and from whom", async () => {
  await using gateway = await GatewayFixture.start({ nodeId: 7 });
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, (request) => request.loginClient(2n ** 60n, 5), "login");
      app.route(2, (request) => {
        const { task, box } = request;
        request.writeToClient({
          body: {
            cmd: request.cmd,
            endpoint: request.endpoint,
            uid: String(request.uid64),
            userdata: request.userdata,
            custom: request.custom,
            clientAddress: request.clientAddress,
            inner: request.inner,
            redelivered: request.redelivered,
            responded: request.responded,
            nodeId: task.nodeId,
            connId: task.connId,
            sn: box.sn,
            text: box.text(),
            sameBytes: Task.fromFrame(task.pack()).body.length,
          },
        });
      }, "look");
    },
  });
  await using client = await gateway.connect();
  await client.write({ cmd: 1 });
  const answer = await call(client, { cmd: 2, sn: 9, body: "hello" });
  assertEquals(answer.cmd, 2);
  assertEquals(answer.sn, 9);
  assertEquals(answer.json(), {
    cmd: 2,
    endpoint: "look",
    uid: String(2n ** 60n),
    userdata: 5,
    custom: 0,
    clientAddress: "127.0.0.1",
    inner: false,
    redelivered: false,
    responded: false,
    nodeId: 7,
    connId: 1,
    sn: 9,
    text: "hello",
    sameBytes: 29,
  });
});

Deno.test("WorkerRequest.writeToClient() takes fields, a box and packed bytes", async () => {
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, (request) => request.writeToClient({ ret: 3, body: "a" }));
      app.route(2, (request) => {
        request.writeToClient(new Box({ cmd: 22, sn: 5, body: "b" }));
      });
      app.route(3, async (request) => {
        const box = new Box({ cmd: 33, body: "c" });
        const sent = await request.writeToClient(box.pack());
        if (!sent || !request.responded) throw new Error("not sent");
      });
    },
  });
  await using client = await gateway.connect();
  const seen: unknown[] = [];
  for (const cmd of [1, 2, 3]) {
    const box = await call(client, { cmd, sn: 40 + cmd });
    seen.push([box.cmd, box.ret, box.sn, box.text()]);
  }
  assertEquals(seen, [
    [1, 3, 41, "a"],
    [22, 0, 5, "b"],
    [33, 0, 0, "c"],
  ]);
});

Deno.test("WorkerRequest answers a second time only where respondOnce is off", async () => {
  const register = (app: WorkerFixture["app"]) =>
    app.route(1, (request) => {
      request.writeToClient({ body: "first" });
      request.writeToClient({ body: "second" });
    }, "twice");
  await using gateway = await GatewayFixture.start();
  {
    await using worker = await WorkerFixture.attach(gateway, { register });
    await using client = await gateway.connect();
    assertEquals((await call(client, { cmd: 1 })).text(), "first");
    // Nothing stands between the first answer and that to the next request.
    assertEquals((await call(client, { cmd: 9 })).ret, RET.INVALID_CMD);
    await worker.log.line(/^ERROR .*endpoint: twice.*a second time/s);
  }
  await using worker = await WorkerFixture.attach(gateway, {
    register,
    worker: { respondOnce: false },
  });
  await using client = await gateway.connect();
  assertEquals((await call(client, { cmd: 1 })).text(), "first");
  assertEquals((await next(client)).text(), "second");
  assertEquals(worker.log.complaints, []);
});

Deno.test("Worker answers an unknown cmd and a throwing handler with the system's codes", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, () => {
        throw new Error("broken at once");
      }, "sync");
      app.route(2, async () => {
        await Promise.resolve();
        throw new Error("broken later");
      }, "later");
      app.route(3, sendBack);
    },
  });
  await using client = await gateway.connect();
  const unknown = await call(client, { cmd: 404, sn: 1 });
  assertEquals([unknown.cmd, unknown.sn], [404, 1]);
  assertEquals(unknown.ret, RET.INVALID_CMD);
  assertEquals((await call(client, { cmd: 1 })).ret, RET.INTERNAL);
  assertEquals((await call(client, { cmd: 2 })).ret, RET.INTERNAL);
  assertEquals((await call(client, { cmd: 3, body: "on" })).text(), "on");
  const [first, second, third] = worker.log.complaints;
  assertMatch(first!, /^WARN .*cmd: 404/);
  assertMatch(second!, /^ERROR .*cmd: 1, endpoint: sync.*broken at once/);
  assertMatch(third!, /^ERROR .*cmd: 2, endpoint: later.*broken later/);
});

Deno.test("WorkerRequest.interrupt() in a hook answers in place of the handler", async () => {
  const events: string[] = [];
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.beforeRequest((request) => {
        if (request.uid === 0) return request.interrupt({ ret: 77 });
      });
      app.afterRequest((request) => events.push(`after ${request.cmd}`));
      app.route(1, () => void events.push("handler"));
    },
  });
  await using client = await gateway.connect();
  assertEquals((await call(client, { cmd: 1 })).ret, 77);
  await gateway.until((stats) => stats.acknowledged === 2);
  assertEquals(events, ["after 1"]);
});

Deno.test("WorkerRequest.redelivered is set on a task that another worker left behind", async () => {
  await using gateway = await GatewayFixture.start();
  await using lost = await gateway.attach();
  await using client = await gateway.connect();
  await client.write({ cmd: 1 });
  await lost.pull(15);
  await lost.pull(10);
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) =>
      app.route(1, (request) => {
        request.writeToClient({ body: `${request.redelivered}` });
      }),
  });
  lost.close();
  assertEquals((await next(client)).text(), "true");
});

Deno.test("WorkerRequest's calls give false when the task's connection is lost", async () => {
  const door = new Door();
  const given = Promise.withResolvers<unknown[]>();
  const gone = Promise.withResolvers<void>();
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.closeConn(() => gone.resolve());
      app.route(1, async (request) => {
        await door.pass();
        given.resolve(await Promise.all(everyCall(request)));
      });
    },
  });
  await using client = await gateway.connect();
  await client.write({ cmd: 1 });
  const end = client.read();
  await eventually(() => door.arrived === 1);
  await gateway.gateway.closeNow();
  assertEquals(await end, null);
  await gone.promise;
  door.open();
  assertEquals(await given.promise, Array(8).fill(false));
});

Deno.test("WorkerRequest's calls for the client give false on a task about no client, and the worker goes on", async () => {
  await using gateway = await GatewayFixture.start();
  const given = Promise.withResolvers<unknown[]>();
  await using worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, sendBack);
      app.route(2, async (request) => {
        assertEquals(request.clientAddress, "");
        given.resolve([
          await request.writeToClient({ body: "to nobody" }),
          request.closeClient(),
          request.loginClient(1),
          request.logoutClient(),
          request.clearClientTasks(),
        ]);
      });
    },
  });
  assert(worker.app.writeToWorker({ cmd: 2 }));
  assertEquals(await given.promise, Array(5).fill(false));
  await using client = await gateway.connect();
  assertEquals((await call(client, { cmd: 1, body: "on" })).text(), "on");
});

Deno.test("Worker drops a task that is no box, tells so, and goes on", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway);
  await using sender = await gateway.attach();
  await sender.send({ cmd: 100, body: "no box" });
  await worker.log.line(/^ERROR a task is dropped, its body is no box/);
  await using client = await gateway.connect();
  assertEquals((await call(client, { cmd: 1, body: "on" })).text(), "on");
});

function everyCall(
  request: WorkerRequest,
): readonly (boolean | Promise<boolean>)[] {
  return [
    request.writeToClient({ body: "late" }),
    request.writeToUsers([[[1], { cmd: 1 }]]),
    request.closeClient(),
    request.closeUsers([1]),
    request.loginClient(1),
    request.logoutClient(),
    request.writeToWorker({ cmd: 1 }),
    request.clearClientTasks(),
  ];
}

Deno.test("WorkerRequest.loginClient() throws at the call what is no uid, and nothing is sent", async () => {
  await using gateway = await GatewayFixture.start();
  const errors: string[] = [];
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) =>
      app.route(1, (request) => {
        for (const uid of [0, -1, 1.5, "7"]) {
          const error = assertThrows(() => request.loginClient(uid as number));
          errors.push((error as Error).message);
        }
        return request.writeToClient({ ret: 0 });
      }),
  });
  await using client = await gateway.connect();
  assertEquals((await call(client, { cmd: 1 })).ret, 0);
  assertEquals(
    errors,
    ["0", "-1", "1.5", '"7" (a string)'].map((got) =>
      `Cannot log in: a uid is a positive integer, got ${got}`
    ),
  );
  const { users, badCommands } = gateway.gateway.stats();
  assertEquals([users, badCommands], [0, 0]);
});
