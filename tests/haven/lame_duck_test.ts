// A haven server that leaves as a lame duck: its clients move to the one that has come on its port.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Box, Client, type ClientState } from "@maple/box";
import { Haven, HavenError } from "@maple/haven";
import { eventually } from "../helpers/eventually.ts";
import { within } from "../helpers/within.ts";
import { HavenFixture } from "./haven_fixture.ts";

const CMD = 98;
const DUCK = { moveCmd: CMD, lameDuck: 0.3, moveTimeout: 60 };

function echo(app: Haven): void {
  app.route(1, (request) => ({ body: request.box!.body }));
}

for (const transport of ["tcp", "ws"] as const) {
  Deno.test(`clients move to the haven server that has come on the port of one that leaves, and no request fails, over ${transport}`, async () => {
    await using old = await HavenFixture.start(echo, {
      ...DUCK,
      websocketPort: 0,
    });
    const port = old.app.addr!.port;
    const websocketPort = old.app.websocketAddr!.port;
    const to = transport === "tcp" ? port : websocketPort;
    const states: ClientState[] = [];
    await using clients = new AsyncDisposableStack();
    const all = await Promise.all(Array.from({ length: 10 }, async () => {
      const client = clients.use(
        new Client(Box, { moveCmd: CMD, minDelay: 0.05 }),
      );
      client.onStateChange((state) => states.push(state));
      await client.connect(`${transport}://127.0.0.1:${to}/`);
      return client;
    }));
    let answered = 0;
    let isOver = false;
    const asking = Promise.all(all.map(async (client) => {
      while (!isOver) {
        const answer = await client.request({ cmd: 1, body: "x" });
        assertEquals(answer.text(), "x");
        answered++;
      }
    }));
    asking.catch(() => {});
    await eventually(() => answered > 100);
    const closed = old.app.close();
    // It waits for the ports, which the old one has given free already.
    await using next = await HavenFixture.start(echo, {
      moveCmd: CMD,
      port,
      websocketPort,
    });
    await within(closed, "close()", 30_000);
    const before = answered;
    await eventually(() => answered > before + 100);
    isOver = true;
    await asking;
    assertEquals(old.app.stats().moves, { asked: 10, late: 0, closed: 0 });
    assertEquals(next.app.stats().connections, 10);
    assertEquals(states.includes("waiting"), false);
    assertEquals(old.log.complaints, []);
  });
}

Deno.test("lameDuck of a haven server closes who does not know moveCmd with its answers, and who stays after moveTimeout", async () => {
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  await using server = await HavenFixture.start((app) => {
    app.route(1, async () => {
      await finished;
      return { body: "the last" };
    });
    app.route(2, () => ({ body: "here" }));
  }, { ...DUCK, lameDuck: 0.05, moveTimeout: 0.1, stopTimeout: 3600 });
  await using other = await server.connect();
  await using knowing = await server.connect();
  await knowing.write({ cmd: CMD });
  assertEquals((await knowing.request({ cmd: 2 })).text(), "here");
  const last = other.request({ cmd: 1 });
  await server.until(({ requests }) => requests === 2);
  const closed = server.app.close();
  assertEquals((await knowing.read())?.cmd, CMD);
  assertEquals(await knowing.read(), null);
  assertEquals(server.app.stats().moves, { asked: 1, late: 1, closed: 1 });
  finish();
  assertEquals((await last).text(), "the last");
  assertEquals(await other.read(), null);
  await within(closed, "close()");
  // The word of a client that it knows how to move is no request.
  assertEquals(server.app.stats().requests, 2);
});

Deno.test("moveCmd of a haven server is refused where no box can have it, or it is a heartbeat's", async () => {
  for (
    const [options, message] of [
      [{ moveCmd: 1.5 }, "Option moveCmd must be a whole number"],
      [
        { moveCmd: 2 ** 31 },
        'moveCmd does not go with these boxes: Cannot pack field "cmd"',
      ],
      [
        { moveCmd: 5, heartbeatCmd: 5 },
        "Options moveCmd and heartbeatCmd must differ, got 5 for both",
      ],
    ] as const
  ) {
    const error = await assertRejects(
      () => new Haven(Box).listen({ port: 0, ...options }),
      HavenError,
      message,
    );
    assert(error instanceof HavenError);
  }
});
