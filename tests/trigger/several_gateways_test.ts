// Tests of Trigger with several gateways.

import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { Box } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import type { Gateway } from "@maple/gateway";
import {
  Trigger,
  TriggerError,
  type TriggerGateway,
  type TriggerOptions,
  VirtualRequest,
} from "@maple/trigger";
import {
  freePort,
  hangingGateway,
  HOST,
  innerAddress,
  joinClient,
  LogSignal,
  nextText,
  PlayedGateway,
  startGateway,
  startWorker,
  within,
} from "./test_system.ts";

function makeTrigger(
  gateways: readonly (Gateway | number)[],
  options: TriggerOptions = {},
): Trigger {
  const addresses: TriggerGateway[] = gateways.map((at) =>
    typeof at === "number" ? { host: HOST, port: at } : innerAddress(at)
  );
  return new Trigger(Box, addresses, { logger: SILENT, ...options });
}

Deno.test("Trigger sends users' messages to all gateways", async () => {
  await using first = await startGateway();
  await using second = await startGateway();
  using firstWorker = await startWorker(first);
  using secondWorker = await startWorker(second);
  await using one = await joinClient(first, firstWorker);
  await using two = await joinClient(second, secondWorker);
  await using trigger = makeTrigger([first, second]);
  assert(await trigger.writeToUsers([[[-2], { body: "all" }]]));
  assertEquals(await nextText(one), "all");
  assertEquals(await nextText(two), "all");
  assert(await trigger.closeUsers([-2]));
  assertEquals(await nextText(one), "closed");
  assertEquals(await nextText(two), "closed");
});

Deno.test("Trigger sends tasks for workers to the gateways in turn", async () => {
  await using first = await startGateway();
  await using second = await startGateway();
  const trigger = makeTrigger([first, second]);
  await trigger.connect();
  for (let cmd = 0; cmd < 10; cmd++) await trigger.writeToWorker({ cmd });
  assert(await trigger.close());
  assertEquals([first.stats().queued, second.stats().queued], [5, 5]);
});

Deno.test("Trigger sends tasks to the gateways that are there", async () => {
  await using there = await startGateway();
  for (const ensure of [true, false]) {
    const trigger = makeTrigger([freePort(), there], { ensure });
    const calls = Array.from(
      { length: 10 },
      (_, cmd) => trigger.writeToWorker({ cmd }),
    );
    assert((await Promise.all(calls)).every(Boolean));
    assert(await trigger.close());
  }
  assertEquals(there.stats().queued, 20);
});

Deno.test("Trigger sends a task to another gateway when the one in turn goes away", async () => {
  const first = await startGateway();
  await using second = await startGateway();
  const trigger = makeTrigger([first, second], { retryDelay: 0.01 });
  await trigger.connect();
  await first.close();
  for (let cmd = 0; cmd < 4; cmd++) {
    assert(await trigger.writeToWorker({ cmd }));
  }
  assert(await trigger.close());
  assertEquals(second.stats().queued, 4);
});

Deno.test("Trigger sends a task that broke off to another gateway", async () => {
  const played = new PlayedGateway();
  await using there = await startGateway();
  using worker = await startWorker(there);
  await using trigger = makeTrigger([played.port, there], { retryDelay: 0.01 });
  assert(await trigger.connect());
  const broken = await played.accept();
  played[Symbol.dispose]();
  const call = trigger.writeToWorker({
    body: new Uint8Array(12 * 1024 * 1024),
  });
  // A part of it has come, so it is on its way to the gateway in turn.
  assert(await broken.conn.read(new Uint8Array(1000)));
  broken.conn.close();
  assert(await call);
  const task = await worker.work();
  assertEquals(Box.fromFrame(task.body).body.length, 12 * 1024 * 1024);
});

Deno.test("Trigger.close() does not wait for a gateway that nothing was sent to", async () => {
  await using hanging = await hangingGateway();
  await using there = await startGateway();
  const trigger = makeTrigger([hanging.port, there], { timeout: 600 });
  assert(await within(trigger.writeToWorker({ cmd: 1 })));
  assert(await within(trigger.close()));
});

Deno.test("Trigger.close() gives false when one of the gateways has not taken all", async () => {
  using played = new PlayedGateway();
  await using there = await startGateway();
  const ended = new LogSignal();
  const trigger = makeTrigger([there, played.port], { logger: ended });
  assert(await trigger.closeUsers([1]));
  (await played.accept()).conn.close();
  await within(ended.warned);
  assertFalse(await trigger.close());
});

Deno.test("Trigger tells which gateway did not get a message for users, and the others get it", async () => {
  await using there = await startGateway();
  using worker = await startWorker(there);
  await using joined = await joinClient(there, worker);
  const away = freePort();
  const trigger = makeTrigger([there, away], {
    timeout: 0.06,
    retryDelay: 0.01,
  });
  const error = await assertRejects(
    () => trigger.writeToUsers([[[-2], { body: "you" }]]),
    TriggerError,
    `Cannot send to gateway ${HOST}:${away}`,
  );
  assertEquals(error.code, "timeout");
  assertEquals(await nextText(joined), "you");
  assert(await trigger.close());

  await using lax = makeTrigger([there, away], { ensure: false });
  assertFalse(await lax.writeToUsers([[[-2], { body: "again" }]]));
  assertEquals(await nextText(joined), "again");
});

Deno.test("Trigger names every gateway when none can be reached", async () => {
  const ports = [freePort(), freePort()];
  const trigger = makeTrigger(ports, { timeout: 0.06, retryDelay: 0.01 });
  for (
    const call of [
      () => trigger.closeUsers([1]),
      () => trigger.writeToWorker({}),
    ]
  ) {
    const error = await assertRejects(call, TriggerError);
    assertEquals(error.code, "timeout");
    for (const port of ports) {
      assert(
        error.message.includes(`:${port}: not done within`),
        error.message,
      );
    }
  }
  await trigger.close();
});

Deno.test("VirtualRequest answers a client through whichever gateway holds it", async () => {
  await using first = await startGateway({ nodeId: 1 });
  await using second = await startGateway({ nodeId: 2 });
  using firstWorker = await startWorker(first);
  using secondWorker = await startWorker(second);
  await using one = await joinClient(first, firstWorker);
  await using two = await joinClient(second, secondWorker);
  assertEquals(
    one.created.connId,
    two.created.connId,
    "only the tag tells them apart",
  );
  await using trigger = makeTrigger([first, second]);
  await new VirtualRequest(trigger, two.created).writeToClient({
    body: "for two",
  });
  await trigger.writeToUsers([[[-2], { body: "end" }]]);
  assertEquals(await nextText(two), "for two");
  assertEquals(await nextText(one), "end");
});
