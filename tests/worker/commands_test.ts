// What a handler can have the gateway do: messages to users, logins, closes, tasks for workers.

import { assert, assertEquals } from "@std/assert";
import { type BoxFields, SpecialUid, type TcpClient } from "@maple/box";
import type { Worker } from "@maple/worker";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import {
  call,
  Door,
  next,
  sendBack,
  WorkerFixture,
  type WorkerFixtureOptions,
} from "./worker_fixture.ts";

const LOGIN = 1;
const LOGOUT = 2;
const ECHO = 3;

function users(app: Worker): void {
  app.route(LOGIN, (request) => {
    const { uid, userdata } = request.box.json<
      { uid: number; userdata: number }
    >();
    request.loginClient(uid, userdata);
    request.writeToClient({});
  });
  app.route(LOGOUT, (request) => {
    request.logoutClient();
    request.writeToClient({ body: `${request.uid}` });
  });
  app.route(ECHO, sendBack);
}

function withUsers(more: (app: Worker) => unknown): WorkerFixtureOptions {
  return {
    register: (app) => {
      users(app);
      more(app);
    },
  };
}

async function connectUser(
  gateway: GatewayFixture,
  uid: number,
  userdata = 0,
): Promise<TcpClient<BoxFields>> {
  const client = await gateway.connect();
  await call(client, { cmd: LOGIN, body: { uid, userdata } });
  return client;
}

Deno.test("WorkerRequest.writeToUsers() reaches the users that are meant", async () => {
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(
    gateway,
    withUsers((app) =>
      app.route(10, (request) => {
        const sent = request.writeToUsers([
          [[1, 3], { cmd: 100, body: "one and three" }],
          [[SpecialUid.LOGGED_IN], { cmd: 101, body: "bit 2" }, 2],
          [[SpecialUid.LOGGED_IN], { cmd: 102, body: "not one" }, 0, [1]],
        ]);
        request.writeToClient({ body: `${sent}` });
      })
    ),
  );
  await using one = await connectUser(gateway, 1, 1);
  await using two = await connectUser(gateway, 2, 3);
  await using other = await gateway.connect();
  assertEquals((await call(other, { cmd: 10 })).text(), "true");
  assertEquals((await next(one)).text(), "one and three");
  assertEquals((await next(two)).text(), "bit 2");
  assertEquals((await next(two)).text(), "not one");
  // What comes next is the answer to what was asked next: there was nothing else.
  assertEquals((await call(one, { cmd: ECHO, body: "end" })).text(), "end");
  assertEquals((await call(two, { cmd: ECHO, body: "end" })).text(), "end");
});

Deno.test("WorkerRequest.loginClient() moves a uid, logoutClient() unbinds it", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerFixture.attach(gateway, {
    register: users,
  });
  await using old = await connectUser(gateway, 5);
  await using client = await connectUser(gateway, 5);
  assertEquals(gateway.gateway.stats().users, 1);
  assert(worker.app.writeToUsers([[[5], { body: "moved" }]]));
  assertEquals((await next(client)).text(), "moved");
  assertEquals((await call(old, { cmd: LOGOUT })).text(), "0");
  assertEquals((await call(client, { cmd: LOGOUT })).text(), "5");
  assertEquals(gateway.gateway.stats().users, 0);
  assertEquals((await call(client, { cmd: LOGOUT })).text(), "0");
});

Deno.test("WorkerRequest.closeClient() closes after what was sent before", async () => {
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) =>
      app.route(1, (request) => {
        request.writeToClient({ body: "the last" });
        request.closeClient();
      }),
  });
  await using client = await gateway.connect();
  assertEquals((await call(client, { cmd: 1 })).text(), "the last");
  assertEquals(await client.read(), null);
});

Deno.test("WorkerRequest.closeUsers() closes the users that are meant", async () => {
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(
    gateway,
    withUsers((app) =>
      app.route(10, (request) => {
        request.closeUsers([SpecialUid.LOGGED_IN], 1, [3]);
        request.writeToClient({});
      })
    ),
  );
  await using one = await connectUser(gateway, 1, 1);
  await using two = await connectUser(gateway, 2, 2);
  await using three = await connectUser(gateway, 3, 1);
  await using other = await gateway.connect();
  await call(other, { cmd: 10 });
  assertEquals(await one.read(), null);
  for (const client of [two, three]) {
    assertEquals((await call(client, { cmd: ECHO, body: "in" })).text(), "in");
  }
});

Deno.test("WorkerRequest.writeToWorker() makes a task about the same client, with what it is given", async () => {
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, (request) => {
        request.writeToWorker({ cmd: 2, sn: 8, body: request.box.body }, {
          uid: 11,
          userdata: 12,
          custom: -13,
        });
      });
      app.route(2, (request) => {
        const { uid, userdata, custom, inner, clientAddress } = request;
        request.writeToClient({
          body: {
            uid,
            userdata,
            custom,
            inner,
            clientAddress,
            text: request.box.text(),
          },
        });
      });
    },
  });
  await using client = await gateway.connect();
  const answer = await call(client, { cmd: 1, body: "round" });
  assertEquals([answer.cmd, answer.sn], [2, 8]);
  assertEquals(answer.json(), {
    uid: 11,
    userdata: 12,
    custom: -13,
    inner: true,
    clientAddress: "127.0.0.1",
    text: "round",
  });
});

Deno.test("Worker.writeToWorker() sends a task from anywhere", async () => {
  await using gateway = await GatewayFixture.start();
  const got = Promise.withResolvers<unknown>();
  await using worker = await WorkerFixture.attach(gateway, {
    register: (app) =>
      app.route(1, ({ uid64, userdata, custom, inner, box }) => {
        got.resolve([uid64, userdata, custom, inner, box.text()]);
      }),
  });
  const params = { uid: 2n ** 62n, userdata: 6, custom: 7 };
  assert(worker.app.writeToWorker({ cmd: 1, body: "job" }, params));
  assertEquals(await got.promise, [2n ** 62n, 6, 7, true, "job"]);
});

Deno.test("WorkerRequest.clearClientTasks() drops what still waits of that client", async () => {
  const door = new Door();
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) => {
      app.route(1, async (request) => {
        await door.pass();
        request.clearClientTasks();
        request.writeToClient({ body: "cleared" });
      });
      app.route(2, sendBack);
    },
  });
  await using client = await gateway.connect();
  await client.write({ cmd: 1 });
  for (let i = 0; i < 5; i++) client.write({ cmd: 2, body: "dropped" });
  await gateway.until((stats) => stats.queued === 5);
  door.open();
  assertEquals((await next(client)).text(), "cleared");
  assertEquals((await call(client, { cmd: 2, body: "on" })).text(), "on");
  assertEquals(gateway.gateway.stats().cleared, 5);
});

Deno.test("Worker.closeUsers() and writeToUsers() give false when nothing is attached", () => {
  const { app } = new WorkerFixture();
  assertEquals(app.closeUsers([1]), false);
  assertEquals(app.writeToUsers([[[1], { cmd: 1 }]]), false);
  assertEquals(app.writeToWorker({ cmd: 1 }), false);
});
