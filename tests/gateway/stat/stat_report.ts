// reportWith: the report of a gateway as a test wants it.

import { Gateway, type GatewayStats } from "@maple/gateway";
import {
  type GatewayReport,
  reportOf,
} from "../../../gateway/metrics/report.ts";
import { troubleOf } from "../../../gateway/metrics/trouble.ts";

/** What a test wants of a report. */
export interface Wanted {
  /** Counters that are not as in a new gateway. */
  readonly stats?: Partial<GatewayStats>;
  /** What else is not. */
  readonly report?: Partial<GatewayReport>;
}

/** The report of a gateway that serves since a minute, as it would be read from a file. */
export function reportWith(
  { stats = {}, report = {} }: Wanted = {},
): GatewayReport {
  const fresh: GatewayReport = JSON.parse(
    JSON.stringify(reportOf(new Gateway())),
  );
  const all: GatewayStats = {
    ...fresh.stats,
    ...{ state: "serving", uptime: 60, pid: 42, workers: 1 },
    ...stats,
  };
  return {
    ...fresh,
    startedAt: "2026-01-31T12:00:00.000Z",
    outer: "0.0.0.0:29000",
    inner: "127.0.0.1:28000",
    trouble: troubleOf(all),
    ...report,
    stats: all,
  };
}

/** The histogram of a new gateway with other counts. */
export function durationsWith(
  counts: readonly number[],
  sum: number,
): GatewayStats["workTime"] {
  const { workTime } = reportWith().stats;
  const all = workTime.counts.map((_, i) => counts[i] ?? 0);
  return {
    ...workTime,
    counts: all,
    count: all.reduce((total, count) => total + count, 0),
    sum,
  };
}
