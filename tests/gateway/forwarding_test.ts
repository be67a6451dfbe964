// What goes through: the raw bytes that came, in which order, to whom.

import { assertEquals } from "@std/assert";
import {
  Box,
  type BoxClass,
  boxClass,
  LineBox,
  type Task,
  TaskCmd,
} from "@maple/box";
import { GatewayFixture, overTransports } from "../helpers/gateway_fixture.ts";
import type { RawWorker } from "../helpers/raw_worker.ts";

const utf8 = new TextEncoder();

async function pullSn(worker: RawWorker): Promise<[number, Task]> {
  const task = await worker.pull(TaskCmd.CLIENT_REQ);
  return [Box.fromFrame(task.body).sn, task];
}

const TinyBox = boxClass([
  ["cmd", "H"],
  ["ret", "h"],
  ["sn", "I"],
  ["bodyLen", "H"],
], { byteOrder: "<", name: "TinyBox" });

const FRAMINGS: {
  box: BoxClass<object>;
  frames: Uint8Array[];
}[] = [
  {
    box: Box as unknown as BoxClass<object>,
    frames: [
      // What a box class does not look at stays as it came.
      new Box({ version: -1, flag: 77, cmd: -5, ret: 12, sn: 1, body: "x" })
        .pack(),
      new Box().pack(),
      new Box({ body: crypto.getRandomValues(new Uint8Array(60_000)) }).pack(),
    ],
  },
  {
    box: TinyBox as unknown as BoxClass<object>,
    frames: [
      new TinyBox({ cmd: 65535, sn: 4294967295, body: "tiny" }).pack(),
      new TinyBox({ body: new Uint8Array(65535).fill(1) }).pack(),
    ],
  },
  {
    box: LineBox as unknown as BoxClass<object>,
    frames: ["hello\n", "with a carriage return\r\n", "\n"].map((line) =>
      utf8.encode(line)
    ),
  },
];

for (const { box, frames } of FRAMINGS) {
  overTransports(
    `Gateway forwards frames of ${box.name} as the raw bytes that came`,
    async (start) => {
      await using gateway = await start({ boxClass: box });
      await using worker = await gateway.attach();
      await using client = await gateway.connectRaw(box);
      await worker.pull(TaskCmd.CLIENT_CREATED);
      for (const frame of frames) {
        await client.sendBytes(frame);
        const task = await worker.pull(TaskCmd.CLIENT_REQ);
        assertEquals(task.body, frame);
        await worker.answer(task, frame);
        assertEquals(await client.nextFrame(), frame);
      }
    },
  );
}

overTransports(
  "Gateway cuts frames wherever the pieces that come end",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attachEcho();
    await using client = await gateway.connectRaw();
    const frame = new Box({ cmd: 1, sn: 2, body: "in pieces" }).pack();
    for (let cut = 1; cut < frame.length; cut++) {
      await client.sendBytes(frame.subarray(0, cut));
      await client.sendBytes(frame.subarray(cut));
      assertEquals(await client.nextFrame(), frame);
    }
    // One CREATED and one request for each cut.
    assertEquals(worker.tasks.length, frame.length);
  },
);

overTransports(
  "Gateway hands out a client's frames one at a time with order client",
  async (start) => {
    await using gateway = await start();
    await using first = await gateway.attach();
    await using second = await gateway.attach();
    await using client = await gateway.connectBox();
    await first.pull(TaskCmd.CLIENT_CREATED);
    for (const sn of [1, 2, 3]) await client.write({ cmd: 1, sn });
    const [sn1] = await pullSn(first);
    await gateway.until((stats) => stats.clientFrames === 3);
    await second.ask();
    await gateway.until((stats) => stats.idleCredits === 1);
    // The second worker waits, since the first has not finished.
    assertEquals(gateway.gateway.stats().queued, 2);
    await first.ask();
    const two = await second.expect(TaskCmd.CLIENT_REQ);
    await second.ask();
    const three = await first.expect(TaskCmd.CLIENT_REQ);
    const rest = [two, three].map((task) => Box.fromFrame(task.body).sn);
    assertEquals([sn1, ...rest], [1, 2, 3]);
  },
);

overTransports(
  "Gateway hands out a client's frames to any worker with order none",
  async (start) => {
    await using gateway = await start({ order: "none" });
    await using first = await gateway.attach();
    await using second = await gateway.attach();
    await using client = await gateway.connectBox();
    await first.pull(TaskCmd.CLIENT_CREATED);
    for (const sn of [1, 2]) await client.write({ cmd: 1, sn });
    const [sn1, task1] = await pullSn(first);
    const [sn2, task2] = await pullSn(second);
    assertEquals([sn1, sn2], [1, 2]);
    // The later one may be answered first.
    await second.answer(task2, "two");
    assertEquals((await client.read())?.text(), "two");
    await first.answer(task1, "one");
    assertEquals((await client.read())?.text(), "one");
  },
);

overTransports(
  "Gateway keeps the order of each of many clients over several workers",
  async (start) => {
    await using gateway = await start({ clientQueueMax: 5 });
    await using _1 = await gateway.attachEcho();
    await using _2 = await gateway.attachEcho();
    await using _3 = await gateway.attachEcho();
    const CLIENTS = 20;
    const EACH = 50;
    const run = async (id: number) => {
      await using client = await gateway.connectBox();
      const writes: Promise<void>[] = [];
      for (let sn = 0; sn < EACH; sn++) {
        writes.push(client.write({ cmd: id, sn }));
      }
      await Promise.all(writes);
      for (let sn = 0; sn < EACH; sn++) {
        const reply = await client.read();
        assertEquals([reply?.cmd, reply?.sn], [id, sn]);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, id) => run(id)));
    const stats = gateway.gateway.stats();
    assertEquals([stats.clientFrames, stats.answers], [1000, 1000]);
  },
);

overTransports(
  "Gateway keeps requests until a worker attaches",
  async (start) => {
    await using gateway = await start();
    await using a = await gateway.connectBox();
    await using b = await gateway.connectBox();
    for (const sn of [1, 2]) {
      await a.write({ cmd: 1, sn });
      await b.write({ cmd: 2, sn });
    }
    await gateway.until((stats) => stats.clientFrames === 4);
    const waiting = gateway.gateway.stats();
    assertEquals(
      [waiting.queued, waiting.delivered, waiting.workers, waiting.answers],
      [6, 0, 0, 0],
    );
    await using _worker = await gateway.attachEcho();
    for (const sn of [1, 2]) {
      assertEquals((await a.read())?.sn, sn);
      assertEquals((await b.read())?.sn, sn);
    }
  },
);

Deno.test("Gateway serves workers in turn, however much each has asked for", async () => {
  await using gateway = await GatewayFixture.start();
  await using greedy = await gateway.attach();
  await using modest = await gateway.attach();
  await using trigger = await gateway.attach();
  for (let i = 0; i < 16; i++) await greedy.askExplicitly();
  await gateway.until((stats) => stats.idleCredits === 16);
  for (let round = 0; round < 5; round++) {
    await modest.ask();
    await gateway.until((stats) => stats.idleCredits === 17 - round);
    for (let i = 0; i < 2; i++) {
      await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
    }
    await modest.expect(TaskCmd.WRITE_TO_WORKER);
    await greedy.expect(TaskCmd.WRITE_TO_WORKER);
  }
});

overTransports("Gateway counts what goes through", async (start) => {
  await using gateway = await start();
  await using _worker = await gateway.attachEcho();
  await using client = await gateway.connectBox();
  await client.write({ cmd: 1, body: "12345678" });
  await client.read();
  await gateway.until((stats) => stats.acknowledged === 2);
  const stats = gateway.gateway.stats();
  assertEquals(
    {
      clients: stats.clients,
      clientsPeak: stats.clientsPeak,
      clientsAccepted: stats.clientsAccepted,
      innerLinks: stats.innerLinks,
      workers: stats.workers,
      idleCredits: stats.idleCredits,
      queued: stats.queued,
      inHand: stats.inHand,
      clientFrames: stats.clientFrames,
      clientBytes: stats.clientBytes,
      delivered: stats.delivered,
      answers: stats.answers,
      answerBytes: stats.answerBytes,
    },
    {
      clients: 1,
      clientsPeak: 1,
      clientsAccepted: 1,
      innerLinks: 1,
      workers: 1,
      idleCredits: 1,
      queued: 0,
      inHand: 0,
      clientFrames: 1,
      clientBytes: 32,
      delivered: 2,
      answers: 1,
      answerBytes: 32,
    },
  );
});
