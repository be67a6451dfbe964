// Gateways without sockets that are one over a real nats-server.

import { assert, assertEquals } from "@std/assert";
import { Cluster } from "../../../gateway/cluster/cluster.ts";
import { UNTOLD } from "../../../gateway/cluster/hello.ts";
import { NatsBus } from "../../../gateway/cluster/nats_bus.ts";
import { parseNatsServers } from "../../../gateway/cluster/nats_servers.ts";
import { newCounters } from "../../../gateway/metrics/counter_values.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { hasNatsServer, NatsServer } from "../../helpers/nats_server.ts";
import { SecretFile } from "../../helpers/secret_file.ts";

function make(url: string): Cluster {
  const logger = new LogCollector();
  const bytesMax = 64 * 1024 * 1024;
  return new Cluster({
    name: "test",
    bus: new NatsBus({
      servers: parseNatsServers("cluster", url, (line) => new Error(line)),
      credentials: { credsFile: "", caFile: "", certFile: "", keyFile: "" },
      clusterName: "test",
      bytesMax,
      logger,
    }),
    nodeId: undefined,
    bytesMax,
    logger,
    counters: newCounters(),
    afterOthers: queueMicrotask,
    hello: () => ({ ...UNTOLD, state: "serving" }),
  });
}

async function together(
  all: readonly Cluster[],
  body: () => Promise<void>,
): Promise<void> {
  try {
    await Promise.all(all.map((one) => one.join()));
    await body();
  } finally {
    await Promise.all(all.map((one) => one.leave()));
  }
}

Deno.test({
  name:
    "over NATS each gateway gets a node id of its own, also at the same moment",
  ignore: !hasNatsServer,
  fn: async () => {
    await using server = await NatsServer.start();
    const all = Array.from({ length: 8 }, () => make(server.url));
    await together(all, async () => {
      const nodes = all.map(({ node }) => node).toSorted((a, b) => a - b);
      assertEquals(nodes, [0, 1, 2, 3, 4, 5, 6, 7]);
      await eventually(() => all.every(({ members }) => members.size === 7));
      const [first, ...others] = all;
      await first!.leave();
      await eventually(() => others.every(({ members }) => members.size === 6));
    });
  },
});

Deno.test({
  name:
    "over NATS a message may be longer than what a server takes at a time, and keeps its place",
  ignore: !hasNatsServer,
  fn: async () => {
    await using config = new SecretFile("max_payload: 20000");
    await using small = await NatsServer.start({ args: ["-c", config.path] });
    await using usual = await NatsServer.start();
    for (const { url } of [small, usual]) {
      const [a, b] = [make(url), make(url)];
      await together([a, b], async () => {
        const got: number[] = [];
        b.on("command", (body) => {
          assert(body.every((byte) => byte === body.length % 251));
          got.push(body.length);
        });
        const sent = [10, 19_976, 19_977, 5_000_000, 11, 3_000_000, 12];
        for (const length of sent) {
          const body = new Uint8Array(length).fill(length % 251);
          assert(a.publish("command", body));
        }
        await eventually(() => got.length === sent.length);
        assertEquals(got, sent);
      });
    }
  },
});
