// The board for Grafana and the alerts for Prometheus: all that they ask for is told by somebody.

import { assert, assertEquals } from "@std/assert";
import { parse } from "npm:yaml@2.9.1";
import { hasPromtool } from "../helpers/promtool.ts";
import { runProcess } from "../helpers/process.ts";
import {
  alerts,
  DEPLOY,
  deployText,
  panels,
  queriesOf,
} from "./deploy_files.ts";
import { knownMetrics } from "./known_metrics.ts";

/** The names in a query that no gateway and no worker tells. */
function unknownIn(query: string): string[] {
  const known = knownMetrics();
  const names = query.match(/\bmaple_\w+/g) ?? [];
  return names.filter((name) => !known.has(name));
}

Deno.test("the board asks for metrics that there are", () => {
  assert(panels().length > 30);
  for (const panel of panels()) {
    const queries = queriesOf(panel);
    assert(queries.length > 0, panel.title);
    for (const query of queries) {
      assert(query.includes("maple_"), query);
      assertEquals(unknownIn(query), [], panel.title);
    }
  }
});

Deno.test("a metric that nobody tells is noticed", () => {
  const query =
    "rate(maple_gateway_clients_acepted_total[1m]) + maple_worker_task_seconds";
  assertEquals(unknownIn(query), [
    "maple_gateway_clients_acepted_total",
    // A histogram is asked for by its parts.
    "maple_worker_task_seconds",
  ]);
});

Deno.test("the board's panels say what they are about, and none lies on another", () => {
  const taken = new Map<string, string>();
  for (const { title, description, gridPos } of panels()) {
    assert(description, `${title} has no description`);
    const { x, y, w, h } = gridPos;
    assert(x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        const place = `${column}, ${row}`;
        assertEquals(taken.get(place), undefined, `${title} at ${place}`);
        taken.set(place, title);
      }
    }
  }
});

/** By alert, the panel that the guide for an outage names. */
function guideRows(): Map<string, string> {
  const rows = deployText("README.md").matchAll(
    /^\| `(Maple\w+)` +\| (.+?) +\|/gm,
  );
  return new Map(Array.from(rows, ([, alert, panel]) => [alert!, panel!]));
}

Deno.test("the guide for an outage tells of alerts and panels that there are", () => {
  const titles = panels().map(({ title }) => title);
  const names = alerts().map(({ alert }) => alert);
  for (const [alert, panel] of guideRows()) {
    assert(names.includes(alert), alert);
    assert(titles.includes(panel), panel);
  }
});

Deno.test("the links of the README lead to files and headings", () => {
  for (const [, link] of deployText("README.md").matchAll(/\]\(([^)\s]+)\)/g)) {
    const [path = "", anchor] = link!.split("#");
    const file = new URL(path || "README.md", `file://${DEPLOY}/`);
    assert(Deno.statSync(file), link);
    if (anchor === undefined) continue;
    const headings = Deno.readTextFileSync(file).match(/^#+ .*$/gm) ?? [];
    const anchors = headings.map((heading) =>
      heading.replace(/^#+ /, "").toLowerCase().replaceAll(/[^\w\- ]/g, "")
        .replaceAll(" ", "-")
    );
    assert(anchors.includes(anchor), link);
  }
});

Deno.test("alerts ask for metrics that there are, each is tried, and each is told of in the README", () => {
  const tried = new Set<string>();
  for (
    const { alert_rule_test } of parse(deployText("alerts_test.yml")).tests
  ) {
    for (const { alertname, exp_alerts } of alert_rule_test) {
      if (exp_alerts.length > 0) tried.add(alertname);
    }
  }
  const guide = guideRows();
  for (const { alert, expr, labels, annotations } of alerts()) {
    assertEquals(unknownIn(expr), [], alert);
    assert(tried.has(alert), `alerts_test.yml does not try ${alert}`);
    assert(["page", "ticket"].includes(labels.severity), alert);
    assert(annotations.summary, alert);
    assert(guide.has(alert), `the README does not tell of ${alert}`);
  }
});

Deno.test({
  name: "promtool finds that each alert comes when it should, and only then",
  ignore: !hasPromtool,
  fn: async () => {
    const { code, stdout, stderr } = await runProcess("promtool", {
      args: ["test", "rules", "alerts_test.yml"],
      cwd: DEPLOY,
      timeout: 60_000,
    });
    assertEquals(code, 0, `${stdout.join("\n")}\n${stderr}`);
  },
});
