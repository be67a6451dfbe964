// Clients over TLS that ends in the gateway, and in its WebSockets: at handovers in a row, with
// several processes, and where they stay too long.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Box } from "@maple/box";
import type { GatewayReport } from "../../gateway/metrics/report.ts";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import {
  GATEWAY_ALL_ARGS,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { hasNatsServer, NatsServer } from "../helpers/nats_server.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import {
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

async function report(port: number): Promise<GatewayReport> {
  return await (await fetch(`http://127.0.0.1:${port}/stats.json`)).json();
}

test("clients over wss and TLS stay through a row of handovers; each process stays for its own, and is told apart", async (path) => {
  const secured = await Secured.at(path);
  const metrics = freePort();
  const flags = [
    ...secured.flags,
    ...["--metrics", `${metrics}`, "--linger", "0.5"],
  ];
  const first = await startGatewayProcess(flags, GATEWAY_ALL_ARGS);
  await using stack = new AsyncDisposableStack();
  stack.use(first);
  stack.use(await EchoWorker.attach(first.inner));
  const gateways: GatewayProcess[] = [first];
  const peers: RawPeer[] = [];
  for (let i = 0; i < 4; i++) {
    for (const peer of [await secured.wss(), await secured.tls()]) {
      peers.push(peer);
      await asks(peer, 1);
    }
    const next = stack.use(await startGatewayProcess(flags, GATEWAY_ALL_ARGS));
    gateways.push(next);
    for (const [at, peer] of peers.entries()) await asks(peer, 2 + at);
  }
  await eventually(async () => {
    const { stats } = await report(metrics).catch(() => ({ stats: undefined }));
    if (stats?.clientsRelayed !== peers.length) return false;
    // Two came to each of them.
    const ids = gateways.slice(0, -1).map(({ process: { pid } }) => [pid, 2]);
    assertEquals(stats.clientsRelayedBy, Object.fromEntries(ids));
    return true;
  });
  const metricsText = await (await fetch(`http://127.0.0.1:${metrics}/metrics`))
    .text();
  assertMatch(metricsText, /^maple_gateway_clients_relayed 8$/m);
  assertMatch(metricsText, /^maple_gateway_old_processes 4$/m);
  // The oldest ones leave: their process has nothing more to do, whoever has come behind it.
  for (const peer of peers.splice(0, 2)) await peer[Symbol.asyncDispose]();
  assertEquals((await first.process.finished()).code, 0);
  const { stats } = await report(metrics);
  assertEquals(Object.keys(stats.clientsRelayedBy).length, 3);
  for (const peer of peers) await asks(peer, 3);
  // The one that serves leaves: it closes them, and the others end by themselves.
  gateways.at(-1)!.process.kill("SIGTERM");
  for (const { process } of gateways) {
    assertEquals((await process.finished()).code, 0, process.stderr);
  }
  for (const peer of peers) {
    assertEquals(await peer.nextFrame(), null);
    await peer[Symbol.asyncDispose]();
  }
});

test("a process that was replaced closes clients over TLS that stay longer than handoverStay", async (path) => {
  const secured = await Secured.at(path);
  const { flags } = secured;
  await using first = await startGatewayProcess(
    [...flags, "--handover-stay", "0.5"],
    GATEWAY_ALL_ARGS,
  );
  await using peer = await secured.tls();
  await using second = await startGatewayProcess(flags, GATEWAY_ALL_ARGS);
  assertEquals(await peer.nextFrame(), null);
  assertEquals((await first.process.finished()).code, 0);
  assertMatch(
    first.process.stderr,
    /closes the 1 clients over TLS that are left after 0\.5 s \(handoverStay\)/,
  );
  void second;
});

/** Has the processes of a gateway replaced by those of the same flags. */
async function renew(flags: readonly string[]): Promise<void> {
  const { code, stderr } = await renewProcesses(flags);
  assertEquals(code, 0, stderr);
}

const LIMITS = [
  ...["--linger", "0.5", "--move-timeout", "0", "--lame-duck-notice", "1"],
];
// All that one may take by these, and the parent's 2 s.
const STOP_LIMIT_MS = 1500 + 2000;

test("with several processes clients over TLS stay longer than one may take to leave; TERM ends all in order", async (path) => {
  const secured = await Secured.at(path);
  const flags = [...secured.flags, ...LIMITS];
  await using fixture = await ProcessesFixture.start(...flags);
  const first = await fixture.processes();
  await using stack = new AsyncDisposableStack();
  for (const { inner } of first) {
    const [hostname, port] = inner!.split(":");
    const address = { hostname: hostname!, port: Number(port) };
    stack.use(await EchoWorker.attach(address));
  }
  const peers: RawPeer[] = [];
  while (peers.length < 12) {
    peers.push(stack.use(await secured.tls()), stack.use(await secured.wss()));
  }
  for (const peer of peers) await asks(peer, 1);
  await renew(flags);
  // A process that leaves would be killed by now.
  await new Promise((resolve) => setTimeout(resolve, STOP_LIMIT_MS + 500));
  for (const peer of peers) await asks(peer, 2);
  const { stats, processes } = await fixture.until(({ stats }) =>
    stats.clientsRelayed === peers.length
  );
  assertEquals([stats.clients, stats.clientsAccepted], [12, 12]);
  assertEquals(processes!.map(({ restarts }) => restarts), [0, 0]);
  const { process } = fixture;
  assert(!/did not stop/.test(process.stderr), process.stderr);
  process.kill("SIGTERM");
  assertEquals((await process.finished()).code, 0, process.stderr);
  for (const peer of peers) assertEquals(await peer.nextFrame(), null);
  assert(!/did not stop/.test(process.stderr), process.stderr);
  await untilGone(first.map(({ pid }) => pid!));
});

test("an old process of several that stays for clients over TLS ends at once by TERM, the others serve on", async (path) => {
  const secured = await Secured.at(path);
  await using fixture = await ProcessesFixture.start(...secured.flags);
  const first = await fixture.processes();
  await using stack = new AsyncDisposableStack();
  const peers: RawPeer[] = [];
  while (peers.length < 12) peers.push(stack.use(await secured.tls()));
  await renew(secured.flags);
  await fixture.until(({ stats }) => stats.clientsRelayed === 12);
  for (const { pid } of first) Deno.kill(pid!, "SIGTERM");
  await untilGone(first.map(({ pid }) => pid!));
  const { processes } = await fixture.until(({ stats }) => stats.clients === 0);
  assertEquals(processes!.map(({ restarts }) => restarts), [0, 0]);
});

if (hasNatsServer) {
  test("a user over wss or TLS at a gateway of a cluster is reached from the others before and after it is replaced", async (path) => {
    await using nats = await NatsServer.start();
    await using stack = new AsyncDisposableStack();
    const { first, trigger, peers, next } = await securedCluster(
      path,
      nats.url,
      stack,
    );
    let sn = 100;
    const reached = async () => {
      await eventually(async () => {
        const receipt = await trigger.writeToUsers(
          [[[1, 2], { cmd: 9, sn: ++sn }]],
          { receipt: true },
        );
        return receipt.delivered === 2;
      });
      for (const peer of peers) {
        for (;;) {
          const frame = await peer.nextFrame();
          if (Box.fromFrame(frame!).sn === sn) break;
        }
      }
    };
    await reached();
    const all = [first];
    for (let i = 0; i < 3; i++) {
      all.push(await next());
      // It is the same gateway to the others: at once, not after a while.
      const before = sn;
      await reached();
      assertEquals(sn, before + 1);
    }
    // Those between have none of their own.
    for (const { process } of all.slice(1, -1)) {
      assertEquals((await process.finished()).code, 0, process.stderr);
    }
    for (const peer of peers) await peer[Symbol.asyncDispose]();
    assertEquals((await first.process.finished()).code, 0);
  });
}

test("a gateway that is leaving gives its place to nobody, and the next one starts when its ports are free", async (path) => {
  const port = freePort();
  const flags = [
    ...["--io", "epoll", "--handover", path, "--outer-port", `${port}`],
    ...["--lame-duck", "1", "--lame-duck-notice", "1", "--move-timeout", "0"],
  ];
  await using first = await startGatewayProcess(flags, GATEWAY_ALL_ARGS);
  await using leaving = await EchoWorker.attach(first.inner);
  await using peer = await RawPeer.connect(Box, first.outer);
  await asks(peer, 1);
  first.process.kill("SIGTERM");
  await eventually(() => first.process.stderr.includes("not ready any more"));
  await using second = await startGatewayProcess(flags, GATEWAY_ALL_ARGS);
  assertEquals((await first.process.finished()).code, 0, first.process.stderr);
  assertEquals(await peer.nextFrame(), null);
  assert(!/generation/.test(second.process.stderr), second.process.stderr);
  await using next = await RawPeer.connect(Box, second.outer);
  await using worker = await EchoWorker.attach(second.inner);
  await asks(next, 1);
  void leaving;
  void worker;
});
