// A gateway, workers and clients while workers are killed and connections cut: the short form of
// `deno task chaos`.

import { assert, assertEquals } from "@std/assert";
import { failureLines } from "./chaos/report.ts";
import { type ChaosOptions, runChaos } from "./chaos/run_chaos.ts";
import {
  type ClusterChaosOptions,
  runClusterChaos,
} from "./chaos/run_cluster.ts";
import { hasNatsServer } from "../helpers/nats_server.ts";

for (const depth of [1, 16]) {
  Deno.test(`chaos: every request is answered once and in order while workers and connections are cut, ${depth} under way`, async () => {
    const options: ChaosOptions = { seed: 20, seconds: 5, depth };
    const result = await runChaos(options);
    assertEquals(failureLines(options, result), []);
    const { totals, stats, events, broadcasts } = result;
    // That something was put to the test at all.
    assert(totals.answered > totals.pids.size);
    assert(totals.pids.size > 6);
    assert(stats.redelivered > 0);
    assert(broadcasts > 0);
    assert(events.counts.size > 4);
    if (depth > 1) assert(stats.chained > 0);
  });
}

Deno.test("chaos: secrets are changed all the while, and nothing is lost", async () => {
  const options: ChaosOptions = { seed: 22, seconds: 8, secrets: true };
  const result = await runChaos(options);
  assertEquals(failureLines(options, result), []);
  const { totals, stats, broadcasts, rotations } = result;
  assert(totals.answered > totals.pids.size);
  assert(stats.redelivered > 0);
  assert(broadcasts > 0);
  assert(rotations > 0);
  // Those who had come by an old one.
  assert(stats.innerClosed.local > 0);
});

Deno.test("chaos: with one delivery no request is handled twice, and what killed workers held is given up", async () => {
  const options: ChaosOptions = {
    seed: 21,
    requests: 15_000,
    clients: 50,
    masters: 1,
    maxDeliveries: 1,
  };
  const result = await runChaos(options);
  assertEquals(failureLines(options, result), []);
  const { totals, stats, handled } = result;
  assertEquals(totals.givenUp, stats.givenUp);
  assert(totals.givenUp > 0);
  assertEquals(stats.redelivered, 0);
  assert(handled.handled >= totals.answered);
});

for (
  const [what, more] of [
    ["", {}],
    [", and the bus and gateways are killed", {
      killBusEvery: 5,
      killGatewayEvery: 6,
    }],
  ] as const
) {
  Deno.test({
    name:
      `chaos: users of three gateways get each other's messages once and in order while workers are reloaded and killed${what}`,
    ignore: !hasNatsServer,
    fn: async () => {
      const options: ClusterChaosOptions = {
        ...{ seed: 23, gateways: 3, clients: 60, masters: 2, seconds: 10 },
        ...more,
      };
      const result = await runClusterChaos(options);
      assertEquals(failureLines(options, result), []);
      const { totals, more: counted, triggered, sums, events } = result;
      assert(totals.answered > totals.pids.size);
      assert(counted.delivered > 100 && triggered > 100);
      assert(sums.expected > 1000);
      assert(events.counts.size > 2);
    },
  });
}

for (const webSockets of [false, true]) {
  Deno.test({
    name: `chaos: another process takes the gateway's place again and again, ${
      webSockets ? "half of the clients by WebSockets, " : ""
    }and no client is disconnected`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const options: ChaosOptions = {
        ...{ seed: 23, seconds: 6, handoverEvery: 0.5, webSockets },
        ...(webSockets && { depth: 16 }),
      };
      const result = await runChaos(options);
      assertEquals(failureLines(options, result), []);
      const { totals, stats, broadcasts, pauses, guests } = result;
      assert(totals.answered > totals.pids.size);
      assert(broadcasts > 0);
      assert(guests > 0);
      assert(pauses.length > 2);
      assertEquals(stats.handovers, pauses.length);
      assertEquals(stats.generation, pauses.length + 1);
      assertEquals(stats.handoverPauses.count, pauses.length);
    },
  });
}

Deno.test({
  name:
    "chaos: the processes of a gateway are replaced again and again, and no client is disconnected, no message lost",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const options: ChaosOptions = {
      ...{ seed: 24, seconds: 10, handoverEvery: 0.5, processes: 2 },
      ...{ clients: 60, masters: 2, depth: 16, webSockets: true },
    };
    const result = await runChaos(options);
    assertEquals(failureLines(options, result), []);
    const { totals, stats, pauses, guests, deliveries } = result;
    assert(totals.answered > totals.pids.size);
    assert(guests > 0);
    assert(deliveries!.sums().expected > 100);
    assert(pauses.length > 0);
    assertEquals(stats.handovers, 2 * pauses.length);
    assertEquals(stats.generation, pauses.length + 1);
  },
});
