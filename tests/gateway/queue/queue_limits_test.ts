// The limits that hold everybody up: the queue, and the connections of workers and triggers.

import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertThrows,
} from "@std/assert";
import { Box, RET, TaskCmd } from "@maple/box";
import { GatewayError } from "@maple/gateway";
import {
  GatewayFixture,
  overTransports,
} from "../../helpers/gateway_fixture.ts";

overTransports(
  "queueMax is shared by the clients, a further one is read from all the same, and nothing is lost",
  async (start) => {
    await using gateway = await start({ queueMax: 12 });
    const FRAMES = 40;
    await using a = await gateway.connectBox();
    await using b = await gateway.connectBox();
    await using c = await gateway.connectBox();
    const clients = [a, b, c];
    // The first one has all of the room, until there are others.
    for (const client of clients) {
      for (let sn = 0; sn < FRAMES; sn++) await client.write({ cmd: 1, sn });
      await gateway.until((stats) => stats.heldBack > clients.indexOf(client));
    }
    await using honest = await gateway.connectBox();
    await honest.write({ cmd: 2 });
    await gateway.until((stats) => stats.clientFrames === 12 + 1 + 1 + 1);
    const { queued, queuedNews, heldBack } = gateway.gateway.stats();
    assertEquals([queued - queuedNews, queuedNews, heldBack], [15, 4, 4]);
    // Told once, with those that there were when it was looked at.
    await gateway.log.line(/WARN \d clients? .* held back: \d+ tasks .* wait/);
    await using _worker = await gateway.attachEcho();
    assertEquals((await honest.read())?.cmd, 2);
    for (const client of clients) {
      for (let sn = 0; sn < FRAMES; sn++) {
        assertEquals((await client.read())?.sn, sn);
      }
    }
    await gateway.log.line(
      /INFO no client is held back any more.* up to 4 were/,
    );
    // Twice the room at most.
    assertLessOrEqual(gateway.gateway.stats().queuedPeak, 24 + 4);
    assertEquals(gateway.gateway.stats().refused, 0);
  },
);

overTransports(
  "queueMax refuses a client at once when there is no room for one request of each",
  async (start) => {
    await using gateway = await start({ queueMax: 3 });
    await using stack = new AsyncDisposableStack();
    const clients = [];
    for (let sn = 1; sn <= 5; sn++) {
      const client = stack.use(await gateway.connectBox());
      clients.push(client);
      await client.write({ cmd: 1, sn });
      await gateway.until((stats) => stats.clientFrames === sn);
    }
    for (const client of clients.slice(3)) {
      assertEquals((await client.read())?.ret, RET.BUSY);
    }
    assertEquals(gateway.gateway.stats().refused, 2);
    await using _worker = await gateway.attachEcho();
    for (const client of clients.slice(0, 3)) {
      assertEquals((await client.read())?.ret, 0);
    }
    await clients[4]!.write({ cmd: 1, sn: 6 });
    assertEquals((await clients[4]!.read())?.sn, 6);
    await gateway.log.line(/INFO no client .* and 2 requests were refused/);
  },
);

overTransports(
  "queueBytes is shared by the clients as queueMax is",
  async (start) => {
    await using gateway = await start({ queueBytes: 100_000 });
    await using client = await gateway.connectRaw();
    const frame = new Box({ cmd: 1, body: new Uint8Array(9_900) }).pack();
    const sending = (async () => {
      for (let i = 0; i < 50; i++) await client.sendBytes(frame);
    })();
    // 76 of CREATED, 10,000 for each request.
    await gateway.until((stats) => stats.queuedBytes === 100_076);
    await using other = await gateway.connectBox();
    await other.write({ cmd: 1 });
    await gateway.until((stats) => stats.clientFrames === 11);
    await using _worker = await gateway.attachEcho();
    for (let i = 0; i < 50; i++) {
      assertEquals(await client.nextFrame(), frame);
    }
    await sending;
    assert(await other.read());
  },
);

Deno.test("queueMax stops reading a trigger, then it goes on and nothing is lost", async () => {
  await using gateway = await GatewayFixture.start({ queueMax: 10 });
  await using trigger = await gateway.attach();
  for (let custom = 0; custom < 100; custom++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom });
  }
  await gateway.until((stats) => stats.queued === 10);
  await using worker = await gateway.attach();
  for (let custom = 0; custom < 100; custom++) {
    const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
    assertEquals(task.custom, custom);
  }
  const { queuedPeak, innerDropped } = gateway.gateway.stats();
  assertEquals([queuedPeak, innerDropped], [10, 0]);
});

Deno.test("queueMax lets a trigger go whose connection ends while it is held", async () => {
  await using gateway = await GatewayFixture.start({ queueMax: 2 });
  await using trigger = await gateway.attach();
  for (let custom = 0; custom < 5; custom++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom });
  }
  await gateway.until((stats) => stats.queued === 2);
  trigger.close();
  await using worker = await gateway.attach();
  for (let custom = 0; custom < 5; custom++) {
    const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
    assertEquals(task.custom, custom);
  }
  await gateway.until((stats) => stats.innerLinks === 1);
});

Deno.test("queueMax twice over refuses tasks of a worker, which is read on", async () => {
  await using gateway = await GatewayFixture.start({ queueMax: 10 });
  await using worker = await gateway.attach();
  await using client = await gateway.connect();
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  for (let custom = 0; custom < 25; custom++) {
    await worker.send({ cmd: TaskCmd.WRITE_TO_WORKER, custom });
  }
  await worker.answer(created, new Box({ body: "answered" }).pack());
  assertEquals((await client.read())?.text(), "answered");
  assertEquals(gateway.gateway.stats().innerDropped, 5);
  await gateway.log.line(
    /ERROR worker .* dropped, since 20 tasks .* wait; raise/,
  );
  for (let custom = 0; custom < 20; custom++) {
    const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
    assertEquals(task.custom, custom);
  }
});

Deno.test("newsMax lets no client in until workers were told of others", async () => {
  await using gateway = await GatewayFixture.start({ newsMax: 4 });
  await using stack = new AsyncDisposableStack();
  for (let i = 0; i < 4; i++) stack.use(await gateway.connect());
  await gateway.until((stats) => stats.clients === 4);
  await using outside = await gateway.connect();
  await outside.write({ cmd: 1 });
  await gateway.log.line(/WARN no client is let in: 4 times .*newsMax/);
  assertEquals(gateway.gateway.stats().clients, 4);
  await using worker = await gateway.attach();
  await worker.pull(TaskCmd.CLIENT_CREATED);
  await gateway.until((stats) => stats.clients === 5);
  await using _echo = await gateway.attachEcho();
  await gateway.log.line(/INFO clients are let in again/);
});

Deno.test("Gateway forgets clients that come and go while no worker is there", async () => {
  await using gateway = await GatewayFixture.start({ queueMax: 10 });
  for (let i = 1; i <= 50; i++) {
    const client = await gateway.connect();
    await gateway.until((stats) => stats.clientsAccepted === i);
    client.close();
    await gateway.until((stats) => stats.clients === 0);
  }
  const { queued, newsDropped } = gateway.gateway.stats();
  assertEquals([queued, newsDropped], [0, 50]);
  await using worker = await gateway.attach();
  await worker.ask();
  await using _client = await gateway.connect();
  const created = await worker.expect(TaskCmd.CLIENT_CREATED);
  assertEquals(created.connId, 51);
});

overTransports(
  "Gateway tells of the end of a client of which a worker was told",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    await worker.ask();
    const client = await gateway.connectBox();
    await worker.expect(TaskCmd.CLIENT_CREATED);
    client.close();
    await gateway.until((stats) => stats.clients === 0);
    await worker.pull(TaskCmd.CLIENT_CLOSED);
    assertEquals(gateway.gateway.stats().newsDropped, 0);
  },
);

for (const order of ["client", "none"] as const) {
  Deno.test(`an honest client has its turn though ten others flood the gateway, order ${order}`, async () => {
    await using gateway = await GatewayFixture.start({ order, queueMax: 40 });
    await using stack = new AsyncDisposableStack();
    const flood = new Box({ cmd: 1 }).pack();
    const frames = new Uint8Array(100 * flood.length);
    for (let i = 0; i < 100; i++) frames.set(flood, i * flood.length);
    for (let i = 1; i <= 10; i++) {
      const flooder = stack.use(await gateway.connectRaw());
      await flooder.sendBytes(frames);
      await gateway.until((stats) => stats.heldBack === i);
    }
    await using worker = await gateway.attach();
    for (let i = 0; i < 10; i++) await worker.pull(TaskCmd.CLIENT_CREATED);
    await using honest = await gateway.connect();
    for (let round = 0; round < 3; round++) {
      const before = gateway.gateway.stats().clientFrames;
      await honest.write({ cmd: 2 });
      await gateway.until((stats) => stats.clientFrames > before);
      let turns = 0;
      for (let cmd = 0; cmd !== 2;) {
        await worker.ask();
        const task = await worker.next();
        if (task?.cmd !== TaskCmd.CLIENT_REQ) continue;
        turns++;
        cmd = Box.fromFrame(task.body).cmd;
        if (cmd === 2) await worker.answer(task, "served");
      }
      assertLessOrEqual(turns, 2 * 11);
      assertEquals((await honest.read())?.text(), "served");
    }
  });

  Deno.test(`goneRequests decides what becomes of the requests of a client that is gone, order ${order}`, async () => {
    for (const goneRequests of ["yield", "run", "drop"] as const) {
      await using gateway = await GatewayFixture.start({ order, goneRequests });
      const client = await gateway.connect();
      for (const sn of [1, 2]) await client.write({ cmd: 1, sn });
      await gateway.until((stats) => stats.clientFrames === 2);
      client.close();
      if (goneRequests === "drop") {
        await gateway.until((stats) => stats.clients === 0);
        const { queued, gone, newsDropped } = gateway.gateway.stats();
        assertEquals([queued, gone, newsDropped], [0, 2, 1]);
        continue;
      }
      await using worker = await gateway.attach();
      await worker.pull(TaskCmd.CLIENT_CREATED);
      for (const sn of [1, 2]) {
        const request = await worker.pull(TaskCmd.CLIENT_REQ);
        assertEquals(Box.fromFrame(request.body).sn, sn);
      }
      await worker.pull(TaskCmd.CLIENT_CLOSED);
    }
  });

  Deno.test(`goneRequests yield: requests of clients that are gone make room for others, order ${order}`, async () => {
    await using gateway = await GatewayFixture.start({ order, queueMax: 10 });
    for (let i = 1; i <= 3; i++) {
      const client = await gateway.connect();
      for (const sn of [1, 2, 3]) await client.write({ cmd: 1, sn });
      await gateway.until((stats) => stats.clientFrames === 3 * i);
      client.close();
    }
    await using honest = await gateway.connect();
    await honest.write({ cmd: 1, sn: 9 });
    await gateway.until((stats) => stats.gone === 9 && stats.clients === 1);
    // Of them nothing is left, not even the news.
    const { queued, queuedNews } = gateway.gateway.stats();
    assertEquals([queued, queuedNews], [2, 1]);
    await using _worker = await gateway.attachEcho();
    assertEquals((await honest.read())?.sn, 9);
  });
}

Deno.test("creditsMax bounds what one worker holds", async () => {
  await using gateway = await GatewayFixture.start({ creditsMax: 2 });
  await using worker = await gateway.attach();
  for (let i = 0; i < 5; i++) await worker.askExplicitly();
  await using trigger = await gateway.attach();
  await gateway.until((stats) => stats.workers === 1);
  for (let i = 0; i < 5; i++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  }
  await gateway.until((stats) => stats.queued === 3);
  assertEquals(gateway.gateway.stats().inHand, 2);
});

Deno.test("innerConnsMax closes one worker or trigger more at once", async () => {
  await using gateway = await GatewayFixture.start({ innerConnsMax: 1 });
  await using worker = await gateway.attach();
  await gateway.until((stats) => stats.innerLinks === 1);
  await using refused = await gateway.attach();
  assertEquals(await refused.next(), null);
  await gateway.log.line(/WARN .* refused: there are 1 .* innerConnsMax/);
  await using _client = await gateway.connect();
  await worker.pull(TaskCmd.CLIENT_CREATED);
  worker.close();
  await gateway.until((stats) => stats.innerLinks === 0);
  await using later = await gateway.attach();
  await using _another = await gateway.connect();
  await later.pull(TaskCmd.CLIENT_CREATED);
  assertEquals(gateway.gateway.stats().innerRefused, 1);
});

Deno.test("innerReserve keeps places for workers when triggers have taken the others", async () => {
  await using gateway = await GatewayFixture.start({
    innerConnsMax: 5,
    innerReserve: 2,
  });
  const attach = async () => {
    const { innerLinks } = gateway.gateway.stats();
    const peer = await gateway.attach();
    await gateway.until((stats) => stats.innerLinks === innerLinks + 1);
    return peer;
  };
  await using first = await attach();
  await using _second = await attach();
  await using _third = await attach();
  // It is not known yet what this is; then it is.
  await using late = await attach();
  await late.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  assertEquals(await late.next(), null);
  await gateway.log.line(/WARN .* refused: of 5 .* 2 .*\(innerReserve\)/);
  assertEquals(gateway.gateway.stats().innerRefused, 1);

  // Those that say nothing make room, the one that came first before the other.
  await using silent = await attach();
  await using alsoSilent = await attach();
  await using worker = await gateway.attach();
  assertEquals(await silent.next(), null);
  await worker.ask();
  await using other = await gateway.attach();
  assertEquals(await alsoSilent.next(), null);
  await other.ask();
  await gateway.until((stats) => stats.workers === 2);
  await using _full = await gateway.attach();
  await gateway.log.line(/WARN .* refused: there are 5 .* innerConnsMax/);

  // A place that a trigger has left is there for another one.
  await first[Symbol.asyncDispose]();
  await gateway.until((stats) => stats.innerLinks === 4);
  await using trigger = await gateway.attach();
  await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  await gateway.until((stats) => stats.delivered === 1);
  assertEquals(gateway.gateway.stats().innerLinks, 5);
});

Deno.test("innerFrameBytes closes a worker that sends a longer frame", async () => {
  await using gateway = await GatewayFixture.start({
    frameBytes: 1000,
    innerFrameBytes: 2000,
  });
  await using trigger = await gateway.attach();
  await trigger.send({
    cmd: TaskCmd.WRITE_TO_WORKER,
    body: new Uint8Array(1924),
  });
  await gateway.until((stats) => stats.queued === 1);
  await trigger.send({
    cmd: TaskCmd.WRITE_TO_WORKER,
    body: new Uint8Array(1925),
  });
  assertEquals(await trigger.next(), null);
  await gateway.log.line(/WARN trigger .* 2001 bytes are above the limit/);
});

Deno.test("setLimits() changes what holds for those that come, and checks it", async () => {
  await using gateway = await GatewayFixture.start({ connsMax: 1 });
  await using worker = await gateway.attach();
  await using first = await gateway.connect();
  await worker.pull(TaskCmd.CLIENT_CREATED);
  await first.write({ cmd: 1 });
  await worker.pull(TaskCmd.CLIENT_REQ);
  await using refused = await gateway.connect();
  assertEquals(await refused.read(), null);
  gateway.gateway.setLimits({ connsMax: 2 });
  await using _second = await gateway.connect();
  await worker.pull(TaskCmd.CLIENT_CREATED);
  assertEquals(gateway.gateway.limits.connsMax, 2);
  assertThrows(
    () => gateway.gateway.setLimits({ connsMax: 0 }),
    GatewayError,
    "Option connsMax must be",
  );
  gateway.gateway.setLimits({ connsMax: 1 });
  await gateway.until((stats) => stats.clients === 2);
});
