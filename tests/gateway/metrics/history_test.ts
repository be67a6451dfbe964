// quantileOf() and MetricsHistory: what the charts of the dashboard are drawn from.

import { assertEquals } from "@std/assert";
import { Gateway } from "@maple/gateway";
import { DURATION_BOUNDS, Histogram } from "@maple/box/internal";
import { MetricsHistory } from "../../../gateway/metrics/history.ts";
import { quantileOf } from "../../../gateway/metrics/quantile.ts";
import {
  type GatewayReport,
  reportOf,
} from "../../../gateway/metrics/report.ts";

const START = Date.parse("2026-01-02T03:04:05.000Z");

interface Moment {
  uptime: number;
  clientFrames?: number;
  answers?: number;
  work?: Histogram;
}

/** Reports as a gateway gives them, with some figures set. */
async function reports(moments: readonly Moment[]): Promise<GatewayReport[]> {
  await using gateway = new Gateway();
  const report = reportOf(gateway);
  return moments.map(({ work, ...stats }) => ({
    ...report,
    time: new Date(START + stats.uptime * 1000).toISOString(),
    stats: {
      ...report.stats,
      ...stats,
      ...(work ? { workTime: work.toJSON() } : {}),
    },
  }));
}

function durations(...seconds: number[]): Histogram {
  const histogram = new Histogram(DURATION_BOUNDS);
  for (const one of seconds) histogram.observe(one);
  return histogram;
}

Deno.test("quantileOf() interpolates inside the bucket", () => {
  const histogram = { bounds: [1, 2, 4], counts: [2, 0, 2, 0] };
  assertEquals(quantileOf(histogram, 0.5), 1);
  assertEquals(quantileOf(histogram, 0.25), 0.5);
  assertEquals(quantileOf(histogram, 0.75), 3);
  assertEquals(quantileOf(histogram, 1), 4);
});

Deno.test("quantileOf() tells nothing of no values, and the last bound of those beyond", () => {
  assertEquals(quantileOf({ bounds: [1, 2], counts: [0, 0, 0] }, 0.5), null);
  assertEquals(quantileOf({ bounds: [1, 2], counts: [0, 0, 9] }, 0.5), 2);
  assertEquals(quantileOf({ bounds: [1, 2], counts: [0, 3, 0] }, 0), 1);
  assertEquals(
    quantileOf({ bounds: [1, 2, 4], counts: [1, 0, 0, 99] }, 0.99),
    4,
  );
});

Deno.test("MetricsHistory add() makes rates of differences", async () => {
  const history = new MetricsHistory(10);
  for (
    const report of await reports([
      { uptime: 10, clientFrames: 1000, answers: 900 },
      { uptime: 12, clientFrames: 1500, answers: 1400 },
      { uptime: 12, clientFrames: 1500, answers: 1400 },
    ])
  ) history.add(report);
  assertEquals(
    history.points.map(({ time, requests, answers }) => [
      time - START,
      requests,
      answers,
    ]),
    [[10_000, null, null], [12_000, 250, 250], [12_000, null, null]],
  );
});

Deno.test("MetricsHistory add() takes quantiles of the last ten intervals only", async () => {
  const slow = durations(...new Array(100).fill(20));
  const quick = durations(...new Array(100).fill(20), 0.002, 0.002);
  const history = new MetricsHistory(100);
  const later = Array.from({ length: 11 }, (_, i) => ({
    uptime: 2 + i,
    work: quick,
  }));
  for (
    const report of await reports([
      { uptime: 0 },
      { uptime: 1, work: slow },
      ...later,
    ])
  ) history.add(report);
  const p50 = history.points.map((point) => point.workP50);
  assertEquals([p50[0], p50[1], p50[2]], [null, 20, 19.8]);
  assertEquals([p50[10], p50[11], p50[12]], [19.8, 0.002, null]);
});

Deno.test("MetricsHistory keeps so many points and no more", async () => {
  const history = new MetricsHistory(3);
  const moments = [1, 2, 3, 4, 5].map((uptime) => ({ uptime }));
  for (const report of await reports(moments)) history.add(report);
  assertEquals(history.points.map(({ time }) => time - START), [
    3000,
    4000,
    5000,
  ]);
});
