// Haven: how a server leaves.

import { assertEquals, assertRejects } from "@std/assert";
import { Box } from "@maple/box";
import { HavenError } from "@maple/haven";
import { eventually } from "../helpers/eventually.ts";
import { within } from "../helpers/within.ts";
import { call, HavenFixture, readToEnd } from "./haven_fixture.ts";

/** Whether nobody can connect. */
async function refuses(port: number): Promise<boolean> {
  try {
    using _conn = await Deno.connect({ hostname: "127.0.0.1", port });
    return false;
  } catch {
    return true;
  }
}

Deno.test("Haven.close() finishes the requests that came, then closes", async () => {
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  await using server = await HavenFixture.start((app) => {
    app.route(1, async (request) => {
      await gate.promise;
      calls.push("handler");
      request.write({ body: request.box.body });
    });
    app.route(2, () => ({}));
    app.closeConn(() => void calls.push("closeConn"));
    app.stopWorker(() => void calls.push("stopWorker"));
  });
  const { port } = server;
  await using client = await server.connect();
  using idle = await server.connectRaw();
  await client.write({ cmd: 1, body: "1" });
  await client.write({ cmd: 1, body: "2" });
  // What came before its request has come.
  await using later = await server.connect();
  await call(later, { cmd: 2 });
  await server.until(({ requests, accepted }) =>
    requests === 2 && accepted === 3
  );
  const closing = server.app.close();
  // Nobody new is let in.
  await eventually(() => refuses(port));
  assertEquals(calls, []);
  gate.resolve();
  assertEquals((await client.read())?.text(), "1");
  assertEquals((await client.read())?.text(), "2");
  assertEquals(await client.read(), null);
  assertEquals(await readToEnd(idle), 0);
  idle.close();
  await within(closing, "close()");
  assertEquals(calls, [
    "handler",
    "handler",
    "closeConn",
    "closeConn",
    "closeConn",
    "stopWorker",
  ]);
});

Deno.test("Haven.close() gives up after stopTimeout", async () => {
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  await using server = await HavenFixture.start((app) => {
    app.route(1, () => gate.promise);
    app.closeConn(() => void calls.push("closeConn"));
    app.stopWorker(() => void calls.push("stopWorker"));
  }, { stopTimeout: 0.05 });
  {
    await using client = await server.connect();
    await client.write({ cmd: 1 });
    await server.until(({ requests }) => requests === 1);
    const closing = server.app.close();
    assertEquals(await client.read(), null);
    client.close();
    await within(closing, "close()");
  }
  await server.log.line(/WARN leaves while requests of 1 connections/);
  gate.resolve();
  await gate.promise;
  assertEquals(calls, ["stopWorker"]);
});

Deno.test("Haven.close() before listen() only ends it", async () => {
  const calls: string[] = [];
  const server = new HavenFixture(Box);
  server.app.stopWorker(() => void calls.push("stopWorker"));
  await server.app.close();
  assertEquals([calls, server.app.addr], [[], undefined]);
});

Deno.test("Haven.close() waits for the startWorker hooks", async () => {
  const gate = Promise.withResolvers<void>();
  const calls: string[] = [];
  await using server = new HavenFixture(Box);
  server.app.startWorker(async () => {
    await gate.promise;
    calls.push("startWorker");
  });
  server.app.stopWorker(() => void calls.push("stopWorker"));
  const listening = server.app.listen({ port: 0 });
  const closing = server.app.close();
  gate.resolve();
  await within(Promise.all([listening, closing]), "close()");
  assertEquals(calls, ["startWorker", "stopWorker"]);
});

Deno.test("Haven.close() by a startWorker hook waits for that hook", async () => {
  const calls: string[] = [];
  await using server = new HavenFixture(Box);
  server.app.startWorker(async () => {
    void server.app.close();
    await new Promise((resolve) => setTimeout(resolve));
    calls.push("startWorker");
  });
  server.app.stopWorker(() => void calls.push("stopWorker"));
  await server.app.listen({ port: 0 });
  await within(server.app.close(), "close()");
  assertEquals(calls, ["startWorker", "stopWorker"]);
});

Deno.test("Haven can listen after it could not, and not after it could", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using server = new HavenFixture(Box);
  const { app } = server;
  const { port } = taken.addr;
  await assertRejects(
    () => app.listen({ port, bindTimeout: 0 }),
    HavenError,
    "Cannot listen for clients",
  );
  assertEquals([app.workerIndex, app.isFirst], [0, false]);
  await app.listen({ port: 0 });
  assertEquals([app.workerIndex, app.isFirst], [1, true]);
  await assertRejects(
    () => app.listen({ port: 0 }),
    HavenError,
    "Cannot listen: this server was started before; make a new one",
  );
});

Deno.test("Haven closes when its signal is aborted", async () => {
  const abort = new AbortController();
  await using server = new HavenFixture(Box);
  const stopped = Promise.withResolvers<void>();
  server.app.stopWorker(() => stopped.resolve());
  await server.app.listen({ port: 0, signal: abort.signal });
  abort.abort();
  await within(stopped.promise, "the stopWorker hooks");
  const late = new HavenFixture(Box);
  await assertRejects(
    () => late.app.listen({ port: 0, signal: abort.signal }),
    DOMException,
  );
});

Deno.test("Haven.run() ends when its signal is aborted", async () => {
  const abort = new AbortController();
  const server = new HavenFixture(Box);
  server.app.startWorker(() => abort.abort());
  await within(
    server.app.run({ port: 0, signal: abort.signal }),
    "the end of run()",
  );
  assertEquals(server.app.stats().connections, 0);
});

Deno.test("Haven stops its timers when it is closed", async () => {
  let ticks = 0;
  const ticked = Promise.withResolvers<void>();
  {
    await using server = await HavenFixture.start((app) => {
      app.repeatTimer(0.001)(() => {
        if (++ticks === 3) ticked.resolve();
      });
    });
    await within(ticked.promise, "three ticks");
    assertEquals(server.log.complaints, []);
  }
  // The sanitizers see to the rest.
  assertEquals(ticks >= 3, true);
});
