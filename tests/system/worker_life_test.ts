// The life of a worker's processes: stop, reload, crash, and what clients see of it: nothing.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type BoxFields, RET, type TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LifeCmd, type Who } from "./programs/life_worker.ts";
import { isRunning, psColumn, WorkerProcess } from "./worker_process.ts";

async function answer(client: TcpClient<BoxFields>): Promise<Who> {
  const box = await client.read();
  if (box?.ret !== 0) throw new Error(`answered with ${box}`);
  return box.json<Who>();
}

async function call(
  client: TcpClient<BoxFields>,
  cmd: number,
  body = "",
): Promise<Who> {
  await client.write({ cmd, body });
  return await answer(client);
}

// Waits until so many requests are with workers; that a client came is a task as well, which must
// be done by then.
function handedOut(gateway: GatewayFixture, requests: number): Promise<void> {
  return gateway.until((stats) =>
    stats.inHand === requests && stats.queued === 0 &&
    stats.clientFrames >= requests &&
    stats.acknowledged >= stats.clientsAccepted
  );
}

Deno.test("worker processes: ready when all have attached, seen by their names in ps, started with the same flags", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, { all: true });
  assertEquals(gateway.gateway.stats().innerLinks, 2);
  assertEquals(worker.stdout, [
    `maple worker ready workers=2 gateways=127.0.0.1:${gateway.inner.port}`,
  ]);
  assertEquals(worker.started.map(({ index }) => index), [1, 2]);
  assertEquals(worker.children.length, 2);
  const all = [worker.pid, ...worker.children];
  if (Deno.build.os === "linux") {
    assertEquals(all.map((pid) => psColumn(pid, "comm")), [
      "maple-master",
      "maple-worker-1",
      "maple-worker-2",
    ]);
    const [master, ...children] = all.map((pid) => psColumn(pid, "args"));
    assertEquals(children, [master!, master!]);
  }
  for (const pid of worker.children) {
    assertEquals(psColumn(pid, "ppid"), String(worker.pid));
  }
});

Deno.test("worker processes: each knows which it is, and one that it is the first", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner);
  await using one = await gateway.connect();
  await using two = await gateway.connect();
  const found = new Map<number, Who>();
  await eventually(async () => {
    // At the same time, so that they are not all given to one.
    for (const client of [one, two]) {
      await client.write({ cmd: LifeCmd.WORK, body: "20" });
    }
    for (const client of [one, two]) {
      const who = await answer(client);
      found.set(who.pid, who);
    }
    return found.size === 2;
  }, { timeout: 30_000, what: "answers of both children" });
  assertEquals(
    worker.started.map(({ pid }) => {
      const { workerIndex, isFirst } = found.get(pid)!;
      return [workerIndex, isFirst];
    }),
    [[1, true], [2, false]],
  );
});

Deno.test("worker processes: TERM finishes what is in hand and ends with exit code 0", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner);
  await using stack = new AsyncDisposableStack();
  const clients: TcpClient<BoxFields>[] = [];
  for (let i = 0; i < 4; i++) {
    const client = stack.use(await gateway.connect());
    clients.push(client);
    await client.write({ cmd: LifeCmd.WORK, body: "400" });
  }
  await handedOut(gateway, 4);
  worker.kill("SIGTERM");
  for (const client of clients) {
    assertEquals((await answer(client)).redelivered, false);
  }
  assertEquals((await worker.finished()).code, 0);
  assertEquals(gateway.gateway.stats().redelivered, 0);
  assertEquals(worker.children, []);
  // The stopWorker hooks have run.
  const stopped = worker.stdout.filter((line) => /^stopWorker/.test(line));
  assertEquals(
    stopped.toSorted(),
    worker.started.map(({ pid }) => `stopWorker ${pid}`).toSorted(),
  );
});

Deno.test("worker processes: TERM ends them also while the gateway is away, and nothing was ever ready", async () => {
  const gateway = await GatewayFixture.start();
  await gateway[Symbol.asyncDispose]();
  await using worker = await WorkerProcess.start(gateway.inner, {
    waits: false,
  });
  await worker.logged(/cannot reach gateway/, 2);
  worker.kill("SIGTERM");
  assertEquals((await worker.finished()).code, 0);
  assertEquals(
    worker.stdout.filter((line) => /ready/.test(line)),
    [],
  );
  assertEquals(worker.children, []);
});

for (const [signal, code] of [["SIGINT", 130], ["SIGQUIT", 131]] as const) {
  Deno.test(`worker processes: ${signal} stops at once, exit code ${code}`, async () => {
    await using gateway = await GatewayFixture.start();
    await using worker = await WorkerProcess.start(gateway.inner, {
      workers: 1,
    });
    await using client = await gateway.connect();
    await client.write({ cmd: LifeCmd.HANG });
    await handedOut(gateway, 1);
    worker.kill(signal);
    assertEquals((await worker.finished()).code, code);
    assertEquals(worker.children, []);
    assert(!worker.stdout.some((line) => /^stopWorker/.test(line)));
    // What it held waits for another worker.
    await gateway.until((stats) => stats.queued === 1);
  });
}

for (const stopSignal of ["SIGUSR1", "SIGINT"] as const) {
  for (const workers of [2, 0]) {
    Deno.test(`worker processes: ${stopSignal} as stopSignal is a safe stop, workers: ${workers}`, async () => {
      await using gateway = await GatewayFixture.start();
      await using worker = await WorkerProcess.start(gateway.inner, {
        workers,
        stopSignal,
      });
      await using client = await gateway.connect();
      await client.write({ cmd: LifeCmd.WORK, body: "400" });
      await handedOut(gateway, 1);
      // As a supervisor that signals the whole group does.
      for (const pid of worker.children) Deno.kill(pid, stopSignal);
      worker.kill(stopSignal);
      assertEquals((await answer(client)).redelivered, false);
      assertEquals((await worker.finished()).code, 0);
      assertEquals(worker.children, []);
      assertEquals(worker.stderr.match(/DEBUG|log level/g), null);
      assert(worker.stdout.some((line) => /^stopWorker/.test(line)));
    });
  }
}

Deno.test("worker processes: a second TERM stops at once", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner);
  await using client = await gateway.connect();
  await client.write({ cmd: LifeCmd.HANG });
  await handedOut(gateway, 1);
  worker.kill("SIGTERM");
  await worker.logged(/stopping: the processes finish what they hold/);
  worker.kill("SIGTERM");
  await worker.finished();
  await worker.logged(/ended: killed: stop at once/);
  assertEquals(worker.children, []);
});

for (
  const { what, cmd, end } of [
    { what: "a handler that never ends is left", cmd: LifeCmd.HANG, end: /./ },
    {
      what: "a blocked process is killed",
      cmd: LifeCmd.BLOCK,
      end: /ended: killed: it did not stop within 2200 ms/,
    },
  ]
) {
  Deno.test(`worker processes: after stopTimeout ${what}, and its task is there for the next`, async () => {
    await using gateway = await GatewayFixture.start();
    await using client = await gateway.connect();
    await using worker = await WorkerProcess.start(gateway.inner, {
      workers: 1,
      stopTimeout: 0.2,
    });
    await client.write({ cmd });
    await handedOut(gateway, 1);
    worker.kill("SIGTERM");
    assertEquals((await worker.finished()).code, 0);
    assertMatch(worker.stderr, end);
    assertEquals(worker.children, []);
    await using _next = await WorkerProcess.start(gateway.inner);
    assert((await answer(client)).redelivered);
  });
}

Deno.test("worker processes: a killed child is replaced at once and its task is delivered again", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, { workers: 1 });
  await using client = await gateway.connect();
  const { pid } = worker.started[0]!;
  await client.write({ cmd: LifeCmd.HANG });
  await handedOut(gateway, 1);
  Deno.kill(pid, "SIGKILL");
  const who = await answer(client);
  assert(who.redelivered);
  assertEquals(who.pid, worker.started[1]?.pid);
  const [line] = await worker.logged(/ended/);
  assertMatch(
    line!,
    /WARN .*worker 1 \(pid \d+\) ended: signal SIGKILL; starting another at once/,
  );
});

Deno.test("worker processes: signals to one child are for that child alone", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, { workers: 2 });
  await using client = await gateway.connect();
  const [first, second] = worker.started;
  await client.write({ cmd: LifeCmd.WORK, body: "300" });
  await handedOut(gateway, 1);
  // It may hold the task: then it finishes it.
  Deno.kill(first!.pid, "SIGTERM");
  await worker.logged(/worker 1 .* ended: exit code 0; starting another/);
  assertEquals((await answer(client)).redelivered, false);
  Deno.kill(second!.pid, "SIGINT");
  await worker.logged(/worker 2 .* ended: exit code 130; starting another/);
  await eventually(() => worker.started.length === 4);
  await gateway.until((stats) => stats.workers === 2);
  Deno.kill(worker.started[3]!.pid, "SIGHUP");
  await worker.logged(/worker 2 .* ended: exit code 0; starting another/);
  await gateway.until((stats) => stats.workers === 2);
  assertEquals((await call(client, LifeCmd.WHO)).version, "v1");
  assertEquals(
    worker.started.map(({ index }) => index),
    [1, 2, 1, 2, 2],
  );
});

Deno.test("worker processes: children whose master is killed finish what they hold and leave", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner);
  await using client = await gateway.connect();
  const children = worker.children;
  assertEquals(children.length, 2);
  await client.write({ cmd: LifeCmd.WORK, body: "300" });
  await handedOut(gateway, 1);
  worker.kill("SIGKILL");
  assertEquals((await answer(client)).redelivered, false);
  await eventually(() => !children.some(isRunning));
  await gateway.until((stats) => stats.innerLinks === 0);
  await worker.finished();
  assertMatch(worker.stderr, /the master is gone: leaving/);
});

Deno.test("worker processes: a child whose event loop is blocked longer than workTimeout is killed and replaced", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, {
    workers: 1,
    workTimeout: 2,
  });
  await using client = await gateway.connect();
  const who = await call(client, LifeCmd.BLOCK);
  assert(who.redelivered);
  assertMatch(
    worker.stderr,
    /ended: killed: its event loop was blocked for more than 2 s \(workTimeout\); starting another at once/,
  );
});

Deno.test('worker processes: with onWorkTimeout "replace" a task that never ends costs its client the answer, and nobody else', async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, {
    workers: 1,
    workTimeout: 3,
    onWorkTimeout: "replace",
  });
  await using late = await gateway.connect();
  await using other = await gateway.connect();
  await using third = await gateway.connect();
  const { pid } = worker.started[0]!;
  // One that ends after all, and one that does not.
  await late.write({ cmd: LifeCmd.WORK, sn: 1, body: "4000" });
  await third.write({ cmd: LifeCmd.HANG });
  await handedOut(gateway, 2);
  // So that the process is still there then.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await other.write({ cmd: LifeCmd.WORK, body: "2500" });
  for (const client of [late, third]) {
    const box = await client.read();
    assertEquals(box?.ret, RET.WORKER_LOST);
  }
  await worker.logged(
    /ERROR .*cmd: 2.* takes longer than 3 s \(workTimeout\): it is given up/,
  );
  // The next one works before the one before has left.
  const who = await call(third, LifeCmd.WHO);
  await worker.logged(/worker 1 .* started/, 2);
  assertEquals(who.pid, worker.started[1]?.pid);
  const answered = await answer(other);
  assertEquals([answered.pid, answered.redelivered], [pid, false]);
  // What the given up handler has answered since is not the answer to this.
  assertEquals((await call(late, LifeCmd.WHO)).pid, worker.started[1]?.pid);
  await worker.logged(
    /WARN .*worker 1 \(pid \d+\) leaves: .* takes longer than 3 s \(workTimeout\); starting another at once/,
  );
  await worker.logged(/INFO .*worker 1 \(pid \d+\) ended: exit code 0/);
  assertEquals(gateway.gateway.stats().redelivered, 0);
  assertEquals(worker.started.length, 2);
});

Deno.test("worker processes: with workers 0 TERM finishes what is in hand, a second one ends at once", async () => {
  await using gateway = await GatewayFixture.start();
  await using client = await gateway.connect();
  {
    await using worker = await WorkerProcess.start(gateway.inner, {
      workers: 0,
    });
    await client.write({ cmd: LifeCmd.WORK, body: "300" });
    await handedOut(gateway, 1);
    worker.kill("SIGTERM");
    assertEquals((await answer(client)).pid, worker.pid);
    assertEquals((await worker.finished()).code, 0);
    assertEquals(worker.started, []);
  }
  await using worker = await WorkerProcess.start(gateway.inner, { workers: 0 });
  await client.write({ cmd: LifeCmd.HANG });
  await handedOut(gateway, 1);
  worker.kill("SIGTERM");
  await gateway.until((stats) => stats.idleCredits === 0);
  worker.kill("SIGTERM");
  assertEquals((await worker.finished()).code, 143);
});
