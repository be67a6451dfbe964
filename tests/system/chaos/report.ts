// The report of a chaos run, for people.

import type { ChaosEvents } from "./events.ts";
import type { ChaosOptions, ChaosResult } from "./run_chaos.ts";
import {
  type ClusterChaosOptions,
  type ClusterChaosResult,
  notPassedOn,
} from "./run_cluster.ts";
import type { WaitTimes } from "./wait_times.ts";

type Row = [name: string, value: string | number];

/** The lines of the report. */
export function reportLines(
  { seed }: ChaosOptions,
  result: ChaosResult,
): string[] {
  const { totals, handled, stats, events, seconds } = result;
  const { waits } = totals;
  const { pauses } = result;
  return linesOf([
    ["seed", seed],
    ["seconds", seconds.toFixed(1)],
    ["requests", totals.sent],
    ["answers", totals.answered],
    ["given up (RET_WORKER_LOST)", totals.givenUp],
    ["refused", totals.refused],
    ["lost", result.lost],
    ["answered twice", totals.answeredTwice],
    ["out of order", totals.outOfOrder],
    ["clients disconnected", totals.disconnected],
    ["redeliveries", stats.redelivered],
    ["chained", stats.chained],
    ["duplicates seen by handlers", handled.duplicates],
    ["broadcasts", result.broadcasts],
    ["broadcasts received", totals.broadcasts],
    ...messageRows(result),
    ...(pauses.length > 0
      ? [
        ["handovers", pauses.length],
        ["all stood still, mean", ms(mean(pauses) * 1000)],
        ["longest", ms(Math.max(...pauses) * 1000)],
        ["clients that came and went", result.guests],
      ] as Row[]
      : []),
    ["worker processes that answered", totals.pids.size],
    ...waitRows(waits),
    ...mischiefRows(events),
  ]);
}

/** The lines of the report of a cluster. */
export function clusterReportLines(
  { seed, gateways }: ClusterChaosOptions,
  result: ClusterChaosResult,
): string[] {
  const { totals, more, sums, deliveries, stats, events, seconds } = result;
  return linesOf([
    ["seed", seed],
    ["gateways", gateways],
    ["seconds", seconds.toFixed(1)],
    ["requests", totals.sent],
    ["answers", totals.answered],
    ["given up (RET_WORKER_LOST)", totals.givenUp],
    ["lost", result.lost],
    ["answered twice", totals.answeredTwice],
    ["out of order", totals.outOfOrder],
    ["clients disconnected", totals.disconnected],
    ["requests cut with their client", more.cut],
    ["clients that came back", more.cameBack],
    ["messages: sent by the trigger", result.triggered],
    ["messages: not taken from it", result.untaken],
    ["messages: receipt says reached", more.delivered],
    ["messages: receipt says offline", more.offline],
    ["messages: receipt incomplete", more.unknown],
    ["messages: sent without receipt", more.unasked],
    ["deliveries expected", sums.expected],
    ["deliveries", sums.received],
    ["deliveries: lost", sums.lost],
    ["deliveries: doubled", deliveries.doubled],
    ["deliveries: wrong user", deliveries.wrongUser],
    ["deliveries: out of order", deliveries.outOfOrder],
    ["lost, bus or gateway away", sums.excused],
    ["out of order, bus away", deliveries.overtaken],
    ["lost, without receipt", sums.unsure],
    ["again, after a lost worker", deliveries.repeated],
    ...Object.entries(notPassedOn(stats)),
    [
      "messages between gateways",
      stats.reduce(
        (sum, { clusterPassedOn }) => sum + clusterPassedOn,
        0,
      ),
    ],
    ["redeliveries", stats.reduce((sum, one) => sum + one.redelivered, 0)],
    ["worker processes that answered", totals.pids.size],
    ...waitRows(totals.waits),
    ...mischiefRows(events),
  ]);
}

function messageRows({ deliveries }: ChaosResult): Row[] {
  if (!deliveries) return [];
  const { expected, received, lost } = deliveries.sums();
  return [
    ["deliveries expected", expected],
    ["deliveries", received],
    ["deliveries: lost", lost],
    ["deliveries: doubled", deliveries.doubled],
    ["deliveries: wrong user", deliveries.wrongUser],
    ["deliveries: out of order", deliveries.outOfOrder],
  ];
}

function waitRows(waits: WaitTimes): Row[] {
  return [
    ["wait p50", ms(waits.percentile(0.5))],
    ["wait p99", ms(waits.percentile(0.99))],
    ["wait p99.9", ms(waits.percentile(0.999))],
    ["longest wait", ms(waits.longest)],
  ];
}

function mischiefRows({ counts }: ChaosEvents): Row[] {
  return [...counts].sort().map(([kind, count]) => [
    `mischief: ${kind}`,
    count,
  ]);
}

function linesOf(rows: readonly Row[]): string[] {
  return rows.map(([name, value]) => `${name.padEnd(32)}${value}`);
}

/** The lines that tell of a failure; none when all is well. */
export function failureLines(
  { seed }: Pick<ChaosOptions, "seed">,
  { faults, events }: Pick<ChaosResult, "faults" | "events">,
): string[] {
  if (faults.length === 0) return [];
  return [
    `FAILED with seed ${seed}:`,
    ...faults.map((fault) => `  ${fault}`),
    ...events.faults.map((line) => `  ${line}`),
    "the last events:",
    ...events.last,
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
