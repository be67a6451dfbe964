// The hooks of a worker, its own and those that it has in common with a haven server, and
// blueprints.

import { assertEquals, assertThrows } from "@std/assert";
import { Box } from "@maple/box";
import { Blueprint, HavenError } from "@maple/haven";
import { Worker, type WorkerRequest } from "@maple/worker";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { addressOf, call, sendBack, WorkerFixture } from "./worker_fixture.ts";

Deno.test("Worker calls the hooks of a client's life in their order", async () => {
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const about = ({ uid, userdata, clientAddress, cmd }: WorkerRequest) =>
    `${clientAddress} uid=${uid} userdata=${userdata} cmd=${cmd}`;
  await using gateway = await GatewayFixture.start();
  const { host, port } = addressOf(gateway);
  {
    await using _worker = await WorkerFixture.attach(gateway, {
      attach: { concurrency: 1 },
      register: (app) => {
        app.startWorker(() => note("startWorker"));
        app.openConn((name) => note(`openConn ${name}`));
        app.createClient((request) => note(`createClient ${about(request)}`));
        app.beforeFirstRequest(() => note("beforeFirstRequest"));
        app.beforeRequest(() => note("beforeRequest"));
        app.beforeResponse((_, box) => note(`beforeResponse ${box.text()}`));
        app.afterResponse((_, _box, sent) => note(`afterResponse ${sent}`));
        app.afterRequest((_, error) => note(`afterRequest ${error}`));
        app.closeClient((request) => note(`closeClient ${about(request)}`));
        app.closeConn((name) => note(`closeConn ${name}`));
        app.stopWorker(() => note("stopWorker"));
        app.route(1, async (request) => {
          request.loginClient(5, 6);
          await sendBack(request);
          note("handler");
        });
      },
    });
    {
      await using client = await gateway.connect();
      assertEquals((await call(client, { cmd: 1, body: "x" })).text(), "x");
    }
    await gateway.until((stats) => stats.acknowledged === 3);
  }
  assertEquals(events, [
    "startWorker",
    `openConn ${host}:${port}`,
    "createClient 127.0.0.1 uid=0 userdata=0 cmd=0",
    "beforeFirstRequest",
    "beforeRequest",
    "beforeResponse x",
    "afterResponse true",
    "handler",
    "afterRequest undefined",
    "closeClient 127.0.0.1 uid=5 userdata=6 cmd=0",
    `closeConn ${host}:${port}`,
    "stopWorker",
  ]);
});

Deno.test("Worker can greet a client in createClient", async () => {
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    register: (app) =>
      app.createClient((request) =>
        request.writeToClient(new Box({ cmd: 9, body: "welcome" }))
      ),
  });
  await using client = await gateway.connect();
  const box = await client.read();
  assertEquals([box?.cmd, box?.text()], [9, "welcome"]);
});

Deno.test("Worker waits for async hooks of a connection, and a hook that throws stops nothing", async () => {
  const events: string[] = [];
  await using gateway = await GatewayFixture.start();
  {
    await using worker = await WorkerFixture.attach(gateway, {
      register: (app) => {
        app.openConn(async () => {
          await Promise.resolve();
          events.push("opened");
        });
        app.openConn(() => {
          throw new Error("no luck");
        });
        app.closeConn(async () => {
          await new Promise((resolve) => setTimeout(resolve));
          events.push("closed");
        });
        app.stopWorker(() => events.push("stopped"));
        app.route(1, sendBack);
      },
    });
    assertEquals(events, ["opened"]);
    await using client = await gateway.connect();
    assertEquals((await call(client, { cmd: 1, body: "x" })).text(), "x");
    await worker.log.line(/^ERROR Hook openConn threw.*no luck/);
  }
  assertEquals(events, ["opened", "closed", "stopped"]);
});

Deno.test("Worker registers a blueprint with its routes and the app's hooks", async () => {
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  await using gateway = await GatewayFixture.start();
  {
    const room = new Blueprint<WorkerRequest>("room")
      .startAppWorker(() => note("start"))
      .stopAppWorker(() => note("stop"))
      .openAppConn(() => note("open"))
      .closeAppConn(() => note("close"))
      .createAppClient((request) => note(`create ${request.uid}`))
      .closeAppClient((request) => note(`leave ${request.uid}`))
      .beforeRequest((request) => note(`before ${request.endpoint}`))
      .afterRequest((request) => note(`after ${request.blueprint}`))
      .route(1, (request) => {
        request.loginClient(4);
        return sendBack(request);
      }, "enter");
    await using _worker = await WorkerFixture.attach(gateway, {
      attach: { concurrency: 1 },
      register: (app) => {
        app.registerBlueprint(room);
        app.route(2, sendBack);
      },
    });
    {
      await using client = await gateway.connect();
      await call(client, { cmd: 1 });
      await call(client, { cmd: 2 });
    }
    await gateway.until((stats) => stats.acknowledged === 4);
  }
  assertEquals(events, [
    "start",
    "open",
    "create 0",
    "before room.enter",
    "after room",
    "leave 4",
    "close",
    "stop",
  ]);
});

Deno.test("Worker.registerBlueprint() refuses hooks that a worker does not have", () => {
  const blueprint = new Blueprint("b").createAppConn(() => {});
  const error = assertThrows(
    () => new Worker(Box).registerBlueprint(blueprint),
    HavenError,
    "createAppConn",
  );
  assertEquals(error.code, "hook");
});
