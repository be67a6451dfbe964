// The report of the load tool, for people.

import { LatencyHistogram } from "./latency_histogram.ts";
import { type LoadResult, summarize } from "./load_result.ts";

const BAR = 40;

/** The report as lines of text. */
export function formatReport(result: LoadResult): string {
  const summary = summarize(result);
  const latency = new LatencyHistogram();
  latency.merge(result.latency);
  const lines: [name: string, value: string][] = [
    ["Transactions", `${summary.transactions} hits`],
    ["Availability", `${percent(summary.availability)} %`],
    ["Elapsed time", `${summary.elapsed.toFixed(2)} s`],
    ["Response time", milliseconds(summary.responseTime)],
    ["Transaction rate", `${summary.transactionRate.toFixed(2)} per s`],
    ["Successful", String(summary.successful)],
    ["Failed", String(summary.failed)],
    ["Connections", String(summary.connections)],
    ["Other messages", String(summary.pushes)],
  ];
  const parts = [table(lines)];
  if (latency.count > 0) {
    parts.push(
      "Response times",
      table([
        ["p50", milliseconds(summary.p50)],
        ["p90", milliseconds(summary.p90)],
        ["p99", milliseconds(summary.p99)],
        ["p99.9", milliseconds(summary.p999)],
        ["max", milliseconds(summary.max)],
      ]),
      picture(latency),
      "Fairness: answers of a connection",
      table([
        ["worst served", String(summary.worst)],
        ["mean", summary.mean.toFixed(1)],
        ["best served", String(summary.best)],
      ]),
    );
  }
  const errors = Object.entries(summary.errors).sort(([, a], [, b]) => b - a);
  if (errors.length > 0) {
    parts.push(
      "Errors",
      errors.map(([kind, count]) => `  ${count} × ${kind}`).join("\n"),
    );
  }
  return parts.join("\n");
}

/** A duration for people. */
export function milliseconds(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  if (value >= 100) return `${value.toFixed(0)} ms`;
  return `${Number(value.toPrecision(3))} ms`;
}

// 99.999 must not be read as all.
function percent(value: number): string {
  return (Math.floor(value * 100) / 100).toFixed(2);
}

function table(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([name, value]) => `  ${(name + ":").padEnd(18)}${value}`)
    .join("\n");
}

function picture(latency: LatencyHistogram): string {
  const rows = latency.rows();
  const most = Math.max(...rows.map(({ count }) => count));
  return rows.map(({ upTo, count }) => {
    const bar = "█".repeat(Math.ceil(BAR * count / most));
    const share = (100 * count / latency.count).toFixed(2).padStart(6);
    return `  ≤ ${milliseconds(upTo).padStart(8)} ${share} % ${bar}`.trimEnd();
  }).join("\n");
}
