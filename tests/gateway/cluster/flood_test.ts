// A gateway that is flooded by another one: its clients have their turn, and nothing grows.

import { assert, assertEquals } from "@std/assert";
import { encodeRspToUsers, Task, TaskCmd } from "@maple/box";
import type { Bus } from "@maple/gateway";
import { Messenger } from "../../../gateway/cluster/messenger.ts";
import { newCounters } from "../../../gateway/metrics/counter_values.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { MemoryBuses } from "../../helpers/memory_bus.ts";
import { row } from "../inner/command_support.ts";

async function flooder(bus: Bus): Promise<Messenger> {
  await bus.open({ onMessage() {}, onState() {} });
  return new Messenger({
    ...{ bus, id: () => 1, node: 99, bytesMax: 1, counters: newCounters() },
    ...{
      afterOthers: queueMicrotask,
      onSign() {},
      onUnknown() {},
      onMessage() {},
    },
  });
}

const command = (bytes: number): Uint8Array =>
  new Task({
    cmd: TaskCmd.WRITE_TO_USERS,
    body: encodeRspToUsers([row("x".repeat(bytes), [12345])]),
  }).pack();

Deno.test("clients of a gateway have their turn while another one floods it", async () => {
  const buses = new MemoryBuses();
  await using gateway = await GatewayFixture.start({ bus: buses.make() });
  await using _worker = await gateway.attachEcho();
  await using client = await gateway.connectBox();
  await client.write({ cmd: 1, sn: 1 });
  await client.read();
  const other = await flooder(buses.make());
  const COUNT = 50_000;
  const frame = command(10);
  for (let i = 0; i < COUNT; i++) assert(other.publish("command", frame));
  await client.write({ cmd: 1, sn: 2 });
  assertEquals((await client.read())?.sn, 2);
  const { userMessages, clusterReceived } = gateway.gateway.stats();
  assertEquals(clusterReceived, COUNT);
  assert(userMessages < COUNT, "all of it was done before");
  await gateway.until(({ userMessages }) => userMessages === COUNT);
});

Deno.test("what another gateway floods with does not grow here: it is dropped and counted", async () => {
  const buses = new MemoryBuses();
  await using gateway = await GatewayFixture.start({
    ...{ bus: buses.make(), clusterBytes: 1 },
    ...{ frameBytes: 10_000, innerFrameBytes: 100_000 },
  });
  const other = await flooder(buses.make());
  const frame = command(20_000);
  for (let i = 0; i < 100; i++) assert(other.publish("command", frame));
  // A slice is done at once, what has room waits, and the rest is gone.
  await gateway.until(({ clusterReceived }) => clusterReceived === 100);
  const { clusterDropped } = gateway.gateway.stats();
  assert(clusterDropped.room > 50 && clusterDropped.room < 100);
  await gateway.until(({ userMessages }) =>
    userMessages === 100 - clusterDropped.room
  );
});
