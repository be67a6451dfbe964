// Client: over TCP against connections that the test serves, with time that the test makes.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Box, BoxError, Client } from "@maple/box";
import { bounded } from "../support.ts";
import { ClientPeerServer, newClient } from "./client_harness.ts";

Deno.test("Client logs in before anything else goes out, on each new connection", async () => {
  using server = new ClientPeerServer();
  const { client, states } = newClient();
  await using _ = client;
  const logins: string[] = [];
  client.onConnect(async (session) => {
    logins.push((await session.request({ cmd: 1, body: "me" })).text());
  });
  client.send({ cmd: 7, body: "first" });
  const opened = client.connect(server.url);
  for (const round of ["one", "two"]) {
    const peer = await server.accept();
    const login = await peer.expect(1);
    await peer.write(login.map({ body: round }));
    if (round === "one") {
      await bounded(opened);
      assertEquals((await peer.expect(7)).text(), "first");
      client.send({ cmd: 8 });
      await peer.expect(8);
      peer.close();
    } else {
      const answer = client.request({ cmd: 9 });
      await peer.write((await peer.expect(9)).map({ body: "yes" }));
      assertEquals((await bounded(answer)).text(), "yes");
    }
  }
  assertEquals(logins, ["one", "two"]);
  assertEquals(states, [
    ...["connecting", "open"],
    ...["waiting", "connecting", "open"],
  ]);
});

Deno.test("Client fails the requests in flight when the connection is lost, or sends them again where that is wanted", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient();
  await using _ = client;
  const opened = client.connect(server.url);
  const first = await server.accept();
  await bounded(opened);
  const failed = assertRejects(
    () => client.request({ cmd: 1 }),
    BoxError,
    "the connection is lost (closed by the server); the request may have been carried out",
  );
  const again = client.request({ cmd: 2 }, { retry: true });
  await first.expect(1);
  await first.expect(2);
  first.close();
  await bounded(failed);
  const second = await server.accept();
  const request = await second.expect(2);
  await second.write(request.map({ body: "done" }));
  assertEquals((await bounded(again)).text(), "done");
});

Deno.test("Client tries again until the server is there", async () => {
  using server = new ClientPeerServer();
  server.stop();
  const { client, until } = newClient();
  await using _ = client;
  const opened = client.connect(server.url);
  const error = await until("waiting");
  assert(error instanceof BoxError);
  assertEquals(error.code, "closed");
  server.restart();
  await server.accept();
  await bounded(opened);
  assertEquals(client.state, "open");
});

Deno.test("Client gives a connection up whose onConnect fails, and makes it anew", async () => {
  using server = new ClientPeerServer();
  const { client, until } = newClient();
  await using _ = client;
  let tries = 0;
  client.onConnect(() => {
    if (++tries === 1) throw new Error("no ticket yet");
  });
  const opened = client.connect(server.url);
  const [error, first] = await Promise.all([until("waiting"), server.accept()]);
  assertEquals((error as Error).message, "no ticket yet");
  assertEquals(await first.read(), null);
  await server.accept();
  await bounded(opened);
});

Deno.test("Client gives up a request that waits for a connection when its time is over", async () => {
  using server = new ClientPeerServer();
  server.stop();
  const { client } = newClient();
  await using _ = client;
  client.connect(server.url).catch(() => {});
  await assertRejects(
    () => client.request({ cmd: 1 }, { timeout: 0.03 }),
    BoxError,
    "Cannot get an answer: not done within 0.03 s",
  );
  server.restart();
  const peer = await server.accept();
  client.send({ cmd: 2 });
  await peer.expect(2);
});

Deno.test("Client keeps so much for the next connection, and refuses more", () => {
  const { client } = newClient({ maxOfflineBytes: 100 });
  client.send({ cmd: 1, body: new Uint8Array(50) });
  assertThrows(
    () => client.send({ cmd: 1, body: new Uint8Array(50) }),
    BoxError,
    "Cannot send: there is no connection and 74 bytes wait for one (maxOfflineBytes)",
  );
  client.close();
  assertThrows(() => client.send({ cmd: 1 }), BoxError, "the client is closed");
});

Deno.test("Client gives pushes to their handlers and the rest to whoever iterates", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient();
  const seen: string[] = [];
  client.on(100, (box) => seen.push(box.text()));
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  for (
    const [cmd, body] of [[100, "a"], [5, "b"], [100, "c"], [6, "d"]] as const
  ) {
    await peer.write(new Box({ cmd, body }));
  }
  const rest: string[] = [];
  for await (const box of client) {
    if (rest.push(box.text()) === 2) client.close();
  }
  assertEquals([seen, rest], [["a", "c"], ["b", "d"]]);
  await client[Symbol.asyncDispose]();
});

Deno.test("Client counts a connection as lost on which its heartbeats are not answered", async () => {
  using server = new ClientPeerServer();
  const { client, until } = newClient({ heartbeatCmd: 99, heartbeat: 0.1 });
  await using _ = client;
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  await peer.write((await peer.expect(99)).map({}));
  await peer.write(new Box({ cmd: 5, body: "news" }));
  for await (const box of client) {
    // An answer to a heartbeat is nobody's.
    assertEquals(box.text(), "news");
    break;
  }
  await peer.expect(99);
  const error = await until("waiting");
  assertEquals(
    (error as Error).message,
    "the connection is lost (no answer to a heartbeat within 0.1 s)",
  );
});

Deno.test("Client ends everything when it is closed, wherever it stands", async () => {
  using server = new ClientPeerServer();
  const abort = new AbortController();
  const { client, states } = newClient({ signal: abort.signal });
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  const failed = assertRejects(
    () => client.request({ cmd: 1 }, { retry: true }),
    BoxError,
    "the client is closed",
  );
  await peer.expect(1);
  abort.abort();
  await bounded(failed);
  assertEquals(await peer.read(), null);
  await bounded(client[Symbol.asyncDispose]());
  assertEquals(states.at(-1), "closed");
  await assertRejects(() => client.connect(server.url), BoxError, "closed");

  server.stop();
  const waiting = newClient({ minDelay: 20, maxDelay: 20 });
  const never = assertRejects(
    () => waiting.client.connect(server.url),
    BoxError,
    "the client is closed",
  );
  await waiting.until("waiting");
  await bounded(waiting.client[Symbol.asyncDispose]());
  await bounded(never);
});

Deno.test("Client says at once what it cannot connect to", async () => {
  const { client } = newClient();
  await assertRejects(
    () => client.connect("http://127.0.0.1/"),
    BoxError,
    "it must begin with ws://, wss://, tcp://, tls://",
  );
  assertEquals(client.state, "closed");
  assertThrows(
    () => new Client(Box, { timeout: -1 }),
    BoxError,
    "Option timeout",
  );
});
