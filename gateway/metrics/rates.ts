// ratesBetween: what happened between two reports of a gateway, per second.

import type { HistogramData } from "@maple/box/internal";
import { COUNTER_NAMES } from "./counter_table.ts";
import { totalOf } from "./counter_values.ts";
import type { CounterName } from "./counters.ts";
import { quantileOf } from "./quantile.ts";
import type { GatewayReport } from "./report.ts";
import type { GatewayStats } from "./stats.ts";

/** How long something took between two reports, in seconds; all null when nothing happened. */
export interface Durations {
  /** How often it happened. */
  readonly count: number;
  /** The mean. */
  readonly mean: number | null;
  /** Half took no longer; estimated from a histogram, at most its last bound. */
  readonly p50: number | null;
  /** 99 of 100 took no longer; estimated as `p50` is. */
  readonly p99: number | null;
}

/** What happened with the requests of one command between two reports. */
export interface CommandRate {
  /** The command. */
  readonly cmd: number | "other";
  /** Requests finished per second; null when that cannot be told. */
  readonly perSecond: number | null;
  /**
   * Seconds that a worker took for one, on average; null when none was finished, or that cannot be
   * told.
   */
  readonly mean: number | null;
}

/** What one worker did between two reports. */
export interface WorkerRate {
  /** Its address and port. */
  readonly address: string;
  /** Tasks acknowledged per second. */
  readonly perSecond: number;
}

/** What happened between two reports of a gateway. */
export interface Rates {
  /** Seconds between the two. */
  readonly seconds: number;
  /** How much the counters grew per second; those that count by kinds, all kinds together. */
  readonly perSecond: Readonly<Record<CounterName, number>>;
  /** How long tasks have waited for a worker. */
  readonly queueTime: Durations;
  /** How long workers took for tasks. */
  readonly workTime: Durations;
  /** How many tasks chains had, on average; null when none has begun. */
  readonly chainLength: number | null;
  /** The commands, as in the later report. */
  readonly commands: readonly CommandRate[];
  /** The workers, as in the later report. */
  readonly workers: readonly WorkerRate[];
}

/**
 * What happened between two reports; null when they are not of the same run of a gateway, or not
 * one after the other.
 */
export function ratesBetween(
  before: GatewayReport,
  after: GatewayReport,
): Rates | null {
  // Not by the time of day, which may be set meanwhile.
  const seconds = after.stats.uptime - before.stats.uptime;
  if (!isSameRun(before, after) || !(seconds > 0)) return null;
  const [a, b] = [before.stats, after.stats];
  const chains = b.chainsBegun - a.chainsBegun;
  return {
    seconds,
    perSecond: Object.fromEntries(
      COUNTER_NAMES.map((name) => [
        name,
        (totalOf(b, name) - totalOf(a, name)) / seconds,
      ]),
    ) as Record<CounterName, number>,
    queueTime: durationsBetween(a.queueTime, b.queueTime),
    workTime: durationsBetween(a.workTime, b.workTime),
    chainLength: chains > 0 ? 1 + (b.chained - a.chained) / chains : null,
    commands: commandRates(a, b, seconds),
    workers: workerRates(a, b, seconds),
  };
}

/** Whether two reports are of the same run of a gateway. */
export function isSameRun(a: GatewayReport, b: GatewayReport): boolean {
  // Another process may have taken the place of the first between the two.
  const isSameProcess = a.stats.pid === b.stats.pid ||
    a.stats.generation !== b.stats.generation;
  return isSameProcess && a.startedAt === b.startedAt;
}

function durationsBetween(a: HistogramData, b: HistogramData): Durations {
  const counts = b.counts.map((count, i) => count - (a.counts[i] ?? 0));
  const between = { bounds: b.bounds, counts };
  const count = b.count - a.count;
  return {
    count,
    mean: count > 0 ? Math.max(0, b.sum - a.sum) / count : null,
    p50: quantileOf(between, 0.5),
    p99: quantileOf(between, 0.99),
  };
}

function commandRates(
  a: GatewayStats,
  b: GatewayStats,
  seconds: number,
): CommandRate[] {
  const before = new Map(a.commands.map((one) => [one.cmd, one]));
  // A command that was not told before has been counted among the others, if there were any.
  const none = before.has("other") ? undefined : { count: 0, seconds: 0 };
  return b.commands.map(({ cmd, count, seconds: took }) => {
    const old = before.get(cmd) ?? none;
    // The others get fewer when one of them is told by itself.
    if (!old || count < old.count) return { cmd, perSecond: null, mean: null };
    const done = count - old.count;
    return {
      cmd,
      perSecond: done / seconds,
      mean: done > 0 ? Math.max(0, took - old.seconds) / done : null,
    };
  });
}

function workerRates(
  a: GatewayStats,
  b: GatewayStats,
  seconds: number,
): WorkerRate[] {
  const before = new Map(a.workerLinks.map((one) => [one.address, one]));
  return b.workerLinks.map(({ address, done, connectedSeconds }) => {
    const old = before.get(address);
    // Another connection may have the address of one that has ended.
    const isSame = old !== undefined &&
      old.connectedSeconds <= connectedSeconds && old.done <= done;
    return { address, perSecond: (done - (isSame ? old.done : 0)) / seconds };
  });
}
