// Client: by TLS and by WebSocket.

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Box, BoxError } from "@maple/box";
import { hasOpenssl, localCertificate } from "../../helpers/certificates.ts";
import { bounded } from "../support.ts";
import { ClientPeerServer, newClient } from "./client_harness.ts";

// Deno's WebSockets take no certificates there.
const IS_OLD = Deno.version.deno.startsWith("2.4.");
const LOOPBACK = { hostname: "127.0.0.1", port: 0, onListen() {} };

// Echoes by WebSocket, speaks text to who asks for it with cmd 2, and closes at cmd 3.
function echo(request: Request): Response {
  if (request.headers.get("upgrade") === null) return new Response("a page");
  const { socket, response } = Deno.upgradeWebSocket(request, {
    protocol: "maple",
  });
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    const { cmd } = Box.fromFrame(new Uint8Array(data));
    if (cmd === 2) socket.send("some text");
    else if (cmd === 3) socket.close(4000, "enough");
    else socket.send(data);
  };
  return response;
}

Deno.test({
  name:
    "Client trusts the authorities that it is given, by tls:// and wss://, and no others",
  ignore: !hasOpenssl,
}, async () => {
  const { authority, ...files } = await localCertificate();
  const cert = Deno.readTextFileSync(files.cert);
  const key = Deno.readTextFileSync(files.key);
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    key,
    cert,
  });
  const serving = (async () => {
    for await (const conn of listener) {
      conn.readable.pipeTo(conn.writable).catch(() => {});
    }
  })();
  await using server = Deno.serve({ ...LOOPBACK, key, cert }, echo);
  for (
    const url of [
      `tls://localhost:${listener.addr.port}`,
      `wss://localhost:${server.addr.port}/`,
    ]
  ) {
    const { client, until } = newClient();
    client.connect(url);
    const error = await until("waiting");
    assert(error instanceof BoxError);
    assertEquals(error.code, "closed");
    assertMatch(error.message, /^Cannot connect to (tls|wss):\/\/localhost:/);
    await bounded(client[Symbol.asyncDispose]());

    const trusting = newClient({ caCerts: [authority] });
    await using trusted = trusting.client;
    if (url.startsWith("wss:") && IS_OLD) {
      await assertRejects(() => trusted.connect(url), BoxError, "needs Deno");
      continue;
    }
    await bounded(trusted.connect(url));
    const answer = await bounded(trusted.request({ cmd: 1, body: "hello" }));
    assertEquals(answer.text(), "hello");
  }
  listener.close();
  await serving;
});

Deno.test("Client gives a server up that does not shake hands, when its time is over or it is closed", async () => {
  using server = new ClientPeerServer();
  const url = server.url.replace("tcp:", "tls:");
  const { client, until } = newClient({ timeout: 0.05 });
  client.connect(url);
  await server.accept();
  assertMatch(`${await until("waiting")}`, /not connected within 0.05 s/);
  await bounded(client[Symbol.asyncDispose]());

  const patient = newClient({ timeout: 0 });
  patient.client.connect(url);
  await server.accept();
  await bounded(patient.client[Symbol.asyncDispose]());
});

Deno.test("Client connects by WebSocket, and tells why one has ended", async () => {
  await using server = Deno.serve(LOOPBACK, echo);
  const { client, until } = newClient();
  await using _ = client;
  await bounded(client.connect(`ws://127.0.0.1:${server.addr.port}/`));
  const answer = await bounded(client.request({ cmd: 1, body: "hello" }));
  assertEquals(answer.text(), "hello");
  for (
    const [cmd, reason] of [
      [2, "the server sent text, which is no box"],
      [3, "closed by the server, code 4000: enough"],
    ] as const
  ) {
    const [error] = await Promise.all([
      until("waiting"),
      Promise.resolve(client.send({ cmd })),
    ]);
    assertEquals(
      (error as Error).message,
      `the connection is lost (${reason})`,
    );
    await until("open");
  }
});
