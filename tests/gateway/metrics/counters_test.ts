// Every counter of a gateway is told: to Prometheus, and to people in the viewer or on the
// dashboard; and the two tell the same.

import { assert, assertEquals } from "@std/assert";
import { Gateway, type GatewayCounters } from "@maple/gateway";
import {
  COUNTER_NAMES,
  COUNTERS,
} from "../../../gateway/metrics/counter_table.ts";
import {
  newCounters,
  partsOf,
  totalOf,
} from "../../../gateway/metrics/counter_values.ts";
import { prometheusText } from "../../../gateway/metrics/prometheus_text.ts";
import { ratesBetween } from "../../../gateway/metrics/rates.ts";
import { troubleOf } from "../../../gateway/metrics/trouble.ts";
import { toText } from "../../../gateway/stat/cells.ts";
import { renderScreen } from "../../../gateway/stat/screen.ts";
import { reportWith } from "../stat/stat_report.ts";
import { dashboardTexts } from "./dashboard_texts.ts";

// Counted for Prometheus only, and why.
const NOT_FOR_PEOPLE: Readonly<Record<string, string>> = {
  handovers: "one less than the generation, which is shown",
  acceptedOver: "how many there are now is told by transport",
  "handshakesRefused.tls": "whoever merely visits the port",
  "handshakesRefused.ws": "the same",
  lent: "the workers that have done them are told by their own process",
  delivered: "acknowledged tells how much is done, by worker",
  acknowledged: "told worker by worker",
  givenBack: "chainsRecalled tells how often it is due",
  "innerClosed.peer": "workers and triggers come and go",
  "innerClosed.local": "the same",
  "innerClosed.stop": "the same",
  "innerClosed.room": "only clients make room",
  "innerClosed.firstFrame": "only clients have this time",
  "innerClosed.slowFrame": "the same",
  "innerClosed.rate": "the same",
  "innerClosed.barred": "only clients are denied or banned",
  "innerClosed.stalled": "the same",
  "innerUnproven.left": "whoever merely visits the port",
  "moves.asked": "what is done when a gateway leaves is in the log",
  "moves.closed": "the same",
  innerFrames: "maple stat --lines tells them",
  clusterPassedOn: "what was not passed on is told",
  clusterReceived: "what was dropped is told",
  clusterMoved: "as it is to be where somebody logs in elsewhere",
};

const SECONDS = 10;

/** Counters of which each number is another one. */
function differentCounters(): GatewayCounters {
  let next = 100_003;
  const numbers = COUNTER_NAMES.map((name) => {
    const zero = newCounters()[name];
    if (typeof zero === "number") return [name, next += 10];
    return [
      name,
      Object.fromEntries(Object.keys(zero).map((kind) => [kind, next += 10])),
    ];
  });
  return Object.fromEntries(numbers);
}

/** What the viewer and the dashboard say of counters that began at nothing. */
function shownOf(counters: GatewayCounters): string {
  const time = "2026-01-31T12:01:00.000Z";
  const report = reportWith({
    stats: { ...counters, rss: 1 },
    report: { time },
  });
  const uptime = report.stats.uptime - SECONDS;
  const rates = ratesBetween(reportWith({ stats: { uptime } }), report);
  const options = { width: 500, colors: false };
  return [
    ...renderScreen({ report, rates }, options)
      .map((line) => toText(line, options)),
    ...dashboardTexts(report, rates),
  ].join("\n");
}

Deno.test("every counter is in stats(), in Prometheus and in the viewer or on the dashboard", () => {
  const counters = differentCounters();
  const metrics = prometheusText(reportWith({ stats: counters })).toString();
  const nothing = shownOf(newCounters());
  const stats = new Gateway().stats();
  for (const name of COUNTER_NAMES) {
    assert(stats[name] !== undefined, `${name} is not in stats()`);
    for (const { kind, count } of partsOf(counters, name)) {
      const what = kind === undefined ? name : `${name}.${kind}`;
      assert(
        new RegExp(`^maple_\\S+ ${count}$`, "m").test(metrics),
        `${what} is not in Prometheus`,
      );
      const one = newCounters() as unknown as Record<string, unknown>;
      one[name] = kind === undefined
        ? count
        : { ...one[name] as object, [kind]: count };
      const isShown = shownOf(one as unknown as GatewayCounters) !== nothing;
      const isException = (NOT_FOR_PEOPLE[what] ?? NOT_FOR_PEOPLE[name]) !==
        undefined;
      assert(
        isShown || isException,
        `${what} is shown neither in the viewer nor on the dashboard`,
      );
      assert(
        !isShown || !isException,
        `${what} is shown after all`,
      );
    }
  }
});

Deno.test("every number of stats() that is no counter is in Prometheus", () => {
  const counters = new Set<string>(COUNTER_NAMES);
  const names = Object.entries(new Gateway().stats())
    .filter(([name, value]) => typeof value === "number" && !counters.has(name))
    .map(([name]) => name)
    // The start and the build info tell them.
    .filter((name) => name !== "uptime" && name !== "pid");
  const numbers = names.map((name, i) => [name, 200_003 + 10 * i] as const);
  // Told as the difference of two.
  const stats: Record<string, number> = {
    ...Object.fromEntries(numbers),
    innerLinks: 300_000,
  };
  const metrics = prometheusText(reportWith({ stats })).toString();
  for (const [name, value] of numbers) {
    const told = name === "innerLinks" ? 300_000 - stats["workers"]! : value;
    assert(metrics.includes(` ${told}\n`), `${name} is not in Prometheus`);
  }
});

Deno.test("what the viewer and the dashboard call trouble are the same words and numbers", () => {
  const report = reportWith({ stats: differentCounters() });
  const screen = renderScreen({ report, rates: null }, { width: 500 })
    .map((line) => toText(line, { width: 500, colors: false })).join("\n");
  const page = dashboardTexts(report, null);
  assert(report.trouble.length > 10);
  for (const { what, count } of report.trouble) {
    const number = count.toLocaleString("en-US");
    assert(screen.includes(`${what} ${number}`), what);
    assertEquals(page[page.indexOf(what) + 1], number);
  }
});

Deno.test("troubleOf() tells a handler that threw and a connection that broke apart", () => {
  const clientsClosed = { ...newCounters().clientsClosed, error: 3, peer: 7 };
  const { stats } = reportWith({ stats: { clientsClosed } });
  assertEquals(troubleOf(stats), [{
    what: "clients closed: their frame could not be handled",
    count: 3,
    now: false,
  }]);
});

Deno.test("no two numbers of the counters are the same metric with the same labels", () => {
  const places = COUNTER_NAMES.flatMap((name) => {
    const plan = COUNTERS[name];
    return "kinds" in plan
      ? Object.keys(plan.kinds).map((kind) => `${plan.metric} ${kind}`)
      : [`${plan.metric} ${"cause" in plan ? plan.cause : ""}`];
  });
  assertEquals(new Set(places).size, places.length);
});

Deno.test("ratesBetween() has a rate for every counter", () => {
  const counters = differentCounters();
  const before = reportWith({ stats: { uptime: 60 - SECONDS } });
  const rates = ratesBetween(before, reportWith({ stats: counters }))!;
  for (const name of COUNTER_NAMES) {
    assertEquals(rates.perSecond[name], totalOf(counters, name) / SECONDS);
  }
});

Deno.test("the dashboard shows no rate below zero when a command leaves the others", () => {
  const other = { cmd: "other" as const, seconds: 1, maxSeconds: 1 };
  const worker = {
    ...{ address: "a:1", credits: 0, inHand: 0, seenSeconds: 0 },
  };
  const before = reportWith({
    stats: {
      commands: [{ ...other, count: 900 }],
      workerLinks: [{ ...worker, done: 70, connectedSeconds: 50 }],
    },
  });
  const after = reportWith({
    stats: {
      uptime: 61,
      commands: [{ ...other, count: 800 }],
      // Another connection from the same port.
      workerLinks: [{ ...worker, done: 7, connectedSeconds: 0.5 }],
    },
  });
  const texts = dashboardTexts(after, ratesBetween(before, after));
  assertEquals(texts.filter((text) => /^[-−]\d/.test(text)), []);
  assertEquals(texts.slice(texts.indexOf("a:1") + 4)[0], "7");
  assertEquals(texts.slice(texts.indexOf("other"))[1], "–");
});
