// A gateway's beginning and end: listening, leaving in order, leaving at once.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import { Gateway, GatewayError } from "@maple/gateway";
import { GatewayFixture, overTransports } from "../helpers/gateway_fixture.ts";
import { TEST_IO } from "../helpers/test_io.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { within } from "../helpers/within.ts";

// Longer than any test waits.
const FOREVER_S = 3600;
const LOCAL = {
  outerHost: "127.0.0.1",
  outerPort: 0,
  innerHost: "127.0.0.1",
  innerPort: 0,
  ...(TEST_IO && { io: TEST_IO }),
};

overTransports(
  "Gateway close() lets workers finish what is queued and sends the last answers",
  async (start) => {
    await using gateway = await start({
      drainTimeout: FOREVER_S,
    });
    await using worker = await gateway.attach();
    await using a = await gateway.connectBox();
    await using b = await gateway.connectBox();
    for (let i = 0; i < 2; i++) await worker.pull(TaskCmd.CLIENT_CREATED);
    for (const sn of [1, 2]) await a.write({ cmd: 1, sn });
    await gateway.until((stats) => stats.clientFrames === 2);
    await b.write({ cmd: 1, sn: 3 });
    await gateway.until((stats) => stats.clientFrames === 3);
    let task = await worker.pull(TaskCmd.CLIENT_REQ);
    const closed = gateway.gateway.close();
    for (let i = 0; i < 3; i++) {
      if (i > 0) task = await worker.pull(TaskCmd.CLIENT_REQ);
      await worker.answer(task, `answer ${i}`);
    }
    await worker.ask();
    // Which of them comes first does not matter.
    assertEquals([(await a.read())?.sn, (await b.read())?.sn], [1, 3]);
    assertEquals((await a.read())?.sn, 2);
    assertEquals([await a.read(), await b.read()], [null, null]);
    await worker.closedByPeer();
    worker.close();
    await within(closed, "close()");
    const { clients, innerLinks, acknowledged } = gateway.gateway.stats();
    assertEquals([clients, innerLinks, acknowledged], [0, 0, 5]);
    assertEquals(gateway.log.lines.at(-1), "INFO closed");
  },
);

overTransports(
  "Gateway close() accepts and reads clients no more",
  async (start) => {
    await using gateway = await start({
      drainTimeout: FOREVER_S,
    });
    await using worker = await gateway.attach();
    await using client = await gateway.connectBox();
    await worker.pull(TaskCmd.CLIENT_CREATED);
    await client.write({ cmd: 1, sn: 1 });
    const task = await worker.pull(TaskCmd.CLIENT_REQ);
    const closed = gateway.gateway.close();
    // The port may be somebody else's by now; what counts is that the gateway does not take it.
    const late = await gateway.connectBox().catch(() => undefined);
    await late?.[Symbol.asyncDispose]();
    await client.write({ cmd: 1, sn: 2 });
    await worker.answer(task, "the last");
    await worker.ask();
    assertEquals((await client.read())?.sn, 1);
    assertEquals(await client.read(), null);
    await worker.closedByPeer();
    worker.close();
    await within(closed, "close()");
    const { clientFrames, clientsAccepted } = gateway.gateway.stats();
    assertEquals([clientFrames, clientsAccepted], [1, 1]);
  },
);

Deno.test("Gateway close() leaves at once when nothing is queued", async () => {
  await using gateway = await GatewayFixture.start({
    drainTimeout: FOREVER_S,
  });
  await using _worker = await gateway.attachEcho();
  await gateway.until((stats) => stats.workers === 1);
  await within(gateway.gateway.close(), "close()");
  assertEquals(gateway.log.complaints, []);
  const { outerAddr, innerAddr } = gateway.gateway;
  assertEquals([outerAddr, innerAddr], [undefined, undefined]);
});

Deno.test("Gateway close() waits no longer when the last task is given up", async () => {
  await using gateway = await GatewayFixture.start({
    drainTimeout: FOREVER_S,
    maxDeliveries: 1,
  });
  await using trigger = await gateway.attach();
  await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  const worker = await gateway.attach();
  await worker.pull(TaskCmd.WRITE_TO_WORKER);
  const closed = gateway.gateway.close();
  await worker[Symbol.asyncDispose]();
  assertEquals(await trigger.next(), null);
  trigger.close();
  await within(closed, "close()");
});

overTransports(
  "Gateway close() waits no longer when the last tasks are cleared",
  async (start) => {
    await using gateway = await start({
      drainTimeout: FOREVER_S,
    });
    await using client = await gateway.connectBox();
    const worker = await gateway.attach();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    await client.write({ cmd: 1, sn: 1 });
    await gateway.until((stats) => stats.queued === 1);
    // Acknowledges CREATED by a task of its own, whose number is then known.
    await worker.askExplicitly(created);
    const request = await worker.expect(TaskCmd.CLIENT_REQ);
    await client.write({ cmd: 1, sn: 2 });
    await gateway.until((stats) => stats.queued === 1);
    const closed = gateway.gateway.close();
    await worker.send({ cmd: TaskCmd.CLEAR_CLIENT_TASKS });
    await worker.expect(TaskCmd.CLEAR_CLIENT_TASKS);
    // The request in hand is done with; the other one is dropped.
    await worker.askExplicitly(request);
    await worker.send(created.map({ cmd: TaskCmd.CLEAR_CLIENT_TASKS }));
    assertEquals(await client.read(), null);
    await worker.closedByPeer();
    worker.close();
    await within(closed, "close()");
  },
);

overTransports(
  "Gateway close() gives up after drainTimeout and says what is left",
  async (start) => {
    await using gateway = await start({ drainTimeout: 0.05 });
    await using client = await gateway.connectBox();
    await client.write({ cmd: 1 });
    await gateway.until((stats) => stats.queued === 2);
    const closed = gateway.gateway.close();
    assertEquals(await client.read(), null);
    await within(closed, "close()");
    assert(
      gateway.log.lines.includes(
        "WARN leaves with 2 tasks that were not finished",
      ),
    );
  },
);

overTransports(
  "Gateway closeNow() ends the waiting of close()",
  async (start) => {
    await using gateway = await start({
      drainTimeout: FOREVER_S,
    });
    await using client = await gateway.connectBox();
    await gateway.until((stats) => stats.queued === 1);
    const closed = gateway.gateway.close();
    const closedNow = gateway.gateway.closeNow();
    assertEquals(await client.read(), null);
    await within(Promise.all([closed, closedNow]), "closeNow()");
  },
);

Deno.test("Gateway close() closes whoever it has accepted in that moment as well", async () => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const { listen } = Deno;
  Deno.listen = ((options: Deno.TcpListenOptions) => {
    const listener = listen(options);
    const accept = listener.accept.bind(listener);
    listener.accept = async () => {
      const conn = await accept();
      await closed;
      return conn;
    };
    return listener;
  }) as typeof Deno.listen;
  await using fixture = await GatewayFixture.start({ io: "deno" }).finally(
    () => {
      Deno.listen = listen;
    },
  );
  using client = await Deno.connect(fixture.outer);
  using worker = await Deno.connect(fixture.inner);
  const ended = fixture.gateway.close();
  close();
  for (const peer of [client, worker]) {
    const read = peer.read(new Uint8Array(1));
    assertEquals(await within(read, "the end of a connection"), null);
    peer.close();
  }
  await within(ended, "the gateway's end");
});

Deno.test("Gateway close() may be called twice, and before listen()", async () => {
  const gateway = new Gateway(LOCAL);
  assertEquals([gateway.outerAddr, gateway.innerAddr], [undefined, undefined]);
  await Promise.all([gateway.close(), gateway.close()]);
  await gateway.closeNow();
  await gateway[Symbol.asyncDispose]();
  await assertRejects(
    () => gateway.listen(),
    GatewayError,
    "this gateway was started before; make a new one",
  );
});

Deno.test("Gateway listen() gives the real ports and may not be repeated", async () => {
  await using gateway = new Gateway(LOCAL);
  await gateway.listen();
  assert(gateway.outerAddr!.port > 0 && gateway.innerAddr!.port > 0);
  await assertRejects(() => gateway.listen(), GatewayError, "started before");
});

Deno.test("Gateway listen() on a port in use fails in one line and leaves nothing open", async () => {
  await using other = await GatewayFixture.start();
  for (const name of ["outerPort", "innerPort"] as const) {
    await using gateway = new Gateway({
      ...{ ...LOCAL, bindTimeout: 0 },
      [name]: other.outer.port,
    });
    const error = await assertRejects(() => gateway.listen(), GatewayError);
    const whom = name === "outerPort" ? "clients" : "workers";
    assertEquals(
      error.message,
      `Cannot listen for ${whom} at 127.0.0.1:${other.outer.port}: the address is in use; stop the other program or choose another port`,
    );
    assert(error.cause instanceof Error);
    assertEquals([gateway.outerAddr, gateway.innerAddr], [
      undefined,
      undefined,
    ]);
  }
});

overTransports(
  "Gateway tells workers of the clients that it closes when it leaves",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    await using client = await gateway.connectBox();
    await worker.pull(TaskCmd.CLIENT_CREATED);
    await worker.ask();
    await gateway.until((stats) => stats.idleCredits === 1);
    const closed = gateway.gateway.close();
    await worker.expect(TaskCmd.CLIENT_CLOSED);
    assertEquals([await worker.next(), await client.read()], [null, null]);
    worker.close();
    await within(closed, "close()");
  },
);

Deno.test("two gateways draw different tags", async () => {
  const tags = [];
  for (let i = 0; i < 2; i++) {
    await using gateway = await GatewayFixture.start();
    await using worker = await gateway.attach();
    await using _client = await gateway.connectRaw(Box);
    tags.push((await worker.pull(TaskCmd.CLIENT_CREATED)).tag);
  }
  assert(tags[0] !== tags[1]);
});

Deno.test("Gateway closes when its signal is aborted, and does not listen after that", async () => {
  const control = new AbortController();
  const { signal } = control;
  await using gateway = new Gateway({ ...LOCAL, signal });
  await gateway.listen();
  const { port } = gateway.outerAddr!;
  control.abort("enough");
  assertEquals(gateway.outerAddr, undefined);
  await gateway.close();
  assertEquals(gateway.stats().state, "closed");
  await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port }));
  await using late = new Gateway({ ...LOCAL, signal });
  assertEquals(await late.listen().catch((reason) => reason), "enough");
});

Deno.test("Gateway listen() waits for a port that is still in use, and says so once", async () => {
  for (const name of ["outerPort", "innerPort"] as const) {
    const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const log = new LogCollector();
    const { port } = other.addr;
    await using gateway = new Gateway({
      ...{ ...LOCAL, logger: log, bindTimeout: 60 },
      [name]: port,
    });
    const listening = gateway.listen();
    await log.line(/WARN .* the address is in use; .* up to 60 s/);
    await assertRejects(() => gateway.listen(), GatewayError, "started before");
    other.close();
    await within(listening, "listen()");
    assertEquals(log.complaints.length, 1);
    const { outerAddr, innerAddr } = gateway;
    const addr = name === "outerPort" ? outerAddr : innerAddr;
    assertEquals(addr!.port, port);
  }
});

Deno.test("Gateway close() ends the waiting for a port, and nothing stays open", async () => {
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const log = new LogCollector();
  const gateway = new Gateway({
    ...{ ...LOCAL, logger: log, bindTimeout: 60 },
    outerPort: other.addr.port,
  });
  const failed = assertRejects(() => gateway.listen(), GatewayError);
  await log.line(/WARN .* the address is in use/);
  await within(gateway.close(), "close()");
  await within(failed, "listen()");
  assertEquals(gateway.innerAddr, undefined);
});
