import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Box, BoxError, TcpClient } from "@maple/box";
import { Server } from "../box_server.ts";
import { bounded, readBytes, readToEnd, turns } from "../support.ts";

Deno.test("TcpClient.connect() says what cannot be reached", async () => {
  // A port that only the system's administrator could listen at.
  const client = new TcpClient(Box, "127.0.0.1", 1, { timeout: 10 });
  const error = await assertRejects(
    () => client.connect(),
    BoxError,
    "Cannot connect to 127.0.0.1:1: ",
  );
  assertEquals(error.code, "closed");
  assertStringIncludes(error.message, "refused");
  assertInstanceOf(error.cause, Deno.errors.ConnectionRefused);
  assertStrictEquals(client.closed, true);
});

/** Puts another function in the place of `Deno.connect`. */
function replaceConnect(
  connect: (options: Deno.ConnectOptions) => Promise<Deno.Conn>,
): Disposable {
  const real = Deno.connect;
  Object.assign(Deno, { connect });
  return {
    [Symbol.dispose]: () => void Object.assign(Deno, { connect: real }),
  };
}

Deno.test("TcpClient.connect() times out, and closes a connection that comes late", async () => {
  using server = new Server();
  const late = Promise.withResolvers<Deno.Conn>();
  const client = new TcpClient(Box, "127.0.0.1", server.port, {
    timeout: 0.01,
  });
  {
    using _ = replaceConnect(() => late.promise);
    const error = await assertRejects(
      () => client.connect(),
      BoxError,
      `Cannot connect to 127.0.0.1:${server.port}: not done within 0.01 s`,
    );
    assertEquals(error.code, "timeout");
  }
  assertStrictEquals(client.closed, true);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const far = await server.accept();
  late.resolve(conn);
  assertEquals(await readToEnd(far), new Uint8Array(0));
  assertStrictEquals(client.closed, true);
});

Deno.test("TcpClient.connect() makes one connection however often it is called", async () => {
  using server = new Server();
  await using client = new TcpClient(Box, "127.0.0.1", server.port);
  const connects = [client.connect(), client.connect()];
  const conn = await server.accept();
  await bounded(Promise.all(connects));
  await client.connect();
  await client.write({ cmd: 1 });
  assertEquals((await readBytes(conn, 24)).length, 24);
  client.close();
  // The next connection that the server sees is the next one made.
  const [second] = await Promise.all([server.accept(), client.connect()]);
  await client.write({ cmd: 2 });
  assertEquals(Box.fromFrame(await readBytes(second, 24)).cmd, 2);
});

Deno.test("TcpClient.connect() fails when the client is closed meanwhile", async () => {
  using server = new Server();
  await using client = new TcpClient(Box, "127.0.0.1", server.port);
  const connecting = client.connect();
  client.close();
  const again = client.connect();
  const error = await assertRejects(
    () => bounded(connecting),
    BoxError,
    "Cannot connect",
  );
  assertEquals(error.code, "closed");
  const conns = [await server.accept(), await server.accept()];
  await bounded(again);
  assertStrictEquals(client.closed, false);
  await client.write({ cmd: 9 });
  client.close();
  const got = await Promise.all(conns.map(readToEnd));
  assertEquals(got.map((bytes) => bytes.length).sort(), [0, 24]);
});

Deno.test("TcpClient.connect() connects again after it has failed", async () => {
  using server = new Server();
  await using client = new TcpClient(Box, "127.0.0.1", server.port);
  {
    using _ = replaceConnect(() => Promise.reject(new Error("no route")));
    await assertRejects(() => client.connect(), BoxError, "no route");
  }
  await bounded(client.connect());
  await client.write({ cmd: 1 });
  assertEquals((await readBytes(await server.accept(), 24)).length, 24);
});

Deno.test("TcpClient.write() fails where there is no connection", async () => {
  const client = new TcpClient(Box, "127.0.0.1", 1);
  for (
    const write of [
      () => client.write({ cmd: 1 }),
      () => client.writeBytes(new Uint8Array(1)),
    ]
  ) {
    const error = await assertRejects(
      write,
      BoxError,
      "Cannot write: it is not connected",
    );
    assertEquals(error.code, "closed");
  }
});

Deno.test("TcpClient.write() times out when the server does not read", async () => {
  using server = new Server();
  const { client, conn } = await server.connected(0.1);
  await using _ = client;
  const large = new Box({ body: new Uint8Array(12_000_000) });
  const error = await assertRejects(
    () => client.write(large),
    BoxError,
    "Cannot write: not done within 0.1 s",
  );
  assertEquals(error.code, "timeout");
  const full = await assertRejects(
    () => client.write(large),
    BoxError,
    "the server does not read",
  );
  assertEquals(full.code, "limit");
  // It has been queued all the same and arrives when the server reads.
  const bytes = await readBytes(conn, 12_000_024);
  assertEquals(bytes.length, 12_000_024);
});

Deno.test("TcpClient.write() fails when the client is closed before all is sent", async () => {
  using server = new Server();
  const { client } = await server.connected();
  const writing = client.write({ body: new Uint8Array(12_000_000) });
  await turns();
  client.close();
  const error = await assertRejects(
    () => bounded(writing),
    BoxError,
    "closed before all was sent",
  );
  assertEquals(error.code, "closed");
});

Deno.test("TcpClient.write() fails when the server breaks the connection", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  const writing = client.write({ body: new Uint8Array(12_000_000) });
  await readBytes(conn, 1);
  conn.close();
  const error = await assertRejects(
    () => bounded(writing),
    BoxError,
    "Cannot write: the connection is gone",
  );
  assertEquals(error.code, "closed");
  assertEquals(
    (await assertRejects(() => client.write({ cmd: 1 }), BoxError)).code,
    "closed",
  );
  assertStrictEquals(await bounded(client.read()), null);
  assertStrictEquals(client.closed, true);
});

Deno.test("TcpClient can be disposed of with a read under way that has timed out", async () => {
  using server = new Server();
  const { client } = await server.connected(0.01);
  await assertRejects(() => client.read(), BoxError);
  await bounded(client[Symbol.asyncDispose]());
  await bounded(client[Symbol.asyncDispose]());
  assertStrictEquals(client.closed, true);
});

Deno.test("TcpClient refuses a timeout that no timer can keep", () => {
  for (const timeout of [-1, NaN, Infinity, 2_147_484]) {
    const error = assertThrows(
      () => new TcpClient(Box, "127.0.0.1", 1, { timeout }),
      BoxError,
      `Option timeout must be a number from 0 to 2147483, got ${timeout}`,
    );
    assertEquals(error.code, "option");
  }
  assert(new TcpClient(Box, "127.0.0.1", 1, { timeout: 2_147_483 }));
});

Deno.test("TcpClient is closed when its signal is aborted, and connects no more", async () => {
  using server = new Server();
  const control = new AbortController();
  const client = new TcpClient(Box, "127.0.0.1", server.port, {
    signal: control.signal,
  });
  await bounded(client.connect());
  const far = await server.accept();
  const reading = client.read();
  control.abort();
  assertStrictEquals(await bounded(reading), null);
  assertStrictEquals(client.closed, true);
  assertEquals(await readToEnd(far), new Uint8Array(0));
  const error = await assertRejects(() => client.connect(), BoxError);
  assertEquals(error.code, "closed");
});

Deno.test("TcpClient gives up connecting when its signal is aborted", async () => {
  const control = new AbortController();
  const client = new TcpClient(Box, "127.0.0.1", 1, { signal: control.signal });
  // What Deno.connect does with a signal.
  using _ = replaceConnect((options) =>
    new Promise((_, reject) =>
      options.signal!.addEventListener(
        "abort",
        () => reject(options.signal!.reason),
      )
    )
  );
  const connecting = assertRejects(() => client.connect(), BoxError);
  control.abort("enough");
  const error = await bounded(connecting);
  assertEquals(error.code, "closed");
  assertEquals(
    error.message,
    "Cannot connect to 127.0.0.1:1: its signal is aborted",
  );
  assertStrictEquals(client.closed, true);
});
