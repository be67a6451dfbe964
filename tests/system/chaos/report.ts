// The report of a chaos run, for people.

import type { ChaosOptions, ChaosResult } from "./run_chaos.ts";

/** The lines of the report. */
export function reportLines(
  { seed }: ChaosOptions,
  result: ChaosResult,
): string[] {
  const { totals, handled, stats, events, seconds } = result;
  const { waits } = totals;
  const rows: [string, string | number][] = [
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
    ["worker processes that answered", totals.pids.size],
    ["wait p50", ms(waits.percentile(0.5))],
    ["wait p99", ms(waits.percentile(0.99))],
    ["wait p99.9", ms(waits.percentile(0.999))],
    ["longest wait", ms(waits.longest)],
    ...[...events.counts].sort().map(([kind, count]): [string, number] => [
      `mischief: ${kind}`,
      count,
    ]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(32)}${value}`);
}

/** The lines that tell of a failure; none when all is well. */
export function failureLines(
  { seed }: ChaosOptions,
  { faults, events }: ChaosResult,
): string[] {
  if (faults.length === 0) return [];
  return [
    `FAILED with seed ${seed}:`,
    ...faults.map((fault) => `  ${fault}`),
    "the last events:",
    ...events.last,
  ];
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
