// What a gateway tells of its cluster: stats(), metrics, health, viewer and dashboard.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { statusUrl } from "@maple/box/internal";
import { MetricsServer } from "../../../gateway/metrics/server.ts";
import { prometheusText } from "../../../gateway/metrics/prometheus_text.ts";
import { reportOf } from "../../../gateway/metrics/report.ts";
import { toText } from "../../../gateway/stat/cells.ts";
import { parseReport } from "../../../gateway/stat/report_file.ts";
import { renderScreen } from "../../../gateway/stat/screen.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { MemoryBuses } from "../../helpers/memory_bus.ts";
import { dashboardTexts } from "../metrics/dashboard_texts.ts";

function screenOf({ gateway }: GatewayFixture): string {
  const report = parseReport("f", JSON.stringify(reportOf(gateway)));
  return renderScreen({ report, rates: null }, { width: 100 })
    .map((line) => toText(line, { width: 100, colors: false })).join("\n");
}

Deno.test("a gateway of a cluster tells of all gateways, by every way that it tells of itself", async () => {
  const buses = new MemoryBuses();
  const [busA, busB] = [buses.make(), buses.make()];
  await using a = await GatewayFixture.start({ bus: busA, clusterName: "c1" });
  await using b = await GatewayFixture.start({ bus: busB, clusterName: "c1" });
  await using _client = await b.connect();
  await using _worker = await b.attachEcho();
  await b.until(({ clients, workers }) => clients === 1 && workers === 1);
  await a.until(({ cluster }) =>
    cluster?.gateways[1]?.clients === 1 && cluster.gateways[1].workers === 1
  );
  const { cluster } = a.gateway.stats();
  assertEquals(
    [cluster!.name, cluster!.bus, cluster!.state],
    ["c1", "memory", "whole"],
  );
  assertEquals(
    cluster!.gateways.map(({ node, own, state, inner, clients, workers }) => (
      { node, own, state, inner, clients, workers }
    )),
    [
      {
        ...{ node: 0, own: true, state: "serving" },
        ...{ inner: `127.0.0.1:${a.inner.port}`, clients: 0, workers: 0 },
      },
      {
        ...{ node: 1, own: false, state: "serving" },
        ...{ inner: `127.0.0.1:${b.inner.port}`, clients: 1, workers: 1 },
      },
    ],
  );
  const metrics = prometheusText(reportOf(a.gateway)).toString();
  assertMatch(metrics, /^maple_gateway_cluster_alone 0$/m);
  assertMatch(
    metrics,
    /^maple_gateway_cluster_gateways\{state="serving"\} 2$/m,
  );
  const screen = screenOf(a);
  assertMatch(
    screen,
    /^cluster c1 {2}whole {2}memory, gateways 2, clients 1$/m,
  );
  assertMatch(screen, /^this one +0 +serving +0 +0 +0 /m);
  assertMatch(
    screen,
    new RegExp(`^127\\.0\\.0\\.1:${b.inner.port} +1 +serving +1 +0 +1 `, "m"),
  );
  const texts = dashboardTexts(reportOf(a.gateway), null);
  assert(texts.includes("c1 · whole"));
  assert(texts.includes(`127.0.0.1:${b.inner.port}`));
});

Deno.test("a gateway whose bus is away says that it is alone, and is ready all the same", async () => {
  const bus = new MemoryBuses().make();
  await using fixture = await GatewayFixture.start({ bus });
  await using _worker = await fixture.attachEcho();
  await fixture.until(({ workers }) => workers === 1);
  await using server = new MetricsServer("0", () => reportOf(fixture.gateway), {
    logger: new LogCollector(),
  });
  const health = async () => {
    const response = await fetch(`${statusUrl(server.addr)}healthz?ready`);
    return [response.status, await response.text()];
  };
  assertEquals(await health(), [200, "serving\n"]);
  bus.cut();
  assertEquals(await health(), [200, "serving, alone\n"]);
  const report = reportOf(fixture.gateway);
  assertEquals(report.stats.cluster!.state, "alone");
  assertMatch(
    prometheusText(report).toString(),
    /^maple_gateway_cluster_alone 1$/m,
  );
  assertMatch(screenOf(fixture), /^cluster maple {2}alone /m);
  assertMatch(screenOf(fixture), /^trouble +alone: the bus is away/m);
  const texts = dashboardTexts(report, null);
  assert(texts.includes("maple · alone"));
  assert(texts.some((text) => text.startsWith("alone: memory is away; ")));
  bus.heal();
  assertEquals(await health(), [200, "serving\n"]);
});

Deno.test("a gateway without a cluster tells of none", async () => {
  await using fixture = await GatewayFixture.start();
  assertEquals(fixture.gateway.stats().cluster, null);
  const metrics = prometheusText(reportOf(fixture.gateway)).toString();
  assert(!metrics.includes("maple_gateway_cluster_alone"));
  assert(!screenOf(fixture).includes("cluster"));
  // As an older gateway has written it.
  const report = JSON.parse(JSON.stringify(reportOf(fixture.gateway)));
  delete report.stats.cluster;
  assertEquals(
    parseReport("f", JSON.stringify(report)).stats.cluster,
    null,
  );
});
