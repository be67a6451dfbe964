// Workers and triggers that are told of one gateway of a cluster, and find the others: the gateways
// are real ones in this process, their bus is in memory.

import { assert, assertEquals } from "@std/assert";
import { Box, type BoxFields, type TcpClient } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Trigger } from "@maple/trigger";
import { Worker } from "@maple/worker";
import { ClusterFixture } from "../helpers/cluster_fixture.ts";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { ALL_SECRETS, SECRETS } from "../helpers/proven_worker.ts";
import { LifeCmd, type Who } from "./programs/life_worker.ts";
import { WorkerProcess } from "./worker_process.ts";

type Client = TcpClient<BoxFields>;

/** Clients of several gateways, closed in the end. */
class Clients implements AsyncDisposable {
  readonly all: Client[] = [];

  async at(gateway: GatewayFixture): Promise<Client> {
    const client = await gateway.connect();
    this.all.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.all) await client[Symbol.asyncDispose]();
  }
}

/** Sends a request, and gives the text of what comes next. */
async function ask(client: Client, cmd: number, body = ""): Promise<string> {
  await client.write({ cmd, body });
  return await read(client);
}

async function read(client: Client): Promise<string> {
  const box = await client.read();
  if (!box) throw new Error("the connection was closed");
  return (box as Box).text();
}

/** 1 echoes, 2 logs in, 3 writes to all users, 4 asks who is there. */
function makeWorker(): Worker {
  const app = new Worker(Box, { logger: new LogCollector() });
  app.route(1, (request) => request.box.text());
  app.route(2, (request) => {
    request.loginClient(Number(request.box.text()));
    return "in";
  });
  app.route(3, async (request) => {
    const { delivered, complete } = await request.writeToUsers(
      [[[-1], { body: request.box.text() }]],
      { receipt: true },
    );
    return `${delivered} ${complete}`;
  });
  app.route(4, async (request) => (await request.online([1, 2, 3])).join());
  return app;
}

function attachedTo(app: Worker): number {
  return app.stats().gateways.filter(({ attached }) => attached).length;
}

Deno.test("a worker with one address serves the clients of three gateways, of a fourth that comes, and goes on when one is killed", async () => {
  await using cluster = await ClusterFixture.start(3);
  await using clients = new Clients();
  await using app = makeWorker();
  const [first, second] = cluster.gateways as [GatewayFixture, GatewayFixture];
  await app.attach({ host: first.inner.hostname, port: first.inner.port });
  assertEquals(attachedTo(app), 3);
  for (const [at, gateway] of cluster.gateways.entries()) {
    const client = await clients.at(gateway);
    assertEquals(await ask(client, 1, "echo"), "echo");
    assertEquals(await ask(client, 2, `${at + 1}`), "in");
  }
  const [one, two, three] = clients.all as [Client, Client, Client];
  await eventually(async () => await ask(one, 4) === "1,2,3");
  await one.write({ cmd: 3, body: "hello" });
  const answers = [await read(one), await read(one)];
  assertEquals(answers.toSorted(), ["3 true", "hello"]);
  for (const client of [two, three]) assertEquals(await read(client), "hello");

  const bus = cluster.buses.make();
  await using fourth = await GatewayFixture.start({ bus, nodeId: 4 });
  await eventually(() => attachedTo(app) === 4);
  const four = await clients.at(fourth);
  assertEquals(await ask(four, 2, "4"), "in");

  // The one that the worker was told of is killed; nobody else sees anything of it.
  cluster.parts[0]!.bus.cut();
  await first.gateway.closeNow();
  assertEquals(await ask(two, 1, "on"), "on");
  await eventually(() => app.stats().gateways.length === 4);
  await eventually(async () => {
    await two.write({ cmd: 3, body: "left" });
    const got = [await read(two), await read(two)].toSorted();
    for (const client of [three, four]) {
      assertEquals(await read(client), "left");
    }
    return got[0] === "3 true" && got[1] === "left";
  });
  assertEquals(second.log.complaints, []);
});

Deno.test("a trigger with one address goes on by others, and each user gets each message once", async () => {
  await using cluster = await ClusterFixture.start(3);
  await using clients = new Clients();
  await using app = makeWorker();
  const [first, second, third] = cluster.gateways as GatewayFixture[];
  await app.attach({ host: third!.inner.hostname, port: third!.inner.port });
  for (const gateway of [second!, third!]) {
    const client = await clients.at(gateway);
    await ask(client, 2, `${clients.all.length}`);
  }
  const { hostname, port } = first!.inner;
  const trigger = new Trigger(Box, hostname, port, { logger: SILENT });
  const tell = (sn: number) =>
    trigger.writeToUsers([[[1, 2], { sn }]], { receipt: true });
  assertEquals(await tell(1), { delivered: 2, offline: [], complete: true });
  // In order, which says what it has not taken.
  const closing = first!.gateway.close();
  const told = [];
  for (let sn = 2; sn <= 20; sn++) told.push(tell(sn));
  await closing;
  assert((await Promise.all(told)).every(({ delivered }) => delivered === 2));
  assertEquals(await trigger.users(), [1, 2]);
  assert(await trigger.writeToUsers([[[1, 2], { sn: 21 }]]));
  const boxes = clients.all.map(async (client) => {
    const sns: number[] = [];
    while (sns.at(-1) !== 21) sns.push((await client.read())!.sn);
    return sns.toSorted((a, b) => a - b);
  });
  const all = Array.from({ length: 21 }, (_, i) => i + 1);
  assertEquals(await Promise.all(boxes), [all, all]);
  assert(await trigger.close());
});

Deno.test("a worker's and a trigger's secrets hold for the gateways that they find", async () => {
  const innerSecrets = ALL_SECRETS;
  await using cluster = await ClusterFixture.start(2, { innerSecrets });
  await using clients = new Clients();
  await using app = makeWorker();
  const [first, second] = cluster.gateways as [GatewayFixture, GatewayFixture];
  const { hostname, port } = first.inner;
  await app.attach({ host: hostname, port, secret: SECRETS.worker });
  assertEquals(attachedTo(app), 2);
  const client = await clients.at(second);
  assertEquals(await ask(client, 1, "echo"), "echo");
  await using trigger = new Trigger(Box, hostname, port, {
    logger: SILENT,
    secret: SECRETS.trigger,
  });
  assert(await trigger.connect());
  await first.gateway.close();
  assert(await trigger.writeToUsers([[[-2], { body: "still" }]]));
  assertEquals(await read(client), "still");
});

Deno.test("the worker program with host and port alone serves all gateways, and its next children do when that one is gone for good", async () => {
  await using cluster = await ClusterFixture.start(3);
  await using clients = new Clients();
  const [first, second, third] = cluster.gateways as GatewayFixture[];
  await using worker = await WorkerProcess.start(first!.inner);
  for (const gateway of cluster.gateways) {
    await gateway.until(({ workers }) => workers === 2);
  }
  for (const gateway of [second!, third!]) await clients.at(gateway);
  const who = async (client: Client): Promise<Who> =>
    JSON.parse(await ask(client, LifeCmd.WHO));
  for (const client of clients.all) {
    assertEquals((await who(client)).version, "v1");
  }
  await first!.gateway.close();
  const before = worker.children;
  for (const pid of before) Deno.kill(pid, "SIGKILL");
  await eventually(async () => {
    const { pid } = await who(clients.all[0]!);
    return !before.includes(pid);
  });
  const crashed = worker.children;
  assertEquals(crashed.length, 2);
  worker.kill("SIGHUP");
  await worker.logged(/reloaded/);
  // The old ones finish what they have been given.
  for (const client of clients.all) {
    await eventually(async () => {
      const { pid } = await who(client);
      return !crashed.includes(pid) && !before.includes(pid);
    });
  }
});
