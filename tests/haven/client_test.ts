// Client against a haven: over TCP and as a browser's, over a WebSocket.

import { assertEquals, assertMatch } from "@std/assert";
import { Box, Client } from "@maple/box";
import { Client as PortableClient } from "@maple/box/client";
import { within } from "../helpers/within.ts";
import { HavenFixture } from "./haven_fixture.ts";

function start(): Promise<HavenFixture> {
  return HavenFixture.start((app) => {
    app.route(1, (request) => ({ body: request.box.body }));
    app.route(2, (request) => request.conn.close(), { answers: false });
  }, { websocketPort: 0 });
}

for (const scheme of ["tcp", "ws"] as const) {
  Deno.test(`Client is answered by a haven over ${scheme}, and comes back`, async () => {
    await using server = await start();
    const { app } = server;
    const { port } = scheme === "ws" ? app.websocketAddr! : app.addr!;
    const Kind = scheme === "ws" ? PortableClient : Client;
    await using client = new Kind(Box, { minDelay: 0.02 });
    await within(
      client.connect(`${scheme}://127.0.0.1:${port}`),
      "a connection",
    );
    for (let round = 0; round < 3; round++) {
      const bodies = Array.from({ length: 100 }, (_, i) => `${round} ${i}`);
      const answers = await within(
        Promise.all(
          bodies.map((body) =>
            client.request({ cmd: 1, body }, { retry: true })
          ),
        ),
        "100 answers",
      );
      assertEquals(answers.map((box) => box.text()), bodies);
      client.send({ cmd: 2 });
    }
  });
}

Deno.test("Client tells how the server closed a WebSocket", async () => {
  await using server = await start();
  const { port } = server.app.websocketAddr!;
  await using client = new PortableClient(Box, { minDelay: 10 });
  await within(client.connect(`ws://127.0.0.1:${port}`), "a connection");
  const lost = new Promise<unknown>((resolve) =>
    client.onStateChange((state, error) =>
      state === "waiting" && resolve(error)
    )
  );
  client.send({ cmd: 2 });
  const error = await within(lost, "the end") as Error;
  assertMatch(error.message, /closed by the server, code 1000/);
});
