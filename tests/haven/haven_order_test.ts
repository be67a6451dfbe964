// Haven: the order of hooks and requests, and the independence of connections.

import { assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { Blueprint, type HavenRequest } from "@maple/haven";
import { eventually } from "../helpers/eventually.ts";
import { call, HavenFixture, readToEnd } from "./haven_fixture.ts";

Deno.test("Haven calls its hooks in this order", async () => {
  const calls: string[] = [];
  let count = 0;
  const note = (name: string) =>
    count++ % 2 === 0 ? () => void calls.push(name) : async () => {
      await Promise.resolve();
      calls.push(name);
    };
  const blueprint = new Blueprint<HavenRequest>("a")
    .startAppWorker(note("a.startAppWorker"))
    .stopAppWorker(note("a.stopAppWorker"))
    .createAppConn(note("a.createAppConn"))
    .closeAppConn(note("a.closeAppConn"))
    .beforeAppFirstRequest(note("a.beforeAppFirstRequest"))
    .beforeAppRequest(note("a.beforeAppRequest"))
    .afterAppRequest(note("a.afterAppRequest"))
    .beforeAppResponse(note("a.beforeAppResponse"))
    .afterAppResponse(note("a.afterAppResponse"))
    .beforeRequest(note("a.beforeRequest"))
    .afterRequest(note("a.afterRequest"))
    .route(1, (request) => {
      calls.push("a.handler");
      return request.write({ ret: 0 });
    });
  {
    await using server = await HavenFixture.start((app) =>
      app.registerBlueprint(blueprint)
        .startWorker(note("startWorker"))
        .stopWorker(note("stopWorker"))
        .createConn(note("createConn"))
        .closeConn(note("closeConn"))
        .beforeFirstRequest(note("beforeFirstRequest"))
        .beforeRequest(note("beforeRequest"))
        .afterRequest(note("afterRequest"))
        .beforeResponse(note("beforeResponse"))
        .afterResponse(note("afterResponse"))
    );
    await using client = await server.connect();
    await call(client, { cmd: 1 });
    await using second = await server.connect();
    await server.until(({ accepted }) => accepted === 2);
    client.close();
    await server.until(({ connections }) => connections === 1);
    second.close();
    await server.until(({ connections }) => connections === 0);
  }
  const created = ["createConn", "a.createAppConn"];
  const closed = ["a.closeAppConn", "closeConn"];
  assertEquals(calls, [
    "startWorker",
    "a.startAppWorker",
    ...created,
    "beforeFirstRequest",
    "a.beforeAppFirstRequest",
    "beforeRequest",
    "a.beforeAppRequest",
    "a.beforeRequest",
    "a.handler",
    "beforeResponse",
    "a.beforeAppResponse",
    "a.afterAppResponse",
    "afterResponse",
    "a.afterRequest",
    "a.afterAppRequest",
    "afterRequest",
    ...created,
    ...closed,
    ...closed,
    "a.stopAppWorker",
    "stopWorker",
  ]);
});

Deno.test("Haven logs a hook that throws and goes on", async () => {
  await using server = await HavenFixture.start((app) => {
    const fail = (name: string) => () => {
      throw new Error(`${name} failed`);
    };
    app.createConn(fail("createConn"));
    app.closeConn(() => Promise.reject(new Error("closeConn failed")));
    app.afterRequest(fail("afterRequest"));
    app.beforeResponse(fail("beforeResponse"));
    app.startWorker(fail("startWorker"));
    app.route(1, (request) => request.write({ ret: 0 }));
  });
  {
    await using client = await server.connect();
    assertEquals((await call(client, { cmd: 1 })).ret, 0);
  }
  await server.until(({ connections }) => connections === 0);
  for (
    const name of [
      "startWorker",
      "createConn",
      "beforeResponse",
      "afterRequest",
      "closeConn",
    ]
  ) await server.log.line(new RegExp(`Hook ${name} threw: .*${name} failed`));
});

Deno.test("Haven handles the requests of a connection in order, whoever is slow", async () => {
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  await using server = await HavenFixture.start((app) => {
    app.route(1, async (request) => {
      await gate.promise;
      seen.push(request.box.text());
      request.write({ body: request.box.body });
    });
    app.route(2, (request) => {
      seen.push(request.box.text());
      request.write({ body: request.box.body });
    });
  });
  await using slow = await server.connect();
  await slow.write({ cmd: 1, body: "1" });
  await slow.write({ cmd: 2, body: "2" });
  await slow.write({ cmd: 1, body: "3" });
  await slow.write({ cmd: 2, body: "4" });
  // Another connection does not wait for that one.
  await using other = await server.connect();
  assertEquals((await call(other, { cmd: 2, body: "other" })).text(), "other");
  assertEquals(seen, ["other"]);
  gate.resolve();
  for (const text of ["1", "2", "3", "4"]) {
    assertEquals((await slow.read())?.text(), text);
  }
  assertEquals(seen, ["other", "1", "2", "3", "4"]);
});

Deno.test("Haven handles requests only when the createConn hooks are done", async () => {
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  await using server = await HavenFixture.start((app) => {
    app.createConn(async () => {
      await gate.promise;
      calls.push("createConn");
    });
    app.route(1, (request) => {
      calls.push("handler");
      return request.write({});
    });
  });
  await using client = await server.connect();
  await client.write({ cmd: 1 });
  await server.until(({ accepted }) => accepted === 1);
  gate.resolve();
  await client.read();
  assertEquals(calls, ["createConn", "handler"]);
});

Deno.test("Haven does not read a connection with more than connQueueMax requests waiting", async () => {
  const gate = Promise.withResolvers<void>();
  const total = 20_000;
  const body = new Uint8Array(1000);
  await using server = await HavenFixture.start((app) => {
    app.route(1, async (request) => {
      await gate.promise;
      request.write({});
    });
  }, { connQueueMax: 4 });
  await using client = await server.connect();
  let sent = 0;
  const sending = (async () => {
    while (sent < total) {
      await client.write({ cmd: 1, sn: sent + 1, body });
      sent++;
    }
  })();
  // 20 MB do not fit into the buffers of a connection: the sender comes to a halt.
  await using other = await server.connect();
  await eventually(async () => {
    const before = sent;
    for (let i = 0; i < 50; i++) await call(other, { cmd: 404 });
    return sent > 0 && sent === before;
  });
  assertEquals(sent < total, true, `${sent} were sent`);
  gate.resolve();
  for (let sn = 1; sn <= total; sn++) {
    assertEquals((await client.read())?.sn, sn);
  }
  await sending;
});

Deno.test("Haven handles what a client sent before it left, then calls closeConn", async () => {
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  await using server = await HavenFixture.start((app) => {
    app.route(1, async (request) => {
      await gate.promise;
      calls.push(request.box.text());
    });
    app.closeConn(() => void calls.push("closeConn"));
  });
  {
    await using client = await server.connect();
    for (const body of ["1", "2", "3"]) await client.write({ cmd: 1, body });
    await server.until(({ requests }) => requests === 1);
  }
  gate.resolve();
  await server.until(({ connections }) => connections === 0);
  assertEquals(calls, ["1", "2", "3", "closeConn"]);
  assertEquals(server.app.stats().closed.peer, 1);
});

Deno.test("Haven answers what a client asked before it ended its sending, then closes", async () => {
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  await using server = await HavenFixture.start((app) => {
    app.route(1, async (request) => {
      await gate.promise;
      request.write({ body: request.box.body });
    });
    app.closeConn(() => void calls.push("closeConn"));
  });
  using conn = await server.connectRaw();
  const frames = ["1", "2"].map((body) => new Box({ cmd: 1, body }).pack());
  for (const frame of frames) await conn.write(frame);
  await conn.closeWrite();
  await server.until(({ requests }) => requests === 1);
  gate.resolve();
  const expected = frames.length * frames[0]!.length;
  assertEquals(await readToEnd(conn), expected);
  await server.until(({ connections }) => connections === 0);
  assertEquals(calls, ["closeConn"]);
});

Deno.test("Haven drops the waiting requests of a connection that it closes", async () => {
  const calls: string[] = [];
  await using server = await HavenFixture.start((app) => {
    app.route(1, async (request) => {
      await eventually(() => server.app.connections.length === 1);
      calls.push(request.box.text());
      request.close();
    });
    app.closeConn(() => void calls.push("closeConn"));
  });
  await using client = await server.connect();
  for (const body of ["1", "2", "3"]) await client.write({ cmd: 1, body });
  assertEquals(await client.read(), null);
  await server.until(({ connections }) => connections === 0);
  assertEquals(calls, ["1", "closeConn"]);
});

Deno.test("Haven takes no promise for a handler that is not async", async () => {
  let microtasks = 0;
  await using server = await HavenFixture.start((app) => {
    // A promise between two requests of one read would let the microtask run.
    app.route(1, (request) => {
      queueMicrotask(() => microtasks++);
      request.write({ ret: microtasks });
    });
    app.route(2, (request) => request.write({}));
  });
  await using client = await server.connect();
  // The first request of all waits for the beforeFirstRequest hooks.
  await call(client, { cmd: 2 });
  await Promise.all([client.write({ cmd: 1 }), client.write({ cmd: 1 })]);
  assertEquals((await client.read())?.ret, 0);
  assertEquals((await client.read())?.ret, 0);
});
