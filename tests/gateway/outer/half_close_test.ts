// Clients that end their sending side and go on reading, and what is sent before a close.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import {
  GatewayFixture,
  overTransports,
} from "../../helpers/gateway_fixture.ts";
import type { PeerConn } from "../../helpers/raw_peer.ts";
import { within } from "../../helpers/within.ts";

const request = (sn: number) => new Box({ cmd: 1, sn }).pack();

for (const order of ["client", "none"] as const) {
  overTransports(
    `a client that has ended its sending gets its answers, then CLIENT_CLOSED comes, order ${order}`,
    async (start) => {
      await using gateway = await start({ order });
      await using worker = await gateway.attach();
      await using client = await gateway.connectRaw();
      await worker.pull(TaskCmd.CLIENT_CREATED);
      await client.sendBytes(request(1));
      await client.sendBytes(request(2));
      await client.endWriting();
      const first = await worker.pull(TaskCmd.CLIENT_REQ);
      await worker.answer(first, "one");
      assertEquals(Box.fromFrame((await client.nextFrame())!).text(), "one");
      const second = await worker.pull(TaskCmd.CLIENT_REQ);
      await worker.answer(second, "two");
      await worker.pull(TaskCmd.CLIENT_CLOSED);
      assertEquals(Box.fromFrame((await client.nextFrame())!).text(), "two");
      assertEquals(await client.nextFrame(), null);
      await gateway.until((stats) => stats.clients === 0);
      const { clientsClosed, answersDropped } = gateway.gateway.stats();
      assertEquals([clientsClosed.peer, answersDropped.gone], [1, 0]);
    },
  );
}

overTransports(
  "a client that has asked for nothing is closed when it ends its sending, after what was sent to it",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    await using client = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    await worker.answer(created, new Box({ body: "welcome" }).pack());
    await gateway.until((stats) => stats.answers === 1);
    await client.endWriting();
    assertEquals(Box.fromFrame((await client.nextFrame())!).text(), "welcome");
    assertEquals(await client.nextFrame(), null);
    await worker.pull(TaskCmd.CLIENT_CLOSED);
  },
);

Deno.test("a worker that ends its sending is closed at once, and its tasks go to others", async () => {
  await using gateway = await GatewayFixture.start();
  await using leaving = await gateway.attach();
  await using client = await gateway.connect();
  await leaving.pull(TaskCmd.CLIENT_CREATED);
  await client.write({ cmd: 1, sn: 3 });
  await leaving.pull(TaskCmd.CLIENT_REQ);
  await leaving.endWriting();
  assertEquals(await leaving.next(), null);
  await using _other = await gateway.attachEcho();
  assertEquals((await client.read())?.sn, 3);
});

// More than the system buffers.
const BIG = 12_000_000;
const ANSWERS = 8;
const bigAnswer = () => new Box({ body: new Uint8Array(BIG) }).pack();

/** A client that is closed by a worker right after so much was sent to it that it cannot be read at once. */
async function closedWithAnswers(gateway: GatewayFixture) {
  const worker = await gateway.attach();
  const conn = await gateway.connectConn();
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  for (let i = 0; i < ANSWERS; i++) await worker.answer(created, bigAnswer());
  await worker.send(created.map({ cmd: TaskCmd.CLOSE_CLIENT }));
  await worker.pull(TaskCmd.CLIENT_CLOSED);
  worker.close();
  return conn;
}

/** Reads to the end, however it comes. */
async function readAll(conn: PeerConn): Promise<number> {
  const into = new Uint8Array(1024 * 1024);
  let bytes = 0;
  for (;;) {
    const count = await within(conn.read(into).catch(() => null), "more bytes");
    if (count === null) return bytes;
    bytes += count;
  }
}

overTransports(
  "what was sent before a close is delivered to a client that reads slowly",
  async (start) => {
    await using gateway = await start({ outboxBytes: 2 ** 28 });
    using conn = await closedWithAnswers(gateway);
    // It says something all the while: that must not reset the connection.
    const length = ANSWERS * (BIG + Box.headerBytes);
    const into = new Uint8Array(65536);
    let bytes = 0;
    for (let i = 0; i < 8; i++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      bytes += (await within(conn.read(into), "more bytes"))!;
      await conn.write(request(i));
    }
    assertEquals(bytes + await readAll(conn), length);
    conn.closeWrite();
    assertEquals(gateway.gateway.stats().clientsCut, 0);
  },
);

overTransports(
  "linger cuts a closed client that does not read, and says so",
  async (start) => {
    await using gateway = await start({
      outboxBytes: 2 ** 28,
      linger: 0.3,
    });
    using conn = await closedWithAnswers(gateway);
    await gateway.until((stats) => stats.clientsCut === 1);
    const line = await gateway.log.line(/WARN client 1 is cut/);
    assertStringIncludes(line, "within 0.3 s");
    assert(await readAll(conn) < ANSWERS * BIG);
  },
);

overTransports(
  "the end of a gateway does not wait for clients that do not read",
  async (start) => {
    await using gateway = await start({
      outboxBytes: 2 ** 28,
      linger: 3600,
    });
    using _frozen = await closedWithAnswers(gateway);
    await within(gateway.gateway.closeNow(), "the end of the gateway");
    assertEquals(gateway.gateway.stats().clientsCut, 1);
  },
);

overTransports(
  "the end of a gateway does not wait for clients that have got all and do not close",
  async (start) => {
    await using gateway = await start({ linger: 3600 });
    await using worker = await gateway.attach();
    await using kicked = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    await worker.send(created.map({ cmd: TaskCmd.CLOSE_CLIENT }));
    assertEquals(await kicked.nextFrame(), null);
    await using other = await gateway.connectRaw();
    await gateway.until((stats) => stats.clients === 1);
    await within(gateway.gateway.closeNow(), "the end of the gateway");
    assertEquals(await other.nextFrame(), null);
  },
);
