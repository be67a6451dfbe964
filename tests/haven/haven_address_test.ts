// Haven: how much a client may send, and who may connect as far as his address tells.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Box, FrameReader } from "@maple/box";
import { HavenError } from "@maple/haven";
import { within } from "../helpers/within.ts";
import { call, readToEnd, startEcho } from "./haven_fixture.ts";

// So many frames, with serial numbers from 1 on.
function frames(count: number): Uint8Array {
  return new Uint8Array(
    Array.from({ length: count }, (_, i) => [
      ...new Box({ cmd: 1, sn: i + 1 }).pack(),
    ]).flat(),
  );
}

async function assertAnswers(
  conn: Deno.Conn,
  reader: FrameReader,
  { from, to }: { from: number; to: number },
) {
  for (let sn = from; sn <= to;) {
    const frame = reader.take();
    if (frame) assertEquals(Box.fromFrame(frame).sn, sn++);
    else {
      const reading = conn.read(reader.space());
      const count = await within(reading, `answer ${sn}`);
      assert(count !== null, `there is no answer ${sn}`);
      reader.commit(count);
    }
  }
}

Deno.test("Haven: clientRate makes a client wait that sends more, and loses none of its frames", async () => {
  await using server = await startEcho({ clientRate: 20 });
  using greedy = await server.connectRaw();
  const reader = new FrameReader(Box);
  await greedy.write(frames(60));
  await server.until(({ slowed }) => slowed === 1);
  await assertAnswers(greedy, reader, { from: 1, to: 40 });
  await using modest = await server.connect();
  assertEquals((await call(modest, { cmd: 1, body: "a" })).text(), "a");
  await assertAnswers(greedy, reader, { from: 41, to: 60 });
  const { ratesExceeded, limitedAddresses } = server.app.stats();
  assert(ratesExceeded.frames > 0);
  assertEquals(limitedAddresses[0]?.address, "127.0.0.1");
});

Deno.test("Haven: rateAction close closes a client that sends more, and says why", async () => {
  await using server = await startEcho({ clientRate: 2, rateAction: "close" });
  using greedy = await server.connectRaw();
  await greedy.write(frames(50));
  await readToEnd(greedy);
  await server.log.line(
    /WARN client 1 at .* closed: it sends more than 2 frames a second \(clientRate\)/,
  );
  const { closed, requests, ratesExceeded } = server.app.stats();
  assertEquals([closed.rate, ratesExceeded.frames], [1, 1]);
  assert(requests <= 4, `${requests} requests`);
});

Deno.test("Haven: a server that is closed lets nobody wait for its rate", async () => {
  const server = await startEcho({ clientRate: 0.001 });
  using greedy = await server.connectRaw();
  await greedy.write(frames(5));
  await server.until(({ slowed }) => slowed === 1);
  await Promise.all([server[Symbol.asyncDispose](), readToEnd(greedy)]);
});

Deno.test("Haven: connsPerAddress closes one connection more of an address, until another has gone", async () => {
  await using server = await startEcho({ connsPerAddress: 1 });
  await using first = await server.connect();
  assertEquals((await call(first, { cmd: 1, body: "a" })).text(), "a");
  using refused = await server.connectRaw();
  assertEquals(await readToEnd(refused), 0);
  first.close();
  await server.until(({ connections }) => connections === 0);
  await using next = await server.connect();
  assertEquals((await call(next, { cmd: 1, body: "b" })).text(), "b");
  assertEquals(server.app.stats().refusedByAddress, {
    deny: 0,
    connsPerAddress: 1,
    connectRate: 0,
  });
});

Deno.test("Haven: connectRate closes connections of an address that come too fast", async () => {
  await using server = await startEcho({ connectRate: 0.001 });
  using _first = await server.connectRaw();
  await server.until(({ accepted }) => accepted === 1);
  using refused = await server.connectRaw();
  assertEquals(await readToEnd(refused), 0);
  assertEquals(server.app.stats().refusedByAddress.connectRate, 1);
});

Deno.test("Haven: deny lets nobody in, and setDeny() closes who is connected", async () => {
  await using server = await startEcho({ deny: "127.0.0.0/8" });
  using refused = await server.connectRaw();
  assertEquals(await readToEnd(refused), 0);
  assertEquals(server.app.setDeny(["10.0.0.0/8"]), true);
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1, body: "a" })).text(), "a");
  const error = assertThrows(() => server.app.setDeny("all"), HavenError);
  assertEquals(error.code, "option");
  assertEquals((await call(client, { cmd: 1, body: "b" })).text(), "b");
  server.app.setDeny("127.0.0.1");
  assertEquals(await client.read(), null);
  const { closed, refusedByAddress } = server.app.stats();
  assertEquals([closed.barred, refusedByAddress.deny], [1, 1]);
});

Deno.test("Haven behind a proxy counts its clients, never the proxy", async () => {
  await using server = await startEcho({
    proxyProtocol: "127.0.0.1",
    connsPerAddress: 1,
    websocketPort: 0,
  });
  const conns: Deno.Conn[] = [];
  const connect = async (ip: string): Promise<boolean> => {
    const conn = await server.connectRaw();
    conns.push(conn);
    const header = `PROXY TCP4 ${ip} 127.0.0.1 54321 7777\r\n`;
    await conn.write(new TextEncoder().encode(header));
    await conn.write(frames(1));
    const read = conn.read(new Uint8Array(100)).catch(() => null);
    return await within(read, "an answer") !== null;
  };
  for (let i = 1; i <= 5; i++) assert(await connect(`192.0.2.${i}`));
  for (let i = 0; i < 3; i++) assert(await connect("127.0.0.1"));
  assertEquals(await connect("192.0.2.3"), false);
  assertEquals(server.app.stats().connections, 8);
  for (const conn of conns) conn.close();
});
