// The heartbeats of clients, which a haven server answers without the app.

import { assertEquals, assertRejects } from "@std/assert";
import { Box, Client, type ClientState } from "@maple/box";
import { Haven, HavenError } from "@maple/haven";
import { HavenFixture } from "./haven_fixture.ts";

const CMD = 99;

for (const transport of ["tcp", "ws"] as const) {
  Deno.test(`heartbeatCmd is answered while a handler runs, and keeps a client connected, over ${transport}`, async () => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<
      void
    >();
    const seen: number[] = [];
    await using server = await HavenFixture.start((app) => {
      app.beforeRequest((request) => void seen.push(request.box!.cmd));
      app.route(1, async (request) => {
        await finished;
        request.write({ ret: 0 });
      });
    }, { heartbeatCmd: CMD, timeout: 1, websocketPort: 0 });
    const { app } = server;
    const addr = transport === "ws" ? app.websocketAddr! : app.addr!;
    const states: ClientState[] = [];
    await using client = new Client(Box, { heartbeatCmd: CMD, heartbeat: 0.1 });
    client.onStateChange((state) => states.push(state));
    await client.connect(`${transport}://127.0.0.1:${addr.port}/`);
    const slow = client.request({ cmd: 1 });
    const { ret, body } = await client.request({ cmd: CMD, ret: 5, body: "?" });
    assertEquals([ret, body.length], [0, 0]);
    finish();
    await slow;
    // Who says nothing is closed; that takes longer than several heartbeats.
    using silent = await server.connectRaw();
    assertEquals(await silent.read(new Uint8Array(1)), null);
    await server.until(({ heartbeats }) => heartbeats >= 5);
    assertEquals(states, ["connecting", "open"]);
    assertEquals(seen, [1]);
    assertEquals(app.stats().requests, 1);
  });
}

Deno.test("heartbeatCmd that no box can have is refused", async () => {
  for (
    const [heartbeatCmd, message] of [
      [1.5, "Option heartbeatCmd must be a whole number"],
      [
        2 ** 31,
        'heartbeatCmd does not go with these boxes: Cannot pack field "cmd"',
      ],
    ] as const
  ) {
    await assertRejects(
      () => new Haven(Box).listen({ port: 0, heartbeatCmd }),
      HavenError,
      message,
    );
  }
});
