// All metrics that gateways and workers tell.

import { Gateway } from "@maple/gateway";
import { prometheusText } from "../../gateway/metrics/prometheus_text.ts";
import type { GatewayReport } from "../../gateway/metrics/report.ts";
import { reportOf } from "../../gateway/metrics/report.ts";
import { TaskCounters } from "../../worker/stats.ts";
import { workerMetrics } from "../../worker/metrics.ts";
import { LogCollector } from "../helpers/log_collector.ts";

const TYPE = /^# TYPE (\S+) (\S+)$/gm;

/** The names of all metrics, as queries name them. */
export function knownMetrics(): Set<string> {
  const names = new Set<string>();
  for (
    const [, name, type] of `${gatewayText()}${workerText()}`.matchAll(TYPE)
  ) {
    if (type !== "histogram") names.add(name!);
    else {
      for (const part of ["bucket", "sum", "count"]) {
        names.add(
          `${name}_${part}`,
        );
      }
    }
  }
  return names;
}

// One of several processes, in a cluster, with a worker that has done something: it tells the most.
function gatewayText(): string {
  const report = reportOf(
    new Gateway({ outerPort: 0, innerPort: 0, logger: new LogCollector() }),
  );
  const one = { index: 1, address: "a", connectedSeconds: 1, seenSeconds: 0 };
  const full: GatewayReport = {
    ...report,
    startedAt: report.time,
    stats: {
      ...report.stats,
      commands: [{ cmd: 1, count: 1, seconds: 1, maxSeconds: 1 }],
      workerLinks: [{ ...one, inHand: 0, credits: 1, done: 1 }],
      cluster: { name: "a", bus: "b", state: "whole", gateways: [] },
    },
    processes: [{
      ...{ index: 1, ready: true, restarts: 0, nodeId: 0, pid: 1, inner: null },
      ...{ clients: 0, workers: 1, queued: 0, loopDelay: 0, rss: 1 },
    }],
  };
  return prometheusText(full).toString();
}

function workerText(): string {
  const counters = new TaskCounters();
  counters.endpoint("any").finish(0.1);
  const stats = {
    ...{ name: "a", pid: 1, version: "0", uptime: 1, rss: 1, loopDelay: 0 },
    gateways: [{ name: "a", attached: true, inHand: 0 }],
    unhandled: 0,
    ...counters.stats(),
  };
  return workerMetrics([
    { index: 1, ready: true, silent: false, restarts: 0, stats },
  ]).toString();
}
