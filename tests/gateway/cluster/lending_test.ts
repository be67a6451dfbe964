// Lending: a gateway of a cluster that shares its ports and has no workers has its tasks worked on
// by those of another.

import { assert, assertEquals } from "@std/assert";
import { RET, type Task, TaskCmd, TaskFlag } from "@maple/box";
import type { GatewayOptions } from "@maple/gateway";
import { EchoWorker } from "../../helpers/echo_worker.ts";
import { ClusterFixture } from "../../helpers/cluster_fixture.ts";
import type { BoxClient } from "../../helpers/box_peer.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";

const ignore = Deno.build.os !== "linux";
// Deno's own sockets may not share a port here.
const OPTIONS: GatewayOptions = {
  maxDeliveries: 3,
  ...{ reusePort: true, io: "epoll" },
};

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

async function start() {
  const cluster = await ClusterFixture.start(2, OPTIONS);
  const [poor, rich] = cluster.gateways;
  return { cluster, poor: poor!, rich: rich! };
}

async function ask(client: BoxClient, sn: number): Promise<void> {
  await client.write({ cmd: 1, sn, body: `body ${sn}` });
}

async function answered(client: BoxClient, sn: number): Promise<void> {
  const box = await client.read();
  assertEquals([box?.sn, box?.ret, box?.text()], [sn, 0, `body ${sn}`]);
}

// The next task of an original worker that is a client's request; news are acknowledged.
async function pullRequest(worker: RawWorker): Promise<Task> {
  for (;;) {
    const task = await worker.work();
    if (task.cmd === TaskCmd.CLIENT_REQ) return task;
  }
}

test("the requests of clients of a gateway without workers are answered by an original worker of another, in order", async () => {
  const { cluster, poor, rich } = await start();
  await using _cluster = cluster;
  await using worker = await EchoWorker.attach(rich.inner);
  await using client = await poor.connectBox();
  await using other = await rich.connectBox();
  for (let sn = 1; sn <= 20; sn++) await ask(client, sn);
  for (let sn = 1; sn <= 20; sn++) await answered(client, sn);
  await ask(other, 7);
  await answered(other, 7);
  await poor.until(({ inHand, acknowledged, queued }) =>
    inHand === 0 && acknowledged === 21 && queued === 0
  );
  // Each task is counted once, where its client is.
  const { lent, clientFrames, answers, workTime } = poor.gateway.stats();
  assertEquals([lent, clientFrames, answers], [21, 20, 20]);
  assertEquals(workTime.count, 21);
  await rich.until(({ acknowledged }) => acknowledged === 2);
  const { delivered, commands, queued, inHand } = rich.gateway.stats();
  assertEquals([delivered, queued, inHand], [2, 0, 0]);
  assertEquals(commands.map(({ cmd, count }) => [cmd, count]), [[1, 1]]);
  client.close();
  // It hears of the end of clients there too.
  await poor.until(({ acknowledged }) => acknowledged === 22);
  assertEquals(
    worker.tasks.filter(({ cmd }) => cmd === TaskCmd.CLIENT_CLOSED).length,
    1,
  );
});

test("a gateway that has workers again gives its tasks to these", async () => {
  const { cluster, poor, rich } = await start();
  await using _cluster = cluster;
  await using _far = await EchoWorker.attach(rich.inner);
  await using client = await poor.connectBox();
  await ask(client, 1);
  await answered(client, 1);
  await using own = await EchoWorker.attach(poor.inner);
  await poor.until(({ workers, idleCredits }) =>
    workers === 1 && idleCredits === 1
  );
  const { lent } = poor.gateway.stats();
  await ask(client, 2);
  await answered(client, 2);
  assertEquals(poor.gateway.stats().lent, lent);
  assert(own.tasks.length > 0);
});

test("what an original worker of another gateway leaves unanswered goes to another one, what it has answered does not", async () => {
  const { cluster, poor, rich } = await start();
  await using _cluster = cluster;
  const first = await rich.attach();
  await using client = await poor.connectBox();
  await using second = await poor.connectBox();
  await ask(client, 1);
  const task = await pullRequest(first);
  await first.answer(task, "done");
  assertEquals((await client.read())?.text(), "done");
  // It goes before it acknowledges.
  await first[Symbol.asyncDispose]();
  await poor.until(({ inHand }) => inHand === 0);
  assertEquals(poor.gateway.stats().redelivered, 0);
  const next = await rich.attach();
  await ask(second, 2);
  await pullRequest(next);
  await next[Symbol.asyncDispose]();
  await using last = await EchoWorker.attach(rich.inner);
  await answered(second, 2);
  const again = last.tasks.find(({ cmd }) => cmd === TaskCmd.CLIENT_REQ)!;
  assertEquals(again.flags & TaskFlag.REDELIVERED, TaskFlag.REDELIVERED);
});

test("tasks that wait at a gateway whose workers have left are worked on where there are some", async () => {
  const { cluster, poor, rich } = await start();
  await using _cluster = cluster;
  const worker = await rich.attach();
  const clients = await Promise.all(
    Array.from({ length: 5 }, () => poor.connectBox()),
  );
  for (const [sn, client] of clients.entries()) await ask(client, sn);
  await pullRequest(worker);
  await worker[Symbol.asyncDispose]();
  await rich.until(({ queued, workers }) => queued === 0 && workers === 0);
  await using _own = await EchoWorker.attach(poor.inner);
  for (const [sn, client] of clients.entries()) await answered(client, sn);
  for (const client of clients) await client[Symbol.asyncDispose]();
});

test("what a gateway holds that vanishes goes to others, but not what its worker has answered", async () => {
  const { cluster, poor, rich } = await start();
  await using _cluster = cluster;
  await using worker = await rich.attach();
  await using answeredOne = await poor.connectBox();
  await using other = await poor.connectBox();
  await ask(answeredOne, 1);
  const task = await pullRequest(worker);
  await worker.answer(task, "done");
  assertEquals((await answeredOne.read())?.text(), "done");
  await ask(other, 2);
  await poor.until(({ inHand }) => inHand === 2);
  cluster.buses.open.forEach((bus) => bus.onCarried = () => undefined);
  await poor.until(({ cluster }) => cluster?.gateways.length === 1);
  await using own = await EchoWorker.attach(poor.inner);
  await answered(other, 2);
  await poor.until(({ inHand, queued }) => inHand + queued === 0);
  assertEquals(
    own.tasks.filter(({ cmd }) => cmd === TaskCmd.CLIENT_REQ).length,
    1,
  );
});

test("a task that workers of another gateway were lost with too often is given up, and its client told", async () => {
  const { cluster, poor, rich } = await start();
  await using _cluster = cluster;
  await using client = await poor.connectBox();
  await ask(client, 1);
  for (let i = 0; i < OPTIONS.maxDeliveries!; i++) {
    const worker = await rich.attach();
    await pullRequest(worker);
    await worker[Symbol.asyncDispose]();
  }
  const box = await client.read();
  assertEquals([box?.sn, box?.ret], [1, RET.WORKER_LOST]);
  await poor.until(({ inHand, queued }) => inHand + queued === 0);
});
