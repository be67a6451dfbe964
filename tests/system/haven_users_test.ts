// Users of a haven server in several processes or threads: messages reach those of all, and a uid is
// logged in once.

import { assert, assertEquals } from "@std/assert";
import type { Box, BoxFields, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { pathOf } from "../helpers/paths.ts";
import { PERMISSIONS } from "../helpers/permissions.ts";
import { HavenProcess } from "./haven_process.ts";
import type { Wish } from "./programs/users_server.ts";

const SERVER = pathOf("../system/programs/users_server.ts");
const WORKERS = 4;

type Client = TcpClient<BoxFields>;

async function start(kind: "GHaven" | "THaven"): Promise<HavenProcess> {
  const options = JSON.stringify({ port: 0, workers: WORKERS, connsMax: 100 });
  return await HavenProcess.run([SERVER, kind, options], {
    permissions: PERMISSIONS.ghaven,
  });
}

/** Asks, and passes over what the server sends by itself. */
async function call(
  client: Client,
  cmd: number,
  wish: Wish = {},
): Promise<Box> {
  await client.write({ cmd, body: wish });
  for (;;) {
    const box = await client.read();
    if (!box) throw new Error("the connection was closed");
    if (box.cmd === cmd) return box as Box;
  }
}

async function uidOf(client: Client): Promise<number> {
  return (await call(client, 3)).json<{ uid: number }>().uid;
}

/** A client in each process or thread, and who answers them. */
async function spread(server: HavenProcess): Promise<Client[]> {
  const found = new Map<string, Client>();
  await eventually(async () => {
    const client = await server.connect();
    const { id } = (await call(client, 3)).json<{ id: string }>();
    if (found.has(id)) client.close();
    else found.set(id, client);
    return found.size === WORKERS;
  }, { timeout: 60_000, what: "a client in each process" });
  return [...found.values()];
}

for (const kind of ["GHaven", "THaven"] as const) {
  Deno.test({
    name:
      `${kind} with ${WORKERS}: messages reach users wherever they are, and a uid is logged in once`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using server = await start(kind);
      const clients = await spread(server);
      await using _end = {
        // deno-lint-ignore require-await
        async [Symbol.asyncDispose]() {
          for (const client of clients) client.close();
        },
      };
      const [a, b, c, d] = clients as [Client, Client, Client, Client];
      for (const [index, client] of clients.entries()) {
        assertEquals((await call(client, 1, { uid: 11 + index })).ret, 0);
      }
      // To some, by whoever asks.
      await d.write({ cmd: 4, body: { uids: [11, 13], text: "some" } });
      for (const client of [a, c]) {
        const box = await client.read();
        assertEquals([box?.cmd, box?.text()], [9, "some"]);
      }
      assertEquals((await d.read())?.cmd, 4);
      // To all; a large one too.
      for (const text of ["all", "x".repeat(1_000_000)]) {
        await a.write({ cmd: 4, body: { uids: [-2], text } });
        for (const client of clients) {
          const box = await client.read();
          assertEquals(box?.cmd, 9);
          assert(box?.text() === text);
        }
        assertEquals((await a.read())?.ret, 0);
      }
      // To a group with members in some of them.
      for (const client of [a, b, d]) {
        assertEquals((await call(client, 6, { name: "room" })).ret, 0);
      }
      await c.write({ cmd: 7, body: { name: "room", text: "to the room" } });
      for (const client of [a, b, d]) {
        const box = await client.read();
        assertEquals([box?.cmd, box?.text()], [9, "to the room"]);
      }
      assertEquals((await c.read())?.cmd, 7);
      // What became of a message, and who is there, all of them tell.
      const receipt = await call(b, 8, { uids: [11, 14, 15], text: "r" });
      assertEquals(receipt.json(), {
        ...{ delivered: 2, offline: [15], complete: true },
      });
      for (const client of [a, d]) {
        assertEquals((await client.read())?.text(), "r");
      }
      const there = await call(c, 10, { uids: [15, 14, 11], name: "none" });
      assertEquals(there.json(), {
        ...{ online: [14, 11], users: [11, 12, 13, 14] },
        ...{ size: 0, members: [] },
      });
      // A login elsewhere moves the user.
      assertEquals((await call(d, 1, { uid: 11 })).ret, 0);
      await eventually(async () => await uidOf(a) === 0);
      assertEquals(await uidOf(d), 11);
      await b.write({ cmd: 4, body: { uids: [11], text: "moved" } });
      assertEquals((await d.read())?.text(), "moved");
      assertEquals((await b.read())?.cmd, 4);
      assertEquals(await uidOf(a), 0);
      // All at once, again and again: one has it in the end.
      for (let round = 0; round < 20; round++) {
        const uid = 100 + round;
        await Promise.all(clients.map((client) => call(client, 1, { uid })));
        await eventually(async () => {
          const uids = await Promise.all(clients.map(uidOf));
          assert(uids.includes(uid), "nobody is logged in");
          return uids.filter((one) => one === uid).length === 1;
        });
      }
      // Users of all are disconnected.
      const winners = await Promise.all(clients.map(uidOf));
      const last = clients[winners.indexOf(119)]!;
      const asker = clients.find((client) => client !== last)!;
      await call(asker, 5, { uids: [119] });
      assertEquals(await last.read(), null);
      assertEquals(server.stderr.includes("WARN"), false, server.stderr);
    },
  });
}
