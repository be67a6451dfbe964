// MetricsServer: /metrics, /healthz, /stats.json and /events of a gateway.

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { TaskCmd, TaskFlag } from "@maple/box";
import { Gateway, type GatewayOptions } from "@maple/gateway";
import { statusUrl } from "@maple/box/internal";
import {
  LISTENERS_MAX,
  MetricsServer,
} from "../../../gateway/metrics/server.ts";
import { prometheusText } from "../../../gateway/metrics/prometheus_text.ts";
import { reportOf } from "../../../gateway/metrics/report.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { pathOf } from "../../helpers/paths.ts";
import { hasPromtool, promtoolProblems } from "../../helpers/promtool.ts";

const NASTY = '<script>alert("1")</script>\\\n';

function serve(gateway: Gateway): MetricsServer {
  return new MetricsServer("0", () => reportOf(gateway), {
    logger: new LogCollector(),
  });
}

function get(server: MetricsServer, path: string): Promise<Response> {
  return fetch(statusUrl(server.addr) + path);
}

/** A gateway with a worker that says who it is and a client, after one request. */
async function busyGateway(
  options: GatewayOptions = {},
): Promise<{ gateway: Gateway } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const fixture = stack.use(await GatewayFixture.start(options));
  const worker = stack.use(await fixture.attach());
  await worker.send({
    cmd: TaskCmd.WORKER_ASK_FOR_TASK,
    flags: TaskFlag.EXPLICIT_ACK,
    body: JSON.stringify({ name: NASTY, pid: 42 }),
  });
  const client = stack.use(await fixture.connect());
  await worker.askExplicitly(await worker.expect(TaskCmd.CLIENT_CREATED));
  await client.write({ cmd: 12, body: "hello" });
  const request = await worker.expect(TaskCmd.CLIENT_REQ);
  await worker.answer(request, "hi");
  await worker.askExplicitly(request);
  await fixture.until((stats) => stats.acknowledged === 2);
  const moved = stack.move();
  return {
    gateway: fixture.gateway,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

Deno.test("prometheusText() tells the figures of a gateway", async () => {
  await using busy = await busyGateway({ nodeId: 7, connsMax: 55 });
  const { gateway } = busy;
  const text = prometheusText(reportOf(gateway)).toString();
  const address = gateway.stats().workerLinks[0]!.address;
  const who =
    `{address="${address}",name="<script>alert(\\"1\\")</script>\\\\\\n",pid="42"}`;
  for (
    const line of [
      "maple_gateway_clients 1",
      "maple_gateway_clients_limit 55",
      "maple_gateway_clients_accepted_total 1",
      'maple_gateway_clients_refused_total{cause="conns_max"} 0',
      'maple_gateway_clients_closed_total{cause="idle"} 0',
      'maple_gateway_inner_connections{role="worker"} 1',
      'maple_gateway_inner_connections{role="trigger"} 0',
      "maple_gateway_client_frames_total 1",
      "maple_gateway_client_bytes_total 29",
      "maple_gateway_tasks_delivered_total 2",
      "maple_gateway_tasks_acknowledged_total 2",
      "maple_gateway_answers_total 1",
      'maple_gateway_answers_dropped_total{cause="gone"} 0',
      'maple_gateway_task_work_seconds_bucket{le="+Inf"} 2',
      "maple_gateway_task_queue_seconds_count 2",
      `maple_gateway_worker_tasks_acknowledged_total${who} 2`,
      `maple_gateway_worker_idle_credits${who} 1`,
      'maple_gateway_command_requests_total{cmd="12"} 1',
      'maple_gateway_state{state="serving"} 1',
      'maple_gateway_state{state="draining"} 0',
    ]
  ) assertStringIncludes(`\n${text}`, `\n${line}\n`);
  assertMatch(text, /maple_gateway_build_info\{[^}]*node_id="7"\} 1\n/);
  assertMatch(text, /\nprocess_resident_memory_bytes [1-9]\d*\n/);
  const families = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, f]) => f!);
  const helps = [...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, f]) => f!);
  assertEquals(helps, families);
  const readme = await Deno.readTextFile(pathOf("../../gateway/README.md"));
  const untold = families.filter((family) => !readme.includes(`\`${family}\``));
  assertEquals(untold, []);
});

Deno.test({
  name: "promtool finds nothing wrong with a gateway's metrics",
  ignore: !hasPromtool,
  fn: async () => {
    await using busy = await busyGateway();
    await using server = serve(busy.gateway);
    const response = await get(server, "metrics");
    assertMatch(response.headers.get("content-type")!, /version=0\.0\.4/);
    assertEquals(await promtoolProblems(await response.text()), "");
  },
});

Deno.test("MetricsServer answers /healthz with 200 when serving, 503 before and while draining", async () => {
  await using fixture = await GatewayFixture.start({ drainTimeout: 60 });
  const health = async (server: MetricsServer) => {
    const response = await get(server, "healthz");
    return [response.status, await response.text()];
  };
  const ready = async (server: MetricsServer) => {
    const response = await get(server, "healthz?ready");
    await response.body!.cancel();
    return response.status;
  };
  await using fresh = new Gateway();
  await using before = serve(fresh);
  assertEquals(await health(before), [503, "new\n"]);
  await using server = serve(fixture.gateway);
  assertEquals(await health(server), [200, "no workers\n"]);
  assertEquals(await ready(server), 503);
  await using worker = await fixture.attach();
  await worker.ask();
  await using _client = await fixture.connect();
  await worker.expect(TaskCmd.CLIENT_CREATED);
  assertEquals(await health(server), [200, "serving\n"]);
  assertEquals(await ready(server), 200);
  const closing = fixture.gateway.close();
  assertEquals(await health(server), [503, "draining\n"]);
  await worker[Symbol.asyncDispose]();
  await fixture.until(({ workers }) => workers === 0);
  assertEquals(await health(server), [503, "draining, no workers\n"]);
  await fixture.gateway.closeNow();
  await closing;
  assertEquals(await health(server), [503, "closed\n"]);
});

Deno.test("MetricsServer answers a gateway whose clients move: well, and not ready", async () => {
  await using fixture = await GatewayFixture.start({ lameDuck: 60 });
  await using server = serve(fixture.gateway);
  await using worker = await fixture.attach();
  await worker.ask();
  await using _client = await fixture.connect();
  await worker.expect(TaskCmd.CLIENT_CREATED);
  const closing = fixture.gateway.close();
  const health = await get(server, "healthz");
  assertEquals([health.status, await health.text()], [200, "leaving\n"]);
  const ready = await get(server, "healthz?ready");
  assertEquals([ready.status, await ready.text()], [503, "leaving\n"]);
  const text = prometheusText(reportOf(fixture.gateway)).toString();
  assertStringIncludes(text, 'maple_gateway_state{state="leaving"} 1');
  worker.close();
  await fixture.gateway.closeNow();
  await closing;
});

Deno.test("MetricsServer answers /stats.json with the report", async () => {
  await using busy = await busyGateway({ nodeId: 7 });
  await using server = serve(busy.gateway);
  const report = await (await get(server, "stats.json")).json();
  const { outer, limits } = reportOf(busy.gateway);
  assertEquals([report.format, report.formatVersion, report.nodeId], [
    "maple-gateway-stats",
    1,
    7,
  ]);
  assertEquals([report.outer, report.limits], [outer, limits]);
  assert(Date.parse(report.startedAt) <= Date.parse(report.time));
  assertEquals(report.stats.acknowledged, 2);
  assertEquals(report.stats.commands[0].cmd, 12);
});

Deno.test("MetricsServer serves a page that needs nothing else and allows nothing else", async () => {
  await using fixture = await GatewayFixture.start();
  await using server = serve(fixture.gateway);
  const response = await get(server, "");
  const page = await response.text();
  assertEquals(page.match(/(?:src|href)="(?!data:)[^"]*"|url\(|@import/), null);
  const policy = response.headers.get("content-security-policy")!;
  assertMatch(policy, /^default-src 'none'; script-src 'sha256-/);
  assertEquals(policy.includes("unsafe"), false);
});

/** The events of a server, one by one. */
async function* eventsOf(
  response: Response,
): AsyncGenerator<{ name: string; data: unknown }> {
  let text = "";
  for await (
    const piece of response.body!.pipeThrough(new TextDecoderStream())
  ) {
    const events = (text + piece).split("\n\n");
    text = events.pop()!;
    for (const event of events) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      if (name) yield { name, data: JSON.parse(data!) };
    }
  }
}

Deno.test("MetricsServer /events begin with the history and go on with reports", async () => {
  await using fixture = await GatewayFixture.start();
  await using server = serve(fixture.gateway);
  await using _client = await fixture.connect();
  const events = eventsOf(await get(server, "events"));
  const history = (await events.next()).value!;
  assertEquals(history.name, "history");
  const { points } = history.data as { points: unknown[] };
  assertEquals(points.length, 1);
  const next = (await events.next()).value!;
  assertEquals(next.name, "report");
  const { report, point } = next.data as {
    report: { stats: { clients: number } };
    point: { clients: number; requests: number };
  };
  assertEquals([report.stats.clients, point.clients], [1, 1]);
  assertEquals(point.requests, 0);
  await events.return(undefined);
});

Deno.test("MetricsServer /events bounds the listeners, and close() ends them", async () => {
  await using fixture = await GatewayFixture.start();
  await using server = serve(fixture.gateway);
  const open = await Promise.all(
    Array.from({ length: LISTENERS_MAX }, () => get(server, "events")),
  );
  assertEquals(open.every(({ status }) => status === 200), true);
  const refused = await get(server, "events");
  assertEquals(refused.status, 503);
  await refused.body!.cancel();
  const ends = Promise.allSettled(open.map((response) => response.text()));
  await server.close();
  await server.close();
  assertEquals((await ends).length, LISTENERS_MAX);
});
