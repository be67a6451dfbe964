// What an operator sees of a worker: metrics, health and counters of all its processes.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Box } from "@maple/box";
import { Worker, type WorkerProcessStats } from "@maple/worker";
import { TaskCounters } from "../../worker/stats.ts";
import { workerMetrics } from "../../worker/metrics.ts";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { hasPromtool, promtoolProblems } from "../helpers/promtool.ts";
import { LifeCmd } from "./programs/life_worker.ts";
import { WorkerProcess } from "./worker_process.ts";

const METRICS_LINE = /metrics at (http:\/\/127\.0\.0\.1:\d+\/)metrics/;

/** The status server of a worker, as an operator asks it. */
class Status {
  readonly #url: string;

  /** @param line The log line that tells the address. */
  constructor(line: string) {
    this.#url = METRICS_LINE.exec(line)![1]!;
  }

  /** The answer's status code and text. */
  async get(path: string): Promise<[status: number, text: string]> {
    const response = await fetch(this.#url + path);
    return [response.status, await response.text()];
  }

  /** The samples by name and labels. */
  async samples(): Promise<Map<string, number>> {
    const [, text] = await this.get("metrics");
    const lines = text.split("\n").filter((line) => /^[^#]/.test(line));
    return new Map(lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }));
  }

  /** What the processes have counted, in their order. */
  async stats(): Promise<WorkerProcessStats[]> {
    const [, text] = await this.get("stats.json");
    const { processes } = JSON.parse(text);
    return processes.map(({ stats }: { stats: WorkerProcessStats }) => stats);
  }

  /** Waits until all children have told what they counted. */
  async told(): Promise<WorkerProcessStats[]> {
    let stats: WorkerProcessStats[] = [];
    await eventually(async () => {
      stats = await this.stats();
      return stats.every((one) => one !== undefined);
    });
    return stats;
  }
}

async function statusOf(worker: WorkerProcess): Promise<Status> {
  const [line] = await worker.logged(METRICS_LINE);
  return new Status(line!);
}

Deno.test("worker processes: the master serves metrics, health and counters of all children", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, {
    metrics: "0",
    name: "life",
    concurrency: 1,
  });
  const status = await statusOf(worker);
  assertEquals(await status.get("healthz"), [200, "ready\n"]);
  assertEquals(
    gateway.gateway.stats().workerLinks
      .map(({ name, index, pid }) => ({ name, index, pid }))
      .toSorted((a, b) => a.index! - b.index!),
    worker.started.map((child) => ({ name: "life", ...child })),
  );
  await using client = await gateway.connect();
  for (let i = 0; i < 5; i++) {
    await client.write({ cmd: LifeCmd.WHO });
    assertEquals((await client.read())?.ret, 0);
  }
  await eventually(async () => {
    let finished = 0;
    for (const { endpoints } of await status.told()) {
      finished += endpoints["who"]?.finished ?? 0;
    }
    return finished === 5;
  });
  const stats = await status.stats();
  assertEquals(
    stats.map(({ name, pid }) => ({ name, pid })),
    worker.started.map(({ pid }) => ({ name: "life", pid })),
  );
  const samples = await status.samples();
  const name = `127.0.0.1:${gateway.inner.port}`;
  let finished = 0;
  for (const worker of ["1", "2"]) {
    assertEquals(samples.get(`maple_worker_up{worker="${worker}"}`), 1);
    const attached =
      `maple_worker_gateway_attached{worker="${worker}",gateway="${name}"}`;
    assertEquals(samples.get(attached), 1);
    const labels = `{worker="${worker}",endpoint="who"}`;
    const tasks = samples.get(`maple_worker_tasks_total${labels}`) ?? 0;
    assertEquals(
      samples.get(`maple_worker_task_seconds_count${labels}`) ?? 0,
      tasks,
    );
    finished += tasks;
  }
  assertEquals(finished, 5);
  assertEquals((await status.get(""))[0], 404);
});

Deno.test("worker processes: not healthy until all have attached", async () => {
  const gateway = await GatewayFixture.start();
  const { inner } = gateway;
  await gateway.gateway.closeNow();
  await using worker = await WorkerProcess.start(inner, {
    metrics: "0",
    waits: false,
  });
  const status = await statusOf(worker);
  await worker.logged(/cannot reach gateway/, 2);
  assertEquals(await status.get("healthz"), [503, "not ready\n"]);
  const up = (samples: Map<string, number>) => [
    samples.get('maple_worker_up{worker="1"}'),
    samples.get('maple_worker_up{worker="2"}'),
  ];
  assertEquals(up(await status.samples()), [0, 0]);
  await using _back = await GatewayFixture.start({ innerPort: inner.port });
  await worker.line(/^maple worker ready/);
  assertEquals(await status.get("healthz"), [200, "ready\n"]);
  assertEquals(up(await status.samples()), [1, 1]);
});

Deno.test("worker processes: not healthy any more when they are told to stop", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, {
    metrics: "0",
  });
  const status = await statusOf(worker);
  await using client = await gateway.connect();
  await client.write({ cmd: LifeCmd.HANG });
  await gateway.until((stats) =>
    stats.inHand === 1 && stats.clientFrames === 1
  );
  worker.kill("SIGTERM");
  await worker.logged(/stopping/);
  assertEquals(await status.get("healthz"), [503, "not ready\n"]);
  // The handler never ends, and the children would wait for it.
  worker.kill("SIGINT");
  await worker.finished();
});

Deno.test("worker processes: a child that was replaced is counted, and its successor tells of itself", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, {
    metrics: "0",
  });
  const status = await statusOf(worker);
  await status.told();
  // The log comes in its own time.
  await worker.logged(/worker \d \(pid \d+\) started/, 2);
  const [first, second] = worker.started;
  Deno.kill(first!.pid, "SIGKILL");
  await worker.logged(/worker 1 \(pid \d+\) started/, 2);
  await eventually(async () => (await status.get("healthz"))[0] === 200);
  const pids = (await status.told()).map(({ pid }) => pid);
  assertEquals(pids, [worker.started[2]!.pid, second!.pid]);
  const samples = await status.samples();
  assertEquals(samples.get('maple_worker_restarts_total{worker="1"}'), 1);
  assertEquals(samples.get('maple_worker_restarts_total{worker="2"}'), 0);
});

Deno.test("worker processes: the new children of a reload take the old ones' places in the metrics", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, {
    metrics: "0",
  });
  const status = await statusOf(worker);
  worker.kill("SIGHUP");
  await worker.logged(/reloaded:/);
  assertEquals((await status.get("healthz"))[0], 200);
  assertEquals(
    (await status.told()).map(({ pid }) => pid),
    worker.started.slice(2).map(({ pid }) => pid),
  );
  const samples = await status.samples();
  assertEquals(samples.get('maple_worker_restarts_total{worker="1"}'), 0);
});

Deno.test("worker processes: an address that is in use is told before any child is started", async () => {
  await using gateway = await GatewayFixture.start();
  const metrics = `127.0.0.1:${gateway.inner.port}`;
  await using worker = await WorkerProcess.start(gateway.inner, {
    metrics,
    bindTimeout: 0,
    waits: false,
  });
  assertEquals((await worker.finished()).code, 1);
  assertStringIncludes(
    worker.stderr,
    `Cannot listen for status requests at ${metrics}: the address is in use`,
  );
  assertEquals(worker.started, []);
});

Deno.test("Worker.run() with workers 0 serves the metrics of its own process", async () => {
  await using gateway = await GatewayFixture.start();
  const log = new LogCollector();
  const app = new Worker(Box, { logger: log });
  app.route(1, (request) => request.reply({ ret: 0 }), "one");
  const stop = new AbortController();
  const running = app.run({
    port: gateway.inner.port,
    workers: 0,
    metrics: "0",
    signal: stop.signal,
  });
  await gateway.until((stats) => stats.workers === 1);
  const line = log.lines.find((line) => METRICS_LINE.test(line));
  const status = new Status(line!);
  await eventually(async () => (await status.get("healthz"))[0] === 200);
  await using client = await gateway.connect();
  await client.write({ cmd: 1 });
  await client.read();
  await eventually(async () => {
    const labels = '{worker="0",endpoint="one"}';
    return (await status.samples()).get(`maple_worker_tasks_total${labels}`) ===
      1;
  });
  stop.abort();
  await running;
});

Deno.test("workerMetrics() leaves out what a child has not told yet", () => {
  const text = workerMetrics([
    { index: 1, ready: false, silent: true, restarts: 3, stats: undefined },
  ]).toString();
  assertEquals(text.split("\n").filter((line) => /^[^#]/.test(line)), [
    'maple_worker_up{worker="1"} 0',
    'maple_worker_restarts_total{worker="1"} 3',
  ]);
});

Deno.test({
  name: "promtool finds nothing wrong with a worker's metrics",
  ignore: !hasPromtool,
  async fn() {
    const counters = new TaskCounters();
    const counter = counters.endpoint('odd "name"\\\n');
    counter.inHand += 2;
    counter.finish(0.02);
    counter.finish(1e-9);
    const stats: WorkerProcessStats = {
      name: "table",
      pid: 1,
      version: "0",
      uptime: 12.5,
      rss: 1e8,
      loopDelay: 0,
      gateways: [{ name: "[::1]:28000", attached: true, inHand: 0 }],
      unhandled: 1,
      ...counters.stats(),
    };
    const text = workerMetrics([1, 2].map((index) => ({
      index,
      ready: true,
      silent: false,
      restarts: 0,
      stats,
    }))).toString();
    assertEquals(await promtoolProblems(text), "");
  },
});
