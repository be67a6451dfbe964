// Client: what it says about requests whose connection is lost, and what goes out when.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Box, BoxError, type BoxFields, type ClientSession } from "@maple/box";
import { bounded } from "../support.ts";
import { ClientPeerServer, newClient } from "./client_harness.ts";

async function failure(request: Promise<unknown>): Promise<BoxError> {
  const error = await bounded(assertRejects(() => request));
  assert(error instanceof BoxError);
  return error;
}

Deno.test("Client says of a request that failed whether it may have been carried out", async () => {
  using server = new ClientPeerServer();
  const { client, until } = newClient();
  await using _ = client;
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  const late = await failure(client.request({ cmd: 1 }, { timeout: 0.02 }));
  assertEquals([late.code, late.maybeDone], ["timeout", true]);
  const lost = failure(client.request({ cmd: 2 }));
  const again = failure(client.request({ cmd: 3 }, { retry: true }));
  for (const cmd of [1, 2, 3]) await peer.expect(cmd);
  server.stop();
  peer.close();
  await until("waiting");
  const { code, maybeDone, message } = await lost;
  assertEquals([code, maybeDone], ["closed", true]);
  assertEquals(
    message,
    "Cannot get an answer: the connection is lost (closed by the server); the request may have been carried out",
  );
  const unsent = await failure(client.request({ cmd: 4 }, { timeout: 0.02 }));
  assertEquals([unsent.code, unsent.maybeDone], ["timeout", false]);
  assertEquals(
    unsent.message,
    "Cannot get an answer: not done within 0.02 s; the request was not sent",
  );
  const waits = failure(client.request({ cmd: 5 }));
  client.close();
  assertEquals((await waits).maybeDone, false);
  // It was sent, on the connection before.
  assertEquals((await again).maybeDone, true);
});

Deno.test("Client sends nothing of a request whose signal was aborted before", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient();
  await using _ = client;
  const signal = AbortSignal.abort(new Error("not any more"));
  client.onConnect(async (session) => {
    await assertRejects(
      () => session.request({ cmd: 1 }, { signal }),
      Error,
      "not any more",
    );
  });
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  await assertRejects(
    () => client.request({ cmd: 2 }, { signal }),
    Error,
    "not any more",
  );
  client.send({ cmd: 3 });
  await peer.expect(3);
});

Deno.test("Client sends what has waited before what is sent when it is told that it is open", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient();
  await using _ = client;
  client.onStateChange((state) => {
    if (state === "open") client.send({ cmd: 3 });
  });
  client.send({ cmd: 1 });
  client.send({ cmd: 2 });
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  for (const cmd of [1, 2, 3]) await peer.expect(cmd);
});

Deno.test("Client's session is that of its connection, and of no later one", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient();
  await using _ = client;
  const sessions: ClientSession<BoxFields>[] = [];
  client.onConnect((session) => sessions.push(session));
  const opened = client.connect(server.url);
  (await server.accept()).close();
  const peer = await server.accept();
  await bounded(opened);
  const error = await failure(sessions[0]!.request({ cmd: 1 }));
  assertEquals(
    [error.code, error.maybeDone, error.message],
    [
      "closed",
      false,
      "Cannot send: this connection is lost; the request was not sent",
    ],
  );
  assertThrows(() => sessions[0]!.send({ cmd: 1 }), BoxError, "is lost");
  sessions.at(-1)!.send({ cmd: 2 });
  await peer.expect(2);
});

Deno.test("Client refuses to send more when the server does not read", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient({ maxPendingBytes: 1000 });
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  const body = new Uint8Array(1024 * 1024);
  // One goes out however long it is, and the system takes some more.
  const error = assertThrows(() => {
    for (let i = 0; i < 200; i++) client.send({ cmd: 1, body });
  }, BoxError);
  assertEquals(error.code, "limit");
  assert(error.message.endsWith("does not read (maxPendingBytes)"));
  const request = await failure(client.request({ cmd: 2, body }));
  assertEquals([request.code, request.maybeDone], ["limit", false]);
  assertEquals(client.state, "open");
  peer.close();
  await bounded(client[Symbol.asyncDispose]());
});

Deno.test("Client uses serial numbers again on a new connection, though some were never answered", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient();
  await using _ = client;
  const opened = client.connect(server.url);
  const first = await server.accept();
  await bounded(opened);
  await failure(client.request({ cmd: 1 }, { timeout: 0.02 }));
  const { sn } = await first.expect(1);
  first.close();
  const second = await server.accept();
  client.send({ cmd: 2 });
  await second.expect(2);
  // A push that happens to have that number is no late answer here.
  await second.write(new Box({ cmd: 9, sn, body: "news" }));
  for await (const box of client) {
    assertEquals(box.text(), "news");
    break;
  }
});

Deno.test("Client that is closed by a handler gives it no further box", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient();
  const seen: string[] = [];
  client.on(100, (box) => {
    seen.push(box.text());
    client.close();
  });
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  const push = (body: string) => new Box({ cmd: 100, body }).pack();
  await peer.writeBytes(new Uint8Array([...push("a"), ...push("b")]));
  assertEquals(await peer.read(), null);
  assertEquals(seen, ["a"]);
  await client[Symbol.asyncDispose]();
});

Deno.test("Client sends what was sent just before it is closed", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient();
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  client.send({ cmd: 1, body: "bye" });
  await client[Symbol.asyncDispose]();
  assertEquals((await peer.expect(1)).text(), "bye");
  assertEquals(await peer.read(), null);
});

Deno.test("Client tells errors of handlers as uncaught errors, and goes on", async () => {
  using server = new ClientPeerServer();
  const uncaught: string[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    uncaught.push(event.message);
  };
  globalThis.addEventListener("error", onError);
  try {
    const { client } = newClient();
    await using _ = client;
    client.onStateChange((state) => {
      if (state === "open") throw new Error("in the state's handler");
    });
    client.on(100, () => {
      throw new Error("in the box's handler");
    });
    const opened = client.connect(server.url);
    const peer = await server.accept();
    await bounded(opened);
    await peer.write(new Box({ cmd: 100 }));
    await peer.write(new Box({ cmd: 5 }));
    for await (const box of client) {
      assertEquals(box.cmd, 5);
      break;
    }
    assertEquals(uncaught, [
      "Uncaught Error: in the state's handler",
      "Uncaught Error: in the box's handler",
    ]);
  } finally {
    globalThis.removeEventListener("error", onError);
  }
});

Deno.test("Client tries again at once when a browser says that the network is back", async () => {
  using server = new ClientPeerServer();
  server.stop();
  const { client, until } = newClient({ minDelay: 600, maxDelay: 600 });
  await using _ = client;
  const opened = client.connect(server.url);
  await until("waiting");
  server.restart();
  globalThis.dispatchEvent(new Event("online"));
  await server.accept();
  await bounded(opened);
});

Deno.test("Client that nobody waits for can be closed before it is open", async () => {
  const { client } = newClient();
  // Were its rejection nobody's, the program would end.
  client.connect("tcp://127.0.0.1:1");
  await bounded(client[Symbol.asyncDispose]());
  assertEquals(client.state, "closed");
});

Deno.test("Client refuses options and addresses that cannot be right", async () => {
  for (
    const [options, message] of [
      [{ minDelay: 0 }, "Option minDelay must be a number from 0.01"],
      [
        { minDelay: 40, maxDelay: 30 },
        "Option maxDelay must be at least minDelay",
      ],
      [{ heartbeatCmd: 1.5 }, "Option heartbeatCmd must be a whole number"],
      [{ maxOfflineBytes: -1 }, "Option maxOfflineBytes must be"],
      [{ frameBytes: 0 }, "Option frameBytes must be"],
      [
        { maxFrameBytes: 1 } as object,
        "Option maxFrameBytes is called frameBytes now",
      ],
    ] as const
  ) assertThrows(() => newClient(options), BoxError, message);
  for (
    const [url, message] of [
      ["no address", "Cannot connect to no address: it must begin with ws://"],
      ["tcp://127.0.0.1", "its port must be a whole number from 1 to 65535"],
      ["ws://127.0.0.1:1/#place", "Cannot connect to ws://127.0.0.1:1/#place"],
    ] as const
  ) {
    const { client, states } = newClient();
    await assertRejects(() => client.connect(url), BoxError, message);
    assertEquals(states, ["connecting", "closed"]);
  }
});
