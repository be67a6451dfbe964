import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { Box, BoxError, FrameReader, LineBox, TcpClient } from "@maple/box";
import {
  bounded,
  joined,
  readBytes,
  readToEnd,
  turns,
  utf8,
  writeAll,
} from "../support.ts";
import { Server } from "../box_server.ts";

function packed(count: number): Uint8Array[] {
  return Array.from(
    { length: count },
    (_, sn) => new Box({ sn, body: `body ${sn}` }).pack(),
  );
}

async function readSome(conn: Deno.Conn): Promise<Uint8Array> {
  const buffer = new Uint8Array(64 * 1024);
  const count = await bounded(conn.read(buffer));
  return buffer.slice(0, count ?? 0);
}

Deno.test("TcpClient writes boxes and fields, and reads boxes", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  assertStrictEquals(client.closed, false);
  await client.write(new Box({ cmd: 1, sn: 5, body: "box" }));
  await client.write({ cmd: 2, body: { json: true } });
  const expected = joined([
    new Box({ cmd: 1, sn: 5, body: "box" }).pack(),
    new Box({ cmd: 2, body: '{"json":true}' }).pack(),
  ]);
  assertEquals(await readBytes(conn, expected.length), expected);

  await writeAll(conn, new Box({ cmd: 1, ret: -3, body: "reply" }).pack());
  const reply = await bounded(client.read());
  assertInstanceOf(reply, Box);
  assertEquals([reply.cmd, reply.ret, reply.text()], [1, -3, "reply"]);
});

Deno.test("TcpClient.writeBytes() sends bytes as they are", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  await client.writeBytes(utf8("no box"));
  assertEquals(await readBytes(conn, 6), utf8("no box"));
});

Deno.test("TcpClient.write() makes one write of many calls without await", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  const boxes = packed(50);
  await bounded(
    Promise.all(boxes.map((_, sn) => client.write({ sn, body: `body ${sn}` }))),
  );
  const first = new Uint8Array(65536);
  const count = await bounded(conn.read(first));
  assertEquals(first.subarray(0, count!), joined(boxes));
});

Deno.test("TcpClient.write() refuses what makes no box, and stays connected", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  const wrong = await assertRejects(
    () => client.write({ cmd: 2 ** 31 }),
    BoxError,
    'Cannot pack field "cmd"',
  );
  assertEquals(wrong.code, "value");
  await client.write({ cmd: 3 });
  assertEquals((await readBytes(conn, 24)).length, 24);
});

Deno.test("TcpClient.read() gives boxes in bytes of their own, however they come", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  const frames = packed(100);
  const bytes = joined(frames);
  const sending = (async () => {
    await writeAll(conn, bytes.subarray(0, 30));
    await turns();
    await writeAll(conn, bytes.subarray(30, 1001));
    await turns();
    await writeAll(conn, bytes.subarray(1001));
  })();
  const bodies: Uint8Array[] = [];
  for (let sn = 0; sn < 100; sn++) {
    const box = await bounded(client.read());
    assertEquals(box?.sn, sn);
    bodies.push(box!.body);
  }
  await sending;
  assertEquals(bodies, frames.map((frame) => frame.subarray(24)));
});

Deno.test("TcpClient.read() serves several reads at a time in order", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  const reads = Array.from({ length: 20 }, () => client.read());
  await writeAll(conn, joined(packed(20)));
  const boxes = await bounded(Promise.all(reads));
  assertEquals(boxes.map((box) => box?.sn), [...Array(20).keys()]);
});

Deno.test("TcpClient.read() loses nothing when it times out", async () => {
  using server = new Server();
  const { client, conn } = await server.connected(0.03);
  await using _ = client;
  const [one, two] = packed(2) as [Uint8Array, Uint8Array];
  const timedOut = () =>
    assertRejects(() => client.read(), BoxError, "not done within 0.03 s");
  assertEquals((await timedOut()).code, "timeout");
  await writeAll(conn, one.subarray(0, 10));
  await timedOut();
  await timedOut();
  await writeAll(conn, one.subarray(10));
  assertEquals((await bounded(client.read()))?.sn, 0);
  await Promise.all([timedOut(), timedOut()]);
  await writeAll(conn, two);
  assertEquals((await bounded(client.read()))?.sn, 1);
  assertStrictEquals(client.closed, false);
});

Deno.test("TcpClient.read() gives null when the server closes, after all boxes", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  await writeAll(conn, joined([...packed(2), utf8("half")]).subarray(0, -1));
  conn.close();
  assertEquals((await bounded(client.read()))?.sn, 0);
  assertEquals((await bounded(client.read()))?.sn, 1);
  assertStrictEquals(client.closed, false);
  assertStrictEquals(await bounded(client.read()), null);
  assertStrictEquals(client.closed, true);
  assertStrictEquals(await bounded(client.read()), null);
});

Deno.test("TcpClient.read() gives null when the client closes", async () => {
  using server = new Server();
  const { client } = await server.connected();
  const reads = [client.read(), client.read()];
  await turns();
  client.close();
  client.close();
  assertEquals(await bounded(Promise.all(reads)), [null, null]);
  assertStrictEquals(await bounded(client.read()), null);
});

Deno.test("TcpClient.read() gives null before it is connected", async () => {
  const client = new TcpClient(Box, "127.0.0.1", 1);
  assertStrictEquals(client.closed, true);
  assertStrictEquals(await bounded(client.read()), null);
});

Deno.test("TcpClient.read() refuses garbage and closes the connection", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  await writeAll(conn, joined([...packed(1), utf8("HTTP/1.1 400 Bad")]));
  assertEquals((await bounded(client.read()))?.sn, 0);
  const error = await assertRejects(
    () => bounded(client.read()),
    BoxError,
    "they do not begin with its magic number (first bytes: 48 54 54 50",
  );
  assertEquals(error.code, "frame");
  assertStrictEquals(client.closed, true);
  assertStrictEquals(await bounded(client.read()), null);
  assertEquals(await readToEnd(conn), new Uint8Array(0));
});

Deno.test("TcpClient.read() refuses a box above frameBytes", async () => {
  using server = new Server();
  const client = new TcpClient(Box, "127.0.0.1", server.port, {
    frameBytes: 100,
  });
  await using _ = client;
  const [conn] = await Promise.all([server.accept(), client.connect()]);
  await writeAll(conn, new Box({ body: new Uint8Array(77) }).pack());
  await assertRejects(() => client.read(), BoxError, "limit of 100 bytes");
});

Deno.test("TcpClient iterates over the boxes until the connection is closed", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  await writeAll(conn, joined(packed(5)));
  conn.close();
  const sns: number[] = [];
  for await (const box of client) sns.push(box.sn);
  assertEquals(sns, [0, 1, 2, 3, 4]);
});

Deno.test("TcpClient can be read on after an iteration was left", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  await writeAll(conn, joined(packed(3)));
  for await (const box of client) {
    if (box.sn === 1) break;
  }
  assertEquals((await bounded(client.read()))?.sn, 2);
});

Deno.test("TcpClient speaks other framings", async () => {
  using server = new Server();
  const client = new TcpClient(LineBox, "127.0.0.1", server.port);
  await using _ = client;
  const [conn] = await Promise.all([server.accept(), client.connect()]);
  await client.write({ body: "hello" });
  assertEquals(await readBytes(conn, 6), utf8("hello\n"));
  await writeAll(conn, utf8("hi\r\n"));
  assertEquals((await bounded(client.read()))?.text(), "hi");
});

Deno.test("TcpClient.request() matches 1,000 requests in flight with their answers, in any order", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  const answers = Promise.all(Array.from(
    { length: 1000 },
    (_, i) => client.request({ cmd: 1, body: `${i}` }),
  ));
  const requests = new FrameReader(Box);
  const replies: Uint8Array[] = [];
  while (replies.length < 1000) {
    requests.push(await readSome(conn));
    for (let frame = requests.next(); frame; frame = requests.next()) {
      const request = Box.fromFrame(frame);
      replies.unshift(request.map({ body: `re ${request.text()}` }).pack());
    }
  }
  await writeAll(conn, joined(replies));
  const texts = (await bounded(answers)).map((box) => box.text());
  assertEquals(texts, Array.from({ length: 1000 }, (_, i) => `re ${i}`));
});

Deno.test("TcpClient.on() gets the pushes of its cmd, and read the rest, while a request waits", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  const pushes: string[] = [];
  const off = client.on(100, (box) => pushes.push(box.text()));
  const answer = client.request({ cmd: 100 });
  await writeAll(
    conn,
    joined([
      new Box({ cmd: 100, body: "a push" }).pack(),
      new Box({ cmd: 7, body: "other" }).pack(),
      new Box({ cmd: 100, sn: 1, body: "the answer" }).pack(),
    ]),
  );
  assertEquals((await bounded(answer)).text(), "the answer");
  assertEquals(pushes, ["a push"]);
  assertEquals((await bounded(client.read()))?.text(), "other");
  off();
  await writeAll(conn, new Box({ cmd: 100, body: "unhandled" }).pack());
  assertEquals((await bounded(client.read()))?.text(), "unhandled");
});

Deno.test("TcpClient.on() may come before connect, and outlives a connection", async () => {
  using server = new Server();
  await using client = new TcpClient(Box, "127.0.0.1", server.port);
  const seen: string[] = [];
  let onSeen = () => {};
  client.on(1, (box) => {
    seen.push(box.text());
    onSeen();
  });
  for (const body of ["first", "second"]) {
    const [conn] = await Promise.all([server.accept(), client.connect()]);
    const came = new Promise<void>((resolve) => onSeen = resolve);
    await writeAll(conn, new Box({ cmd: 1, body }).pack());
    await bounded(came);
    client.close();
  }
  assertEquals(seen, ["first", "second"]);
});

Deno.test("TcpClient.request() fails when the answer does not come in time, and goes on", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  await assertRejects(
    () => client.request({ cmd: 1 }, { timeout: 0.02 }),
    BoxError,
    "Cannot get an answer: not done within 0.02 s",
  );
  const next = client.request({ cmd: 1 });
  await writeAll(
    conn,
    joined([
      new Box({ cmd: 1, sn: 1, body: "late" }).pack(),
      new Box({ cmd: 1, sn: 2, body: "in time" }).pack(),
    ]),
  );
  assertEquals((await bounded(next)).text(), "in time");
});

Deno.test("TcpClient.request() fails when the connection is lost, by whomever", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  await Promise.all([
    bounded(assertRejects(
      () => client.request({ cmd: 1 }),
      BoxError,
      "Cannot get an answer: the connection is gone (the server closed it)",
    )),
    readSome(conn).then(() => conn.close()),
  ]);
  assertStrictEquals(client.closed, true);
  await assertRejects(
    () => client.request({ cmd: 1 }),
    BoxError,
    "Cannot send a request: it is not connected",
  );
  await Promise.all([server.accept(), client.connect()]);
  const closed = assertRejects(
    () => client.request({ cmd: 1 }),
    BoxError,
    "the connection is gone (closed by this side)",
  );
  client.close();
  await bounded(closed);
});

Deno.test("TcpClient tells garbage to the next read when a request was waiting", async () => {
  using server = new Server();
  const { client, conn } = await server.connected();
  await using _ = client;
  const answer = assertRejects(
    () => client.request({ cmd: 1 }),
    BoxError,
    "Cannot get an answer: the connection is gone",
  );
  await writeAll(
    conn,
    utf8("GET / HTTP/1.1 and so on, long enough for a header"),
  );
  await bounded(answer);
  await assertRejects(
    () => client.read(),
    BoxError,
    "they do not begin with its magic number",
  );
  assertEquals(await client.read(), null);
});
