// Haven: its limits, and clients that do not behave.

import { assertEquals, assertThrows } from "@std/assert";
import { Box, RET } from "@maple/box";
import { HavenError } from "@maple/haven";
import { call, HavenFixture, readToEnd, startEcho } from "./haven_fixture.ts";

Deno.test("Haven takes frames byte by byte", async () => {
  await using server = await startEcho();
  await using client = await server.connect();
  const frames = [1, 2].flatMap((sn) => [
    ...new Box({ cmd: 1, sn, body: `frame ${sn}` }).pack(),
  ]);
  using conn = await server.connectRaw();
  conn.setNoDelay(true);
  for (const byte of frames) {
    await conn.write(Uint8Array.of(byte));
    // A round trip of another connection: the byte is read by itself.
    await call(client, { cmd: 1 });
  }
  const answer = new Uint8Array(1000);
  let count = 0;
  while (count < frames.length) {
    count += (await conn.read(answer.subarray(count)))!;
  }
  const [first, second] = [answer.subarray(0, 31), answer.subarray(31, 62)];
  assertEquals(Box.fromFrame(first).text(), "frame 1");
  assertEquals(Box.fromFrame(second).text(), "frame 2");
});

Deno.test("Haven gives one connection more the place of who has been silent longest", async () => {
  await using server = await startEcho({ connsMax: 2 });
  using silent = await server.connectRaw();
  await server.until(({ accepted }) => accepted === 1);
  await using first = await server.connect();
  assertEquals((await call(first, { cmd: 1, body: "a" }))?.text(), "a");
  await using second = await server.connect();
  assertEquals((await call(second, { cmd: 1, body: "b" }))?.text(), "b");
  assertEquals(await readToEnd(silent), 0);
  using refused = await server.connectRaw();
  assertEquals(await readToEnd(refused), 0);
  const { closed, refused: count } = server.app.stats();
  assertEquals([closed.room, count], [1, 1]);
});

Deno.test("Haven closes who holds most memory, requests that wait included", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => request.write({ body: request.box.body }));
    app.route(2, () => gate.promise);
  }, { memoryBytes: 5_000_000 });
  await using good = await server.connect();
  assertEquals((await call(good, { cmd: 1, body: "a" }))?.text(), "a");
  await using greedy = await server.connect();
  const body = new Uint8Array(900_000);
  for (let i = 0; i < 8; i++) {
    greedy.write({ cmd: 2, body }).catch(() => {});
  }
  await server.until(({ closed }) => closed.memory === 1);
  await server.log.line(/client 2 .*holds most/);
  gate.resolve();
  assertEquals((await call(good, { cmd: 1, body: "b" }))?.text(), "b");
  await server.until(({ bufferBytes }) => bufferBytes < 1_000_000);
});

Deno.test("Haven closes a client whose frame is not whole in time, and one that takes nothing", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => {
      for (let i = 0; i < 80; i++) {
        request.conn.write({ body: new Uint8Array(1_000_000) });
      }
    });
  }, { frameTimeout: 0.2, writeTimeout: 0.2, outboxBytes: 2 ** 28 });
  using slow = await server.connectRaw();
  await slow.write(new Box({ cmd: 1 }).pack().subarray(0, 12));
  assertEquals(await readToEnd(slow), 0);
  using stuck = await server.connectRaw();
  await stuck.write(new Box({ cmd: 1 }).pack());
  await server.until(({ closed }) => closed.stalled === 1);
  assertEquals(server.app.stats().closed.slowFrame, 1);
});

Deno.test("Haven closes a client that stalls after half a frame", async () => {
  await using server = await startEcho({ timeout: 0.2 });
  using stalled = await server.connectRaw();
  await stalled.write(new Box({ cmd: 1 }).pack().subarray(0, 12));
  assertEquals(await readToEnd(stalled), 0);
  await server.log.line(/WARN .*no frame for 0.2 s \(timeout\)/);
  await server.until(({ closed }) => closed.idle === 1);
});

Deno.test("Haven does not close a client for which it works itself", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await HavenFixture.start((app) => {
    app.route(1, async (request) => {
      await gate.promise;
      request.write({ ret: 3 });
    });
  }, { timeout: 0.1 });
  await using waiting = await server.connect();
  await waiting.write({ cmd: 1 });
  await server.until(({ requests }) => requests === 1);
  // This one sends nothing: once it is closed the timeout has passed for both.
  using quiet = await server.connectRaw();
  await readToEnd(quiet);
  gate.resolve();
  assertEquals((await waiting.read())?.ret, 3);
});

Deno.test("Haven closes a client whose bytes are no frame, and nobody else", async () => {
  await using server = await startEcho();
  await using good = await server.connect();
  using bad = await server.connectRaw();
  await bad.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n   "));
  assertEquals(await readToEnd(bad), 0);
  await server.log.line(/WARN .*no Box: they do not begin with its magic/);
  assertEquals((await call(good, { cmd: 1, body: "x" })).text(), "x");
  assertEquals(server.app.stats().closed.frame, 1);
});

Deno.test("Haven closes a client whose frame is above frameBytes", async () => {
  await using server = await startEcho({ frameBytes: 100 });
  await using client = await server.connect();
  const most = new Uint8Array(76);
  assertEquals((await call(client, { cmd: 1, body: most })).body.length, 76);
  await client.write({ cmd: 1, body: new Uint8Array(77) });
  assertEquals(await client.read(), null);
  await server.log.line(/101 bytes are above the limit of 100/);
});

Deno.test("Haven closes connections beyond connsMax at once", async () => {
  await using server = await startEcho({ connsMax: 2 });
  await using first = await server.connect();
  await using second = await server.connect();
  await call(first, { cmd: 1 });
  await call(second, { cmd: 1 });
  using third = await server.connectRaw();
  assertEquals(await readToEnd(third), 0);
  await server.log.line(/refused: there are 2 connections, .*connsMax/);
  assertEquals(server.app.stats().refused, 1);
  first.close();
  await server.until(({ connections }) => connections === 1);
  await using fourth = await server.connect();
  assertEquals((await call(fourth, { cmd: 1 })).cmd, 1);
});

Deno.test("Haven closes a client that does not read, and nobody else", async () => {
  const body = new Uint8Array(100_000);
  const results: boolean[] = [];
  await using server = await HavenFixture.start((app) => {
    app.route(1, ({ conn }) => {
      let sent = true;
      for (let i = 0; i < 60; i++) sent = conn.write({ cmd: 1, body });
      results.push(sent);
    });
    app.route(2, (request) => request.write({ ret: 0 }));
    app.route(3, ({ conn }) => {
      for (let i = 0; i < 30; i++) conn.write({ cmd: 3, body });
    });
  }, { outboxBytes: 1_000_000 });
  await using good = await server.connect();
  // Sent in one go before anything could be read: that is nobody's fault.
  await good.write({ cmd: 3 });
  for (let i = 0; i < 30; i++) assertEquals((await good.read())?.cmd, 3);
  using bad = await server.connectRaw();
  await bad.write(new Box({ cmd: 1 }).pack());
  await server.log.line(/WARN .*the other side does not read/);
  assertEquals(results, [false]);
  assertEquals((await call(good, { cmd: 2 })).ret, 0);
  assertEquals(server.app.stats().closed.outbox, 1);
});

Deno.test("Haven refuses at the call what is longer than outboxBytes, and the client stays", async () => {
  const most = new Uint8Array(1000 - 24);
  const more = new Uint8Array(1001 - 24);
  const refused: string[] = [];
  const refuse = (call: () => unknown) => {
    const error = assertThrows(call, HavenError);
    refused.push(`${error.code}: ${error.message}`);
  };
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => {
      refuse(() => request.reply({ body: more }));
      refuse(() => request.conn.write({ body: more }));
      refuse(() =>
        request.writeToUsers([[[-2], { body: "x" }], [[-2], { body: more }]])
      );
      return request.reply({ body: most });
    });
    app.route(2, (request) => request.reply({ body: more }));
  }, { outboxBytes: 1000 });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).body, most);
  assertEquals(
    refused,
    Array(3).fill(
      "limit: Cannot send 1001 bytes: a message may have up to 1000 (option outboxBytes)",
    ),
  );
  assertEquals((await call(client, { cmd: 2 })).ret, RET.INTERNAL);
  await server.log.line(/ERROR The handler of .*\(option outboxBytes\)/);
  assertEquals(server.app.stats().closed.outbox, 0);
});

Deno.test("Haven keeps nothing of 1,000 connections that came and went", async () => {
  let created = 0;
  let closed = 0;
  await using server = await HavenFixture.start((app) => {
    app.createConn(() => void created++);
    app.closeConn(() => void closed++);
    app.route(1, async (request) => {
      await Promise.resolve();
      request.write({});
    });
  }, { timeout: 60 });
  for (let round = 0; round < 10; round++) {
    const clients = await Promise.all(
      Array.from({ length: 100 }, () => server.connect()),
    );
    await Promise.all(clients.map((client) => call(client, { cmd: 1 })));
    for (const client of clients) client.close();
  }
  await server.until(({ connections }) => connections === 0);
  const { accepted, requests, closed: kinds } = server.app.stats();
  assertEquals([accepted, requests, kinds.peer], [1000, 1000, 1000]);
  assertEquals([created, closed], [1000, 1000]);
  assertEquals(server.app.connections, []);
});
