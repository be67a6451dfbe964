// Three gateways that are one over a real nats-server, with workers that were told of one of them
// and 300 users: what reaches whom while the bus and the gateways are killed, frozen and cut off.

import { assert, assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { Trigger } from "@maple/trigger";
import { eventually } from "../helpers/eventually.ts";
import { hasNatsServer, NatsServer } from "../helpers/nats_server.ts";
import { CutProxy } from "./chaos/cut_proxy.ts";
import { GROUPS, TO_ALL } from "./chaos/messages.ts";
import { ClusterScene, GATEWAYS, PATIENCE, USERS } from "./cluster_scene.ts";

function test(name: string, body: (t: Deno.TestContext) => Promise<void>) {
  Deno.test({ name, ignore: !hasNatsServer, fn: body });
}

test("gateways over a nats-server: each user gets each message once and in order, receipts add up", async () => {
  await using nats = await NatsServer.start();
  await using scene = await ClusterScene.start(Array(GATEWAYS).fill(nats.url));
  const { cluster } = scene;
  await scene.untilWhole();
  const stats = await scene.stats();
  assertEquals(stats.map(({ clients }) => clients), [100, 100, 100]);
  assertEquals(stats.map(({ users }) => users), [100, 100, 100]);
  await scene.writeToMany();
  assert(await scene.busy(3000) > USERS);
  await scene.allIsWell();
  const { more } = cluster;
  assert(more.delivered > 100 && more.unasked > 100);
  assertEquals([more.offline, more.unknown], [0, 0]);
  await using trigger = new Trigger(
    Box,
    "127.0.0.1",
    cluster.gateways[1]!.inner.port,
  );
  assertEquals(
    await trigger.writeToUsers([[[1, 2, 3, 5000], { cmd: 999 }]], {
      receipt: true,
    }),
    { delivered: 3, offline: [5000], complete: true },
  );
  assertEquals(await trigger.online([7, 8, 9, 5000]), [7, 8, 9]);
  assertEquals((await trigger.users({ limit: 1000 })).length, USERS);
  assertEquals(await trigger.groupSize("group-3"), USERS / GROUPS);
  for (const { clusterNotPassedOn, clusterDropped } of await scene.stats()) {
    assertEquals(Object.values(clusterNotPassedOn), [0, 0, 0, 0]);
    assert(Object.values(clusterDropped).every((count) => count === 0));
  }
});

for (const way of ["killed", "frozen"] as const) {
  test(`gateways whose nats-server is ${way} serve on, say that they are alone, and are one again`, async () => {
    await using nats = await NatsServer.start();
    await using scene = await ClusterScene.start(
      Array(GATEWAYS).fill(nats.url),
    );
    const { cluster: { deliveries, totals } } = scene;
    await scene.untilWhole();
    await scene.busy(500);
    await scene.allIsWell();
    // What is on its way at that moment may be lost.
    const excuse = deliveries.excuse(performance.now() - 1000);
    if (way === "killed") await nats.kill();
    else nats.signal("SIGSTOP");
    // Nobody waits for it: longer than it takes to be noticed.
    assert(await scene.busy(4000) > USERS);
    await scene.until((stats) =>
      stats.every(({ cluster }) => cluster!.state === "alone")
    );
    // Users of one gateway reach each other as ever, and a trigger those of its own.
    await scene.writeToMany();
    const notPassedOn = (await scene.stats()).map((one) =>
      one.clusterNotPassedOn.away + one.clusterNotPassedOn.late
    );
    assert(notPassedOn.every((count) => count > 0), `${notPassedOn}`);
    if (way === "killed") await nats.restart();
    else nats.signal("SIGCONT");
    await scene.untilWhole();
    await deliveries.untilQuiet();
    excuse.to = performance.now();
    // Whole as before: nothing is excused any more.
    const { excused } = deliveries.sums();
    await scene.writeToMany();
    await scene.busy(1000);
    await scene.allIsWell();
    assertEquals(deliveries.sums().excused, excused);
    assertEquals(totals.disconnected, 0);
    assertEquals(await scene.users(), USERS);
  });
}

test("a gateway that is killed takes its clients with it, and nobody else; they come back elsewhere", async () => {
  await using nats = await NatsServer.start();
  await using scene = await ClusterScene.start(
    Array(GATEWAYS).fill(nats.url),
    true,
  );
  const { cluster } = scene;
  await scene.untilWhole();
  const killed = cluster.gateways[2]!;
  cluster.gateways[2] = undefined;
  killed.process.kill("SIGKILL");
  await killed.process.finished();
  await cluster.untilAnswered();
  assertEquals(cluster.totals.disconnected, USERS / GATEWAYS);
  assertEquals(cluster.more.cameBack, USERS / GATEWAYS);
  await scene.untilWhole(2);
  assertEquals(await scene.users(), USERS);
  const [first, second] = scene.triggers;
  for (const trigger of [first!, second!]) {
    await trigger.write(TO_ALL);
    for (let user = 1; user <= USERS; user++) await trigger.write(user);
  }
  await scene.busy(1000);
  await scene.allIsWell();
  await using trigger = new Trigger(
    Box,
    "127.0.0.1",
    cluster.gateways[0]!.inner.port,
  );
  const receipt = await trigger.writeToUsers([[[-1], { cmd: 999 }]], {
    receipt: true,
  });
  assertEquals(receipt, { delivered: USERS, offline: [], complete: true });
  // Another life of it, of the same addresses, is one of them again.
  await cluster.restart(2, killed);
  await scene.untilWhole();
  await cluster.untilWorkersCame();
});

test("a gateway that is frozen holds up nobody but its clients, and goes on in its place", async () => {
  await using nats = await NatsServer.start();
  await using scene = await ClusterScene.start(Array(GATEWAYS).fill(nats.url));
  const { cluster } = scene;
  await scene.untilWhole();
  const frozen = cluster.gateways[2]!;
  const [others, own] = [
    [0, 1].flatMap((at) => cluster.usersOf(at)),
    cluster.usersOf(2),
  ];
  frozen.process.kill("SIGSTOP");
  await using trigger = new Trigger(
    Box,
    "127.0.0.1",
    cluster.gateways[0]!.inner.port,
  );
  const write = () =>
    trigger.writeToUsers([[[-1], { cmd: 999 }]], { receipt: true });
  // It has not told: nobody can say that all have it.
  assertEquals(await write(), {
    ...{ delivered: others.length, offline: [], complete: false },
    missingNodes: [2],
  });
  cluster.gateways[2] = undefined;
  await scene.untilWhole(2);
  // Those who have noticed go without it.
  assertEquals(await write(), {
    ...{ delivered: others.length, offline: [], complete: true },
  });
  // A user of it who comes to another gateway meanwhile.
  const mover = own[0]!;
  const until = cluster.deliveries.excuse(performance.now(), mover.number);
  const moved = cluster.twinOf(mover);
  await moved.connect(cluster.gateways[0]!.outer);
  await eventually(() => moved.isLoggedIn, PATIENCE);
  frozen.process.kill("SIGCONT");
  cluster.gateways[2] = frozen;
  await scene.untilWhole();
  // One user, one connection: that of the later login.
  await scene.until((stats) =>
    stats[2]!.users === own.length - 1 &&
    stats[0]!.users === USERS / GATEWAYS + 1
  );
  await cluster.replace(mover, moved);
  until.to = performance.now();
  await cluster.untilWorkersCame();
  await scene.writeToMany();
  await scene.busy(1000);
  await scene.allIsWell();
});

test("gateways of two nats-servers that lose each other are two clusters, and one again when they are back", async () => {
  await using east = await NatsServer.start({ args: routes("east") });
  await using proxy = new CutProxy({
    hostname: "127.0.0.1",
    port: east.routePort!,
  });
  await using west = await NatsServer.start({
    args: [...routes("west"), "--routes", `nats://127.0.0.1:${proxy.port}`],
  });
  // Gateways that do not hear each other may take the same number.
  await west.untilRouted();
  await using scene = await ClusterScene.start([east.url, east.url, west.url]);
  const { cluster } = scene;
  await scene.untilWhole();
  await scene.writeToMany();
  await scene.allIsWell();
  // Nothing goes through, and nobody is told, as when a cable is cut.
  const excuse = cluster.deliveries.excuse(performance.now());
  proxy.hold();
  await scene.until((stats) =>
    stats.map(({ cluster }) => cluster!.gateways.length).join() === "2,2,1"
  );
  // The bus is there for each of them: what they do not know they cannot tell.
  assert(
    (await scene.stats()).every(({ cluster }) => cluster!.state === "whole"),
  );
  assert(await scene.busy(1000) > USERS);
  // Users who come to the other side are there twice, until the sides are one.
  const movers = cluster.usersOf(0).slice(0, 30);
  const twins = movers.map((user) => cluster.twinOf(user));
  for (const twin of twins) {
    // What the one has got in the east the other gets when the west hears of it.
    twin.isHeard = false;
    await twin.connect(cluster.gateways[2]!.outer);
  }
  await eventually(() => twins.every((twin) => twin.isLoggedIn), PATIENCE);
  assertEquals(await scene.users(), USERS + movers.length);
  proxy.release();
  await scene.untilWhole();
  const each = USERS / GATEWAYS;
  await scene.until((stats) =>
    stats[0]!.users === each - movers.length &&
    stats[2]!.users === each + movers.length
  );
  await cluster.deliveries.untilQuiet();
  for (const [i, twin] of twins.entries()) {
    await cluster.replace(movers[i]!, twin);
    twin.isHeard = true;
  }
  excuse.to = performance.now();
  // Each of them has one connection: nobody gets anything twice.
  await scene.writeToMany();
  await scene.allIsWell();
});

function routes(name: string): string[] {
  return [
    ...["--cluster_name", "test", "--server_name", name],
    ...["--cluster", "nats://127.0.0.1:-1", "--no_advertise=true"],
  ];
}
