// Gateways of a cluster over a real nats-server, each of which is replaced again and again while
// users write to each other across them: nobody is cut off, and no message is lost or comes twice.

import { assert, assertEquals } from "@std/assert";
import { hasNatsServer, NatsServer } from "../helpers/nats_server.ts";
import { ClusterScene, GATEWAYS, USERS } from "./cluster_scene.ts";

function test(name: string, fn: () => Promise<void>): void {
  const ignore = !hasNatsServer || Deno.build.os !== "linux";
  Deno.test({ name, ignore, fn });
}

test("gateways of a cluster are replaced under load: each user gets each message once and in order", async () => {
  await using nats = await NatsServer.start();
  await using scene = await ClusterScene.start(
    Array(GATEWAYS).fill(nats.url),
    false,
    true,
  );
  const { cluster } = scene;
  await scene.untilWhole();
  const before = await scene.stats();
  const nodes = before.map(({ cluster }) =>
    cluster!.gateways.find(({ own }) => own)!.node
  );
  let isOver = false;
  const busy = (async () => {
    while (!isOver) {
      await scene.busy(500);
      await scene.writeToMany();
    }
  })();
  try {
    for (let i = 0; i < 5; i++) {
      await cluster.gateways[i % GATEWAYS]!.replace();
      cluster.groups[i % cluster.groups.length]!.signal("SIGHUP");
    }
  } finally {
    isOver = true;
    await busy;
  }
  await scene.allIsWell();
  assert(cluster.totals.answered > USERS);
  assertEquals(cluster.totals.disconnected, 0);
  assertEquals(await scene.users(), USERS);
  await scene.untilWhole();
  const stats = await scene.stats();
  assertEquals(stats.map(({ generation }) => generation), [3, 3, 2]);
  assertEquals(
    stats.map(({ cluster }) => cluster!.gateways.find(({ own }) => own)!.node),
    nodes,
  );
  for (const one of stats) {
    // To the others it has lived on.
    assertEquals(one.clusterLost, 0);
    assertEquals(Object.values(one.clusterNotPassedOn), [0, 0, 0, 0]);
    assert(Object.values(one.clusterDropped).every((count) => count === 0));
    assertEquals(one.clusterMoved, 0);
  }
});
