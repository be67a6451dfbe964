// Greetings tell workers and triggers where the gateways of a cluster are, again when that changes.

import { assertEquals } from "@std/assert";
import { TaskCmd } from "@maple/box";
import { decodeGreeting, hello, type ListedGateway } from "@maple/box/internal";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { MemoryBuses } from "../../helpers/memory_bus.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";

// Waits for the greeting that tells this list, and nothing but what led to it before.
async function greeted(
  peer: RawWorker,
  gateways: readonly ListedGateway[],
  alone?: true,
): Promise<void> {
  for (;;) {
    const frame = await peer.nextFrame();
    const { cluster, ...told } = decodeGreeting(frame!)!;
    assertEquals(cluster, "c");
    if (told.alone !== alone) continue;
    if (JSON.stringify(told.gateways) === JSON.stringify(gateways)) return;
  }
}

Deno.test("greetings list the gateways of the cluster, again when they change", async () => {
  const buses = new MemoryBuses();
  const busA = buses.make();
  await using a = await GatewayFixture.start({ bus: busA, clusterName: "c" });
  const inA = `127.0.0.1:${a.inner.port}`;
  const one = { node: 0, inner: inA, state: "serving" } as const;
  await using worker = await a.attach();
  await worker.askExplicitly();
  await greeted(worker, [one]);
  await using trigger = await a.attach();
  await trigger.sendBytes(hello({ name: "cron" }));
  await greeted(trigger, [one]);
  await using original = await a.attach();
  await original.ask();

  const b = await GatewayFixture.start({
    bus: buses.make(),
    clusterName: "c",
    innerAdvertise: "b.example:7",
  });
  const other = { node: 1, inner: "b.example:7", state: "serving" } as const;
  await using _b = b;
  for (const peer of [worker, trigger]) await greeted(peer, [one, other]);

  // Whom it does not hear is there all the same.
  busA.cut();
  for (const peer of [worker, trigger]) await greeted(peer, [one, other], true);
  busA.heal();
  for (const peer of [worker, trigger]) await greeted(peer, [one, other]);

  await b.gateway.close();
  for (const peer of [worker, trigger]) await greeted(peer, [one]);

  // One for each of the two workers.
  for (let i = 0; i < 2; i++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  }
  await original.expect(TaskCmd.WRITE_TO_WORKER);
  assertEquals(original.greeting, undefined);
});

Deno.test("a gateway that leaves is listed as draining until it is gone", async () => {
  const buses = new MemoryBuses();
  await using a = await GatewayFixture.start({
    bus: buses.make(),
    clusterName: "c",
  });
  await using b = await GatewayFixture.start({
    bus: buses.make(),
    clusterName: "c",
    drainTimeout: 30,
  });
  const [inA, inB] = [a, b].map(({ inner }) => `127.0.0.1:${inner.port}`);
  const one = { node: 0, inner: inA!, state: "serving" } as const;
  const other = { node: 1, inner: inB!, state: "serving" } as const;
  await using worker = await a.attach();
  await worker.askExplicitly();
  await greeted(worker, [one, other]);
  // What nobody has asked for keeps it there.
  await using client = await b.connectBox();
  await client.write({ cmd: 1 });
  await b.until(({ queued }) => queued > 0);
  const closed = b.gateway.close();
  await greeted(worker, [one, { ...other, state: "draining" }]);
  await b.gateway.closeNow();
  await closed;
  await greeted(worker, [one]);
});
