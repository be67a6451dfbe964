// Tests of Trigger with several gateways.

import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { Box } from "@maple/box";
import { greet, SILENT } from "@maple/box/internal";
import {
  Trigger,
  TriggerError,
  type TriggerGateway,
  type TriggerOptions,
  VirtualRequest,
} from "@maple/trigger";
import { freePort } from "../helpers/free_port.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import { within } from "../helpers/within.ts";
import {
  hangingGateway,
  HOST,
  innerAddress,
  joinClient,
  nextText,
} from "./trigger_fixture.ts";

function makeTrigger(
  gateways: readonly (GatewayFixture | number)[],
  options: TriggerOptions = {},
): Trigger {
  const addresses: TriggerGateway[] = gateways.map((at) =>
    typeof at === "number" ? { host: HOST, port: at } : innerAddress(at)
  );
  return new Trigger(Box, addresses, { logger: SILENT, ...options });
}

Deno.test("Trigger sends users' messages to all gateways", async () => {
  await using first = await GatewayFixture.start();
  await using second = await GatewayFixture.start();
  await using firstWorker = await first.attach();
  await using secondWorker = await second.attach();
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
  await using first = await GatewayFixture.start();
  await using second = await GatewayFixture.start();
  const trigger = makeTrigger([first, second]);
  await trigger.connect();
  for (let cmd = 0; cmd < 10; cmd++) await trigger.writeToWorker({ cmd });
  assert(await trigger.close());
  assertEquals([first.gateway.stats().queued, second.gateway.stats().queued], [
    5,
    5,
  ]);
});

Deno.test("Trigger sends tasks to the gateways that are there", async () => {
  await using there = await GatewayFixture.start();
  for (const ensure of [true, false]) {
    const trigger = makeTrigger([freePort(), there], { ensure });
    const calls = Array.from(
      { length: 10 },
      (_, cmd) => trigger.writeToWorker({ cmd }),
    );
    assert((await Promise.all(calls)).every(Boolean));
    assert(await trigger.close());
  }
  assertEquals(there.gateway.stats().queued, 20);
});

Deno.test("Trigger sends a task to another gateway when the one in turn goes away", async () => {
  const first = await GatewayFixture.start();
  await using second = await GatewayFixture.start();
  const trigger = makeTrigger([first, second], { retryDelay: 0.01 });
  await trigger.connect();
  await first.gateway.closeNow();
  for (let cmd = 0; cmd < 4; cmd++) {
    assert(await trigger.writeToWorker({ cmd }));
  }
  assert(await trigger.close());
  assertEquals(second.gateway.stats().queued, 4);
});

Deno.test("Trigger sends a task that broke off to another gateway", async () => {
  const played = new PlayedGateway();
  await using there = await GatewayFixture.start();
  await using worker = await there.attach();
  await using trigger = makeTrigger([played.port, there], { retryDelay: 0.01 });
  assert(await trigger.connect());
  const broken = await played.acceptConn();
  await broken.write(greet({}));
  played[Symbol.dispose]();
  const call = trigger.writeToWorker({
    body: new Uint8Array(12 * 1024 * 1024),
  });
  // A part of it has come, so it is on its way to the gateway in turn.
  for (let bytes = 0; bytes < 100_000;) {
    bytes += (await broken.read(new Uint8Array(100_000)))!;
  }
  broken.close();
  assert(await call);
  const task = await worker.work();
  assertEquals(Box.fromFrame(task.body).body.length, 12 * 1024 * 1024);
});

Deno.test("Trigger.close() does not wait for a gateway that nothing was sent to", async () => {
  await using hanging = await hangingGateway();
  await using there = await GatewayFixture.start();
  const trigger = makeTrigger([hanging.port, there], { timeout: 600 });
  assert(await within(trigger.writeToWorker({ cmd: 1 }), "the task"));
  assert(await within(trigger.close(), "the end of the trigger"));
});

Deno.test("Trigger.close() gives false when one of the gateways has not taken all", async () => {
  using played = new PlayedGateway();
  await using there = await GatewayFixture.start();
  const ended = new LogCollector();
  const trigger = makeTrigger([there, played.port], { logger: ended });
  assert(await trigger.closeUsers([1]));
  (await played.accept()).close();
  await ended.line(/^WARN /);
  assertFalse(await trigger.close());
});

Deno.test("Trigger tells which gateway did not get a message for users, and the others get it", async () => {
  await using there = await GatewayFixture.start();
  await using worker = await there.attach();
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
  await using first = await GatewayFixture.start({ nodeId: 1 });
  await using second = await GatewayFixture.start({ nodeId: 2 });
  await using firstWorker = await first.attach();
  await using secondWorker = await second.attach();
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
