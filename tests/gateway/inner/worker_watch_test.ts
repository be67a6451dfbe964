// WorkerWatch: the gateway says that tasks wait while no worker is there, and that one is back.

import { assertEquals, assertMatch } from "@std/assert";
import type { GatewayStats } from "@maple/gateway";
import { FakeTime } from "@std/testing/time";
import { WorkerWatch } from "../../../gateway/inner/worker_watch.ts";
import { type Trouble, troubleOf } from "../../../gateway/metrics/trouble.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { prometheusText } from "../../../gateway/metrics/prometheus_text.ts";
import { reportOf } from "../../../gateway/metrics/report.ts";

// What was so since the start may be the machine's: a backlog that others have filled.
function troubleNow(stats: GatewayStats): Trouble[] {
  return troubleOf(stats).filter(({ now }) => now);
}

Deno.test("WorkerWatch tells once that no worker is there, and once that one is back", () => {
  using time = new FakeTime();
  const logger = new LogCollector();
  let [workers, waiting] = [0, 0];
  const watch = new WorkerWatch({
    workers: () => workers,
    waiting: () => waiting,
    logger,
  });
  watch.start();
  time.tick(5000);
  assertEquals(logger.lines, []);
  waiting = 17;
  time.tick(5000);
  waiting = 18;
  time.tick(5000);
  assertEquals(logger.lines.splice(0), [
    "WARN no worker is attached, and 17 tasks wait",
  ]);
  workers = 1;
  time.tick(5000);
  workers = 0;
  waiting = 0;
  time.tick(5000);
  assertEquals(logger.lines.splice(0), [
    "INFO a worker is attached after 10 s without, and 18 tasks wait",
  ]);
  waiting = 1;
  time.tick(1000);
  assertEquals(logger.lines.length, 1);
  watch.stop();
  time.tick(5000);
  assertEquals(logger.lines.length, 1);
});

Deno.test("a gateway without a worker says so in its log, its trouble and its metrics", async () => {
  await using fixture = await GatewayFixture.start();
  await using worker = await fixture.attach();
  await worker.ask();
  await fixture.until(({ workers }) => workers === 1);
  assertEquals(troubleNow(fixture.gateway.stats()), []);
  await worker[Symbol.asyncDispose]();
  await fixture.until(({ workers }) => workers === 0);
  await using client = await fixture.connect();
  await client.write({ cmd: 1 });
  await fixture.log.line(/^WARN no worker is attached, and [12] tasks wait$/);
  await fixture.until(({ queued }) => queued === 2);
  const report = reportOf(fixture.gateway);
  assertEquals(report.trouble.filter(({ now }) => now), [{
    what: "no worker is attached; tasks that wait:",
    count: 2,
    now: true,
  }]);
  assertMatch(prometheusText(report).toString(), /^maple_gateway_workers 0$/m);
  await using _echo = await fixture.attachEcho();
  await fixture.log.line(/^INFO a worker is attached after \d+ s/);
  assertEquals(troubleNow(fixture.gateway.stats()), []);
});
