// Others at fault: broken frames, connections that vanish. One connection pays, the others do not
// notice.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Box, Task, TaskCmd } from "@maple/box";
import { GatewayFixture, overTransports } from "../helpers/gateway_fixture.ts";

const utf8 = new TextEncoder();

function withLength(frame: Uint8Array, length: number): Uint8Array {
  new DataView(frame.buffer).setInt32(8, length);
  return frame;
}

const BROKEN_BOXES: [string, Uint8Array][] = [
  ["a wrong magic number", utf8.encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
  ["a length below the header", withLength(new Box().pack(), 23)],
  ["a negative length", withLength(new Box().pack(), -1)],
];

for (const [what, bytes] of BROKEN_BOXES) {
  overTransports(
    `Gateway closes a client that sends ${what}, and no other`,
    async (start) => {
      await using gateway = await start();
      await using _worker = await gateway.attachEcho();
      await using good = await gateway.connectBox();
      await using bad = await gateway.connectRaw();
      // The frame before is served.
      await bad.sendBytes(new Box({ cmd: 1, sn: 1 }).pack());
      assertEquals(Box.fromFrame((await bad.nextFrame())!).sn, 1);
      await bad.sendBytes(bytes);
      assertEquals(await bad.nextFrame(), null);
      const line = await gateway.log.line(/WARN client .* are no Box/);
      assertStringIncludes(line, bad.localAddress);
      await good.write({ cmd: 1, body: "fine" });
      assertEquals((await good.read())?.text(), "fine");
      const { clients, clientsClosed } = gateway.gateway.stats();
      assertEquals([clients, clientsClosed.frame], [1, 1]);
      assertEquals(gateway.log.complaints, [line]);
    },
  );

  Deno.test(`Gateway closes a worker that sends ${what}, and hands its tasks to another`, async () => {
    await using gateway = await GatewayFixture.start();
    await using bad = await gateway.attach();
    await using client = await gateway.connect();
    await client.write({ cmd: 1, sn: 5 });
    await bad.pull(TaskCmd.CLIENT_CREATED);
    await bad.pull(TaskCmd.CLIENT_REQ);
    await bad.sendBytes(
      what.includes("length")
        ? withLength(new Task().pack(), what.includes("negative") ? -1 : 59)
        : bytes,
    );
    assertEquals(await bad.next(), null);
    const line = await gateway.log.line(/WARN worker .* are no Task/);
    assertStringIncludes(line, bad.localAddress);
    await using _good = await gateway.attachEcho();
    assertEquals((await client.read())?.sn, 5);
  });
}

overTransports(
  "Gateway survives a client that vanishes in the middle of a frame",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    for (const cut of [1, 12, 24, 60]) {
      const client = await gateway.connectRaw();
      await worker.pull(TaskCmd.CLIENT_CREATED);
      const frame = new Box({ cmd: 1, body: new Uint8Array(100) }).pack();
      await client.sendBytes(frame.subarray(0, cut));
      await client[Symbol.asyncDispose]();
      await worker.pull(TaskCmd.CLIENT_CLOSED);
    }
    const { clients, clientFrames } = gateway.gateway.stats();
    assertEquals([clients, clientFrames], [0, 0]);
  },
);

overTransports(
  "Gateway drops the answer for a client that has vanished",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    const gone = await gateway.connectBox();
    await worker.pull(TaskCmd.CLIENT_CREATED);
    await gone.write({ cmd: 1 });
    const request = await worker.pull(TaskCmd.CLIENT_REQ);
    await gone[Symbol.asyncDispose]();
    // For all that the gateway knows it may still read.
    await worker.answer(request, "too late");
    await worker.pull(TaskCmd.CLIENT_CLOSED);
    await using next = await gateway.connectBox();
    await worker.answer(request, "much too late");
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    await worker.answer(created, new Box({ body: "the first" }).pack());
    assertEquals((await next.read())?.text(), "the first");
    const { answersDropped } = gateway.gateway.stats();
    assertEquals(answersDropped.gone + answersDropped.tag, 1);
  },
);

Deno.test("Gateway survives a worker that vanishes in the middle of a frame", async () => {
  await using gateway = await GatewayFixture.start();
  await using client = await gateway.connect();
  await client.write({ cmd: 1, sn: 3 });
  const bad = await gateway.attach();
  await bad.pull(TaskCmd.CLIENT_CREATED);
  const request = await bad.pull(TaskCmd.CLIENT_REQ);
  const answer = request.map({
    cmd: TaskCmd.WRITE_TO_CLIENT,
    body: request.body,
  }).pack();
  await bad.sendBytes(answer.subarray(0, answer.length - 1));
  await bad[Symbol.asyncDispose]();
  await using _good = await gateway.attachEcho();
  assertEquals((await client.read())?.sn, 3);
  assertEquals(gateway.gateway.stats().answers, 1);
});

overTransports(
  "Gateway sends what is still to be sent to a client that only ends its own side",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    await using client = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    const big = new Box({ body: new Uint8Array(900_000) }).pack();
    for (let i = 0; i < 3; i++) await worker.answer(created, big);
    await gateway.until((stats) => stats.answers === 3);
    await client.endWriting();
    assertEquals(await client.closedByPeer(), 3);
    await worker.pull(TaskCmd.CLIENT_CLOSED);
  },
);

overTransports(
  "Gateway survives many clients that come and go at once",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attachEcho();
    const COUNT = 200;
    await Promise.all(Array.from({ length: COUNT }, async () => {
      const client = await gateway.connectRaw();
      await client.sendBytes(new Box({ cmd: 1 }).pack());
      await client[Symbol.asyncDispose]();
    }));
    await gateway.until((stats) =>
      stats.clientsAccepted === COUNT && stats.clients === 0 &&
      stats.queued === 0 && stats.inHand === 0
    );
    const count = (cmd: number) =>
      worker.tasks.filter((task) => task.cmd === cmd).length;
    assertEquals(
      [count(TaskCmd.CLIENT_CREATED), count(TaskCmd.CLIENT_CLOSED)],
      [COUNT, COUNT],
    );
  },
);
