// Clients over TLS that stay with processes before: at HUP and bans, when several processes are
// replaced more than once, and without the bus of their cluster.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box } from "@maple/box";
import { Trigger } from "@maple/trigger";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ALL_ARGS,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { hasNatsServer, NatsServer } from "../helpers/nats_server.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import {
  attachToAll,
  ProcessesFixture,
  renewProcesses,
  untilGone,
} from "./processes_fixture.ts";
import {
  asks,
  Secured,
  securedCluster,
  securedTest as test,
} from "./secured_clients.ts";

test("HUP of the gateway and of the process before leaves clients over TLS alone; a ban closes them, and that process ends", async (path) => {
  const secured = await Secured.at(path);
  const config = `${path}.json`;
  const flags = [...secured.flags, "--config", config, "--linger", "0.5"];
  await Deno.writeTextFile(config, '{"connsMax": 100}');
  await using first = await startGatewayProcess(flags, GATEWAY_ALL_ARGS);
  await using _worker = await EchoWorker.attach(first.inner);
  await using wss = await secured.wss();
  await using tls = await secured.tls();
  const peers = [wss, tls];
  for (const peer of peers) await asks(peer, 1);
  await using next = await startGatewayProcess(flags, GATEWAY_ALL_ARGS);
  for (const peer of peers) await asks(peer, 2);
  await Deno.writeTextFile(config, '{"connsMax": 50}');
  for (const { process } of [first, next]) process.kill("SIGHUP");
  await eventually(() => next.process.stderr.includes("connsMax 100 -> 50"));
  assertStringIncludes(next.process.stderr, "the certificates are read again");
  for (const peer of peers) await asks(peer, 3);
  await using trigger = new Trigger(Box, "127.0.0.1", next.innerPort);
  const ban = { address: "127.0.0.1", seconds: 60 };
  assertEquals(await trigger.ban(ban), { closed: 2, complete: true });
  for (const peer of peers) assertEquals(await peer.nextFrame(), null);
  assertEquals((await first.process.finished()).code, 0, first.process.stderr);
});

test("several processes are replaced again while those before stay for clients over TLS", async (path) => {
  const secured = await Secured.at(path);
  const flags = [...secured.flags, ...[
    "--linger",
    "0.5",
    "--move-timeout",
    "0",
  ]];
  await using fixture = await ProcessesFixture.start(...flags);
  await using stack = new AsyncDisposableStack();
  const first = await fixture.processes();
  stack.use(await attachToAll(fixture));
  const generations: RawPeer[][] = [];
  for (let i = 0; i < 2; i++) {
    const peers: RawPeer[] = [];
    while (peers.length < 12) {
      peers.push(
        stack.use(await secured.tls()),
        stack.use(await secured.wss()),
      );
    }
    generations.push(peers);
    for (const peer of peers) await asks(peer, 1);
    const { code, stderr } = await renewProcesses(flags);
    assertEquals(code, 0, stderr);
    for (const peer of generations.flat()) await asks(peer, 2);
  }
  const { stats, processes } = await fixture.until(({ stats }) =>
    stats.clientsRelayed === 24
  );
  assertEquals([stats.clients, stats.clientsAccepted], [24, 24]);
  assertEquals(processes!.map(({ restarts }) => restarts), [0, 0]);
  // Those of the first processes leave: only these end.
  for (const peer of generations[0]!) await peer[Symbol.asyncDispose]();
  await untilGone(first.map(({ pid }) => pid!));
  for (const peer of generations[1]!) await asks(peer, 3);
  const { process } = fixture;
  process.kill("SIGTERM");
  assertEquals((await process.finished()).code, 0, process.stderr);
  for (const peer of generations[1]!) {
    assertEquals(await peer.nextFrame(), null);
  }
  assert(
    !/did not stop|have to come again/.test(process.stderr),
    process.stderr,
  );
});

if (hasNatsServer) {
  test("a gateway is replaced while its bus is away: its clients over TLS stay, and the others reach them when it is back", async (path) => {
    await using nats = await NatsServer.start();
    await using stack = new AsyncDisposableStack();
    const { first, trigger, peers, next } = await securedCluster(
      path,
      nats.url,
      stack,
    );
    await eventually(async () => (await trigger.online([1, 2])).length === 2);
    await nats.kill();
    await eventually(() => first.process.stderr.includes("the bus is away"));
    await next();
    for (const [at, peer] of peers.entries()) await asks(peer, 1 + at);
    await nats.restart();
    await eventually(
      async () => (await trigger.online([1, 2])).length === 2,
      { timeout: 30_000 },
    );
    assertEquals(
      await trigger.writeToUsers([[[1, 2], { cmd: 9, sn: 9 }]], {
        receipt: true,
      }),
      { delivered: 2, offline: [], complete: true },
    );
    for (const peer of peers) {
      assertEquals(Box.fromFrame((await peer.nextFrame())!).sn, 9);
      await peer[Symbol.asyncDispose]();
    }
    assertEquals((await first.process.finished()).code, 0);
  });
}
