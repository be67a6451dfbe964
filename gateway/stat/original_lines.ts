// originalLines: a report as the stat tool of the original system printed it, for reporters that
// read that.

import type { GatewayReport } from "../metrics/report.ts";
import { totalOf } from "../metrics/counter_values.ts";
import { printable } from "./format.ts";

// The upper bounds of its counts of tasks by time, in seconds.
const TASK_TIMES: readonly (readonly [name: string, bound: number])[] = [
  ["10_MS", 0.01],
  ["30_MS", 0.03],
  ["50_MS", 0.05],
  ["100_MS", 0.1],
  ["300_MS", 0.3],
  ["500_MS", 0.5],
  ["1_S", 1],
  ["3_S", 3],
  ["5_S", 5],
  ["10_S", 10],
  ["MORE", Infinity],
];

/** `NAME: number` for each figure, in the original's order. */
export function originalLines({ stats }: GatewayReport): string[] {
  const { workerLinks, innerFrames } = stats;
  const idle = workerLinks.filter(({ credits, inHand }) =>
    credits > 0 && inHand === 0
  );
  const { WRITE_TO_WORKER, ...others } = innerFrames;
  const figures: Record<string, number> = {
    CLIENTS: stats.clients,
    AUTHED_CLIENTS: stats.users,
    TRIGGERS: stats.innerLinks - stats.workers,
    WORKERS: stats.workers,
    IDLE_WORKERS: idle.length,
    CLIENT_PENDING_MSGS: stats.queued,
    WORKER_PENDING_MSGS: stats.inHand,
    CMD_CLIENT_REQ: stats.clientFrames,
    CMD_CLIENT_CREATED: stats.clientsAccepted,
    CMD_CLIENT_CLOSED: totalOf(stats, "clientsClosed"),
    CMD_WRITE_TO_WORKER: WRITE_TO_WORKER,
  };
  // A newer gateway may count commands that are not known here.
  for (const [command, count] of Object.entries(others)) {
    figures[`CMD_${printable(command)}`] = count;
  }
  const { bounds, counts } = stats.workTime;
  for (const [name] of TASK_TIMES) figures[`TASK_TIME_${name}`] = 0;
  for (const [i, count] of counts.entries()) {
    const bound = bounds[i] ?? Infinity;
    const [name] = TASK_TIMES.find(([, most]) => bound <= most)!;
    figures[`TASK_TIME_${name}`]! += count;
  }
  return Object.entries(figures).map(([name, count]) => `${name}: ${count}`);
}
