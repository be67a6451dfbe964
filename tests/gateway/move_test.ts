// Clients of ours move from a gateway that leaves to the one that has come on its port, over every
// transport.

import { assert, assertEquals } from "@std/assert";
import { Box, Client, type ClientState } from "@maple/box";
import { localCertificate } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { isOverTls, overTransports } from "../helpers/gateway_fixture.ts";
import { within } from "../helpers/within.ts";

const CMD = 98;
const CLIENTS = 20;
// Deno's own sockets share a port only in a process that was started for it.
const SHARED = {
  io: "epoll",
  reusePort: true,
  moveCmd: CMD,
  lameDuck: 0.3,
  lameDuckNotice: 0,
  moveTimeout: 60,
} as const;

if (Deno.build.os === "linux") {
  overTransports(
    "clients move to the gateway that has come on the port of one that leaves, and no request fails",
    async (start, transport) => {
      await using old = await start(SHARED);
      await using _oldWorker = await old.attachEcho();
      const states: ClientState[] = [];
      await using clients = new AsyncDisposableStack();
      const all = await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          const client = clients.use(
            new Client(Box, {
              moveCmd: CMD,
              ...(isOverTls(transport) &&
                { caCerts: [(await localCertificate()).authority] }),
            }),
          );
          client.onStateChange((state) => states.push(state));
          client.onConnect((session) => session.request({ cmd: 1 }));
          await client.connect(`${transport}://127.0.0.1:${old.address.port}/`);
          return client;
        }),
      );
      const port = old.address.port;
      await using next = await start({
        ...SHARED,
        ...(transport === "tcp" ? { outerPort: port } : {}),
        ...(transport === "ws" ? { wsPort: port } : {}),
        ...(transport === "tls" ? { tlsPort: port } : {}),
        ...(transport === "wss" ? { wssPort: port } : {}),
      });
      await using _worker = await next.attachEcho();
      let answered = 0;
      let isOver = false;
      const asking = all.map(async (client) => {
        while (!isOver) {
          assertEquals(
            (await client.request({ cmd: 2, body: "x" })).text(),
            "x",
          );
          answered++;
        }
      });
      const ended = Promise.all(asking);
      // It is looked at below; until then nothing is to be told as unhandled.
      ended.catch(() => {});
      await within(old.gateway.close(), "the end of the old gateway", 60_000);
      const before = answered;
      await eventually(() => answered > before + 100);
      isOver = true;
      await ended;
      assertEquals(old.gateway.stats().moves, {
        asked: CLIENTS,
        late: 0,
        closed: 0,
      });
      assertEquals(next.gateway.stats().clients, CLIENTS);
      assertEquals(states.includes("waiting"), false);
      assert(next.gateway.stats().clientFrames > CLIENTS);
      assertEquals(next.log.complaints, []);
    },
  );
}
