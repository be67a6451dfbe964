// Tests of Trigger with gateways that are away, restart or misbehave.

import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Box, RET, Task, TaskCmd } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Trigger, TriggerError } from "@maple/trigger";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import { within } from "../helpers/within.ts";
import { hangingGateway, makeTrigger } from "./trigger_fixture.ts";

const MANY_BYTES = 12 * 1024 * 1024;

Deno.test("Trigger with ensure sends through a restart of the gateway", async () => {
  const first = await GatewayFixture.start();
  const innerPort = first.inner.port;
  const trigger = makeTrigger(innerPort, { retryDelay: 0.01 });
  assert(await trigger.writeToWorker({ cmd: 1 }));
  await first.gateway.closeNow();
  const calls = [2, 3, 4].map((cmd) => trigger.writeToWorker({ cmd }));

  await using second = await GatewayFixture.start({ innerPort });
  await using worker = await second.attach();
  for (const cmd of [2, 3, 4]) {
    assertEquals(Box.fromFrame((await worker.work()).body).cmd, cmd);
  }
  assertEquals(await Promise.all(calls), [true, true, true]);
  // The first gateway has given its receipt for the first message.
  assert(await trigger.close());
});

Deno.test("Trigger with ensure waits for a gateway that is not there yet", async () => {
  const innerPort = freePort();
  const trigger = makeTrigger(innerPort, { retryDelay: 0.01 });
  const connected = trigger.connect();
  const call = trigger.writeToWorker({ cmd: 1 });
  await using gateway = await GatewayFixture.start({ innerPort });
  assert(await connected);
  assert(await call);
  assert(await trigger.close());
  assertEquals(gateway.gateway.stats().queued, 1);
});

Deno.test("Trigger with ensure gives up after its timeout and says why", async () => {
  const port = freePort();
  const trigger = makeTrigger(port, { timeout: 0.06, retryDelay: 600 });
  const error = await assertRejects(
    () => trigger.closeUsers([1]),
    TriggerError,
  );
  assertEquals(error.code, "timeout");
  assert(
    error.message.startsWith(
      `Cannot send to gateway 127.0.0.1:${port}: not done within 0.06 s: `,
    ),
    error.message,
  );
  assert(error.cause instanceof Error);
  const closing = within(trigger.close(), "the end of the trigger");
  assert(await closing, "nothing was sent, so nothing is lost");
});

Deno.test("Trigger without ensure gives false at once and works when the gateway is back", async () => {
  const innerPort = freePort();
  const options = { ensure: false, timeout: 600 };
  const trigger = makeTrigger(innerPort, options);
  assertFalse(await within(trigger.connect(), "the attempt"));
  const calls = [1, 2].map((cmd) => trigger.writeToWorker({ cmd }));
  assertEquals(await within(Promise.all(calls), "the calls"), [false, false]);

  const first = await GatewayFixture.start({ innerPort });
  assert(await trigger.writeToWorker({ cmd: 3 }));
  await first.gateway.closeNow();
  assertFalse(await within(trigger.writeToWorker({ cmd: 4 }), "the call"));

  await using second = await GatewayFixture.start({ innerPort });
  assert(await trigger.writeToWorker({ cmd: 5 }));
  await using worker = await second.attach();
  assertEquals(Box.fromFrame((await worker.work()).body).cmd, 5);
  assertFalse(await trigger.close());
});

Deno.test("Trigger writes nothing to a connection that the gateway has closed", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { ensure: false });
  const connecting = trigger.connect();
  const first = await played.accept();
  await connecting;
  await first.endWriting();
  // The trigger has seen the end when it ends its own side.
  assertEquals(await first.next(), null);
  first.close();

  const call = trigger.closeUsers([1]);
  await using second = await played.accept();
  assertEquals((await second.next())?.cmd, TaskCmd.CLOSE_USERS);
  assert(await call);
  const closing = trigger.close();
  assertEquals(await second.next(), null);
  await second.endWriting();
  assert(await closing);
});

Deno.test("Trigger with ensure sends a frame again that broke off, and only that one", async () => {
  using played = new PlayedGateway();
  await using trigger = makeTrigger(played.port, { retryDelay: 0.01 });
  const calls = [
    trigger.writeToWorker({ cmd: 1 }),
    trigger.writeToWorker({ cmd: 2, body: new Uint8Array(MANY_BYTES) }),
    trigger.writeToWorker({ cmd: 3 }),
  ];
  const first = await played.accept();
  assertEquals(Box.fromFrame((await first.next())!.body).cmd, 1);
  await calls[0];
  first.close();

  await using second = await played.accept();
  for (const cmd of [2, 3]) {
    assertEquals(Box.fromFrame((await second.next())!.body).cmd, cmd);
  }
  assertEquals(await Promise.all(calls), [true, true, true]);
});

Deno.test("Trigger gives up a message that the gateway does not read, and the gateway never gets it whole", async () => {
  for (const ensure of [true, false]) {
    using played = new PlayedGateway();
    const trigger = makeTrigger(played.port, { ensure, timeout: 0.5 });
    assert(await trigger.connect());
    await using gateway = await played.accept();
    const call = trigger.writeToWorker({ body: new Uint8Array(MANY_BYTES) });
    if (ensure) {
      const error = await assertRejects(
        () => call,
        TriggerError,
        "does not read",
      );
      assertEquals(error.code, "timeout");
    } else assertFalse(await call);
    assertEquals(await gateway.next(), null);
    assert(await trigger.close());
  }
});

Deno.test("Trigger.close() gives false when the gateway does not close in time", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { timeout: 0.5 });
  assert(await trigger.closeUsers([1]));
  await using gateway = await played.accept();
  assertFalse(await trigger.close());
  assertEquals((await gateway.next())?.cmd, TaskCmd.CLOSE_USERS);
  assertEquals(await gateway.next(), null);
});

Deno.test("Trigger.close() gives false when the gateway has closed before", async () => {
  for (const reads of [true, false]) {
    using played = new PlayedGateway();
    const ended = new LogCollector();
    const trigger = makeTrigger(played.port, { logger: ended });
    assert(await trigger.closeUsers([1]));
    await using gateway = await played.accept();
    if (reads) assert(await gateway.next());
    await gateway.endWriting();
    assertStringIncludes(await ended.line(/^WARN /), "is not known");
    assertFalse(await trigger.close());
  }
});

Deno.test("Trigger hands nothing to a gateway that is full, and goes on when it no longer is", async () => {
  await using gateway = await GatewayFixture.start({ innerConnsMax: 1 });
  const worker = await gateway.attach();
  await eventually(() => gateway.gateway.stats().innerLinks === 1);
  const log = new LogCollector();
  await using once = makeTrigger(gateway, { ensure: false, logger: log });
  assertFalse(await once.closeUsers([1]));
  await log.line(/may be full \(its option innerConnsMax\)/);
  await using trigger = makeTrigger(gateway, { retryDelay: 0.01 });
  const call = trigger.writeToWorker({ cmd: 1 });
  await eventually(() => gateway.gateway.stats().innerRefused > 2);
  worker.close();
  assert(await call);
  await eventually(() => gateway.gateway.stats().queued === 1);
});

Deno.test("Trigger fails at once where no gateway answers", async () => {
  const task = new Task({ cmd: TaskCmd.CLIENT_REQ, body: new Uint8Array(60) });
  for (
    const answer of [
      new Box({ ret: -10000 }).pack(),
      new Box({ ret: -10000, body: new Uint8Array(200) }).pack(),
      task.pack(),
      new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
    ]
  ) {
    using played = new PlayedGateway();
    await using trigger = makeTrigger(played.port);
    const call = trigger.writeToWorker({ cmd: 1 });
    await using stranger = await played.accept({ greets: false });
    await stranger.sendBytes(answer);
    const error = await assertRejects(() => call, TriggerError, "inner port");
    assertEquals(error.code, "connection");
    // Nothing but the hello came.
    assertEquals(await stranger.next(), null);
  }
});

Deno.test("Trigger does not take the clients' port for a gateway", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const answering = (async () => {
    await worker.work();
    const task = await worker.work();
    const box = Box.fromFrame(task.body).map({ ret: RET.INVALID_CMD });
    const answer = { cmd: TaskCmd.WRITE_TO_CLIENT, body: box.pack() };
    await worker.send(task.map(answer));
  })();
  await using trigger = makeTrigger(gateway.outer.port);
  await assertRejects(
    () => trigger.closeUsers([1]),
    TriggerError,
    "inner port",
  );
  await answering;
});

Deno.test("Trigger takes a gateway that stays silent for an original one", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port);
  const call = trigger.closeUsers([1]);
  await using original = await played.accept({ greets: false });
  assertEquals((await original.next())?.cmd, TaskCmd.CLOSE_USERS);
  assert(await call);
  const closing = trigger.close();
  assertEquals(await original.next(), null);
  await original.endWriting();
  assert(await closing);
});

Deno.test("Trigger refuses at the call what the gateway does not take", async () => {
  await using gateway = await GatewayFixture.start({
    frameBytes: 500,
    innerFrameBytes: 1000,
  });
  await using trigger = makeTrigger(gateway);
  assert(await trigger.writeToWorker(new Uint8Array(924)));
  const error = await assertRejects(
    () => trigger.writeToWorker(new Uint8Array(925)),
    TriggerError,
    "1001 bytes are too many: it takes messages of up to 1000 (its option innerFrameBytes)",
  );
  assertEquals(error.code, "limit");
  assert(await trigger.close());
  assertEquals(gateway.gateway.stats().queued, 1);
});

Deno.test("Trigger.close() waits for calls that still wait for the gateway", async () => {
  const innerPort = freePort();
  const trigger = makeTrigger(innerPort, { retryDelay: 0.01 });
  const call = trigger.writeToWorker({ cmd: 1 });
  const closing = trigger.close();
  await using gateway = await GatewayFixture.start({ innerPort });
  assert(await call);
  assert(await closing);
  assertEquals(gateway.gateway.stats().queued, 1);
});

Deno.test("Trigger bounds what waits", async () => {
  const frame = new Task({ body: new Uint8Array(924) });
  for (const ensure of [true, false]) {
    const trigger = makeTrigger(freePort(), {
      ensure,
      timeout: 0.06,
      queueBytes: 2500,
    });
    const calls = [1, 2, 3].map(() => trigger.send(frame));
    const results = await Promise.allSettled(calls);
    if (ensure) {
      assertEquals(
        results.map((r) => r.status === "rejected" && r.reason.code),
        ["timeout", "timeout", "limit"],
      );
    } else {
      assertEquals(
        results.map((r) => r.status === "fulfilled" && r.value),
        [false, false, false],
      );
    }
    const large = new Task({ body: new Uint8Array(3000) });
    if (ensure) {
      await assertRejects(
        () => trigger.send(large),
        TriggerError,
        "queueBytes is 2500",
      );
    }
    await trigger.close();
  }
});

Deno.test("Trigger counts what waits, not what is sent", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = makeTrigger(gateway, { queueBytes: 2500 });
  const body = new Uint8Array(1000);
  for (let i = 0; i < 10; i++) assert(await trigger.writeToWorker({ body }));
});

Deno.test("Trigger gives up a gateway that does not answer the connection", async () => {
  await using hanging = await hangingGateway();
  const trigger = makeTrigger(hanging.port, { timeout: 0.1 });
  const error = await assertRejects(
    () => trigger.closeUsers([1]),
    TriggerError,
  );
  assertEquals(error.code, "timeout");
  assert(await trigger.close());
});

Deno.test("Trigger is closed when its signal is aborted; what waits is given up at once", async () => {
  const control = new AbortController();
  const trigger = makeTrigger(freePort(), {
    timeout: 600,
    signal: control.signal,
  });
  const calls = [trigger.connect(), trigger.writeToWorker({ cmd: 1 })];
  const results = Promise.allSettled(calls);
  control.abort();
  for (const result of await within(results, "the calls")) {
    assert(result.status === "rejected");
    assertEquals(result.reason.code, "closed");
  }
  const late = await assertRejects(
    () => trigger.closeUsers([1]),
    TriggerError,
  );
  assertEquals(late.code, "closed");
  assert(await within(trigger.close(), "the end of the trigger"));
});

Deno.test("Trigger refuses the name that queueBytes had before", () => {
  assertThrows(
    // deno-lint-ignore no-explicit-any -- what a program of before says
    () => new Trigger(Box, "127.0.0.1", 1, { maxQueueBytes: 9 } as any),
    TriggerError,
    "Option maxQueueBytes is called queueBytes now",
  );
});

Deno.test('Trigger with ensure "forever" waits for its gateway as long as it takes, and says so once', async () => {
  const innerPort = freePort();
  const log = new LogCollector();
  const trigger = makeTrigger(innerPort, {
    ensure: "forever",
    timeout: 0.05,
    retryDelay: 0.01,
    logger: log,
  });
  const calls = [1, 2].map((cmd) => trigger.writeToWorker({ cmd }));
  await log.line(
    /^WARN gateway 127\.0\.0\.1:\d+: not done within 0\.05 s: .*; trying on$/,
  );
  // Several times its timeout later nothing has changed.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals(log.complaints.length, 1);
  await using gateway = await GatewayFixture.start({ innerPort });
  assertEquals(await Promise.all(calls), [true, true]);
  assert(await trigger.close());
  assertEquals(gateway.gateway.stats().queued, 2);
});

Deno.test('Trigger with ensure "forever" and several gateways sends a task by the first that comes', async () => {
  const innerPort = freePort();
  await using trigger = new Trigger(Box, [
    { host: "127.0.0.1", port: freePort() },
    { host: "127.0.0.1", port: innerPort },
  ], { ensure: "forever", timeout: 0.05, retryDelay: 0.01, logger: SILENT });
  const call = trigger.writeToWorker({ cmd: 1 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await using gateway = await GatewayFixture.start({ innerPort });
  assert(await call);
  await trigger.close();
  assertEquals(gateway.gateway.stats().queued, 1);
});

Deno.test('Trigger with ensure "forever" sends again what a gateway that does not read has not taken', async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, {
    ensure: "forever",
    timeout: 1,
    logger: SILENT,
  });
  const body = new Uint8Array(MANY_BYTES);
  const call = trigger.writeToWorker({ cmd: 7, body });
  await using first = await played.accept();
  await using second = await played.accept();
  assertEquals(Box.fromFrame((await second.next())!.body).cmd, 7);
  assert(await call);
  // Not whole, so never taken.
  assertEquals(await first.next(), null);
  await trigger.close();
});

for (
  const { what, end } of [
    {
      what: "its signal is aborted",
      end: (_: Trigger, stop: AbortController) => stop.abort(),
    },
    {
      what: "it is closed, and has waited for its timeout",
      end: (trigger: Trigger) => trigger.close(),
    },
  ]
) {
  Deno.test(`Trigger with ensure "forever" gives up when ${what}`, async () => {
    const stop = new AbortController();
    const trigger = makeTrigger(freePort(), {
      ensure: "forever",
      timeout: 0.05,
      signal: stop.signal,
      logger: SILENT,
    });
    const call = assertRejects(
      () => trigger.writeToUsers([[[1], {}]]),
      TriggerError,
    );
    end(trigger, stop);
    assertEquals((await call).code, "closed");
    // Nothing that was sent is in doubt.
    assert(await trigger.close());
  });
}
