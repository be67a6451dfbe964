// One user, one connection in the whole cluster.

import { assert, assertEquals } from "@std/assert";
import { encodeRspToUsers, type Task, TaskCmd, TaskFlag } from "@maple/box";
import { encodeQuery, SessionTable } from "@maple/box/internal";
import { Cluster } from "../../../gateway/cluster/cluster.ts";
import { UNTOLD } from "../../../gateway/cluster/hello.ts";
import { Logins } from "../../../gateway/cluster/logins.ts";
import { newCounters } from "../../../gateway/metrics/counter_values.ts";
import type { ClientSession } from "../../../gateway/outer/client_session.ts";
import { eventually } from "../../helpers/eventually.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { MemoryBuses } from "../../helpers/memory_bus.ts";
import { Random } from "../../helpers/random.ts";
import { login, row, textRead } from "../inner/command_support.ts";
import { fakeSession } from "../queue/fakes.ts";
import { Across } from "./across_support.ts";

async function usersAre(across: Across, ...counts: number[]): Promise<void> {
  for (const [i, { gateway }] of across.places.entries()) {
    await gateway.until(({ users }) => users === counts[i]);
  }
}

Deno.test("a user who logs in at another gateway is logged out at the first, and stays connected", async () => {
  await using across = await Across.start(2);
  const before = await across.user(0, 7);
  const after = await across.user(1, 7);
  await usersAre(across, 0, 1);
  const { worker, gateway } = across.places[0]!;
  assertEquals(gateway.gateway.stats().clusterMoved, 1);
  await worker.send({
    cmd: TaskCmd.WRITE_TO_USERS,
    body: encodeRspToUsers([row("once", [7]), row("end", [-2])]),
  });
  assertEquals(await textRead(after.client), "once");
  assertEquals(await textRead(after.client), "end");
  assertEquals(await textRead(before.client), "end");
  // What is asked of it from now on is asked by nobody.
  await before.client.write({ cmd: 3 });
  assertEquals((await worker.pull(TaskCmd.CLIENT_REQ)).uid, 0);
  // And back again.
  await worker.send(login(before.created, 7));
  await usersAre(across, 1, 0);
});

Deno.test("users who log in at two gateways at once end at one of them", async () => {
  await using across = await Across.start(2);
  const uids = Array.from({ length: 40 }, (_, i) => i + 1);
  const created: Task[][] = [];
  for (const at of [0, 1]) {
    const of: Task[] = [];
    for (const _ of uids) of.push((await across.user(at, 0)).created);
    created.push(of);
  }
  await Promise.all([0, 1].map(async (at) => {
    const { worker } = across.places[at]!;
    for (const [i, uid] of uids.entries()) {
      await worker.send(login(created[at]![i]!, uid));
    }
  }));
  const usersOf = async () => {
    const all = [];
    for (const at of [0, 1]) {
      const { online } = await across.ask(at, {
        flags: TaskFlag.LOCAL,
        body: encodeQuery({ uids }),
      });
      all.push(...online);
    }
    return all.sort((a, b) => Number(a) - Number(b));
  };
  await eventually(async () => (await usersOf()).length === uids.length);
  assertEquals(await usersOf(), uids);
});

function shuffled(uids: number[], random: Random): number[] {
  return uids
    .map((uid) => ({ uid, place: random.between(0, 2 ** 31) }))
    .sort((a, b) => a.place - b.place)
    .map(({ uid }) => uid);
}

// What was told has come, or is lost.
async function told(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

// Gateways without sockets: who is logged in, and the bus.
async function loginsOf(count: number) {
  const buses = new MemoryBuses({ maxBytes: 1024 * 1024 });
  const gateways = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const counters = newCounters();
      const bus = buses.make();
      const cluster = new Cluster({
        name: "test",
        bus,
        nodeId: i + 1,
        bytesMax: 2 ** 24,
        afterOthers: queueMicrotask,
        logger: new LogCollector(),
        counters,
        // Nobody has a reason to tell all again when a gateway comes.
        hello: () => ({ ...UNTOLD, clients: 0 }),
      });
      const sessions = new SessionTable<ClientSession>();
      const logins = new Logins({
        cluster,
        sessions,
        counters,
        afterOthers: queueMicrotask,
        spreadMs: 200,
      });
      await cluster.join();
      let lastConnId = 0;
      const login = (uid: number) => {
        const session = fakeSession(++lastConnId);
        sessions.add(session);
        sessions.login(session, uid, 0);
        logins.changed(session);
      };
      const close = () => {
        logins.close();
        return cluster.leave();
      };
      return { bus, cluster, sessions, login, counters, close };
    }),
  );
  const placesOf = (uid: number) =>
    gateways.filter(({ sessions }) => sessions.has(uid)).length;
  const areSingle = (uids: number) => {
    for (let uid = 1; uid <= uids; uid++) {
      if (placesOf(uid) !== 1) return false;
    }
    return true;
  };
  return { buses, gateways, placesOf, areSingle };
}

Deno.test("10,000 users who log in at several gateways at the same moment end at just one each", async () => {
  for (const count of [2, 3]) {
    const { gateways, areSingle } = await loginsOf(count);
    const random = new Random(count);
    const uids = Array.from({ length: 10_000 }, (_, i) => i + 1);
    // Each in its own order, and some of them again and again.
    for (const { login } of gateways) {
      let delay = 0;
      for (const uid of shuffled(uids, random)) {
        login(uid);
        if (random.between(0, 9) === 0) login(uid);
        // The others' messages come in between.
        if (++delay % 1000 === 0) await Promise.resolve();
      }
    }
    await eventually(() => areSingle(10_000), { what: `${count} gateways` });
    const moved = gateways.reduce(
      (sum, { counters }) => sum + counters.clusterMoved,
      0,
    );
    assert(moved >= 10_000 * (count - 1), `${moved} were moved`);
    for (const { close } of gateways) await close();
  }
});

Deno.test("users doubled while the bus was away are so no more when it is back", async () => {
  const { gateways, areSingle, placesOf } = await loginsOf(2);
  const [one, two] = [gateways[0]!, gateways[1]!];
  one.bus.cut();
  for (let uid = 1; uid <= 500; uid++) {
    one.login(uid);
    two.login(uid);
  }
  await told();
  assertEquals(placesOf(1), 2);
  one.bus.heal();
  await eventually(() => areSingle(500));
  for (const { close } of gateways) await close();
});

Deno.test("users doubled while the network was cut in two are so no more when it is whole, however short that was", async () => {
  const { buses, gateways, areSingle } = await loginsOf(3);
  const far = gateways[2]!.bus;
  // Nobody notices: each bus is up.
  buses.reaches = (from, to) => (from === far) === (to === far);
  for (let uid = 1; uid <= 300; uid++) {
    gateways[uid % 2]!.login(uid);
    gateways[2]!.login(uid);
  }
  await told();
  assertEquals(areSingle(300), false);
  buses.reaches = () => true;
  await eventually(() => areSingle(300));
  assertEquals(gateways[0]!.counters.clusterLost, 0);
  for (const { close } of gateways) await close();
});
