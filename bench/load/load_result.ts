// LoadResult: what a run has measured, and several of them as one.

import { type LatencyData, LatencyHistogram } from "./latency_histogram.ts";

/** What a run has measured. */
export interface LoadResult {
  /** Connections that were to be opened. */
  readonly connections: number;
  /** Seconds that were measured. */
  readonly elapsed: number;
  /** Requests that were answered with return code 0. */
  readonly successful: number;
  /** Requests that were not, or not in time. */
  readonly failed: number;
  /** Frames that answered nothing: messages that the server sent by itself, late answers. */
  readonly pushes: number;
  /** What went wrong, and how often. */
  readonly errors: Readonly<Record<string, number>>;
  /** The response times of all that was answered. */
  readonly latency: LatencyData;
  /** Answers that each connection got. */
  readonly served: readonly number[];
}

/**
 * What a run has measured, in the figures that people and programs look at; times in milliseconds.
 */
export interface LoadSummary {
  /** Requests that are over, one way or the other. */
  readonly transactions: number;
  /** Successful ones, in percent. */
  readonly availability: number;
  /** Seconds. */
  readonly elapsed: number;
  /** Mean response time. */
  readonly responseTime: number;
  /** Transactions a second. */
  readonly transactionRate: number;
  /** See {@linkcode LoadResult}. */
  readonly successful: number;
  /** See {@linkcode LoadResult}. */
  readonly failed: number;
  /** See {@linkcode LoadResult}. */
  readonly connections: number;
  /** See {@linkcode LoadResult}. */
  readonly pushes: number;
  /** Median response time. */
  readonly p50: number;
  /** 90 % took no longer. */
  readonly p90: number;
  /** 99 % took no longer. */
  readonly p99: number;
  /** 99.9 % took no longer. */
  readonly p999: number;
  /** The longest. */
  readonly max: number;
  /** Answers of the worst served connection. */
  readonly worst: number;
  /** Answers of a connection on average. */
  readonly mean: number;
  /** Answers of the best served connection. */
  readonly best: number;
  /** See {@linkcode LoadResult}. */
  readonly errors: Readonly<Record<string, number>>;
}

/** The results of several processes as one. */
export function mergeResults(results: readonly LoadResult[]): LoadResult {
  const latency = new LatencyHistogram();
  const errors: Record<string, number> = {};
  for (const result of results) {
    latency.merge(result.latency);
    for (const [kind, count] of Object.entries(result.errors)) {
      errors[kind] = (errors[kind] ?? 0) + count;
    }
  }
  const sum = (of: (result: LoadResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    connections: sum((result) => result.connections),
    elapsed: Math.max(...results.map((result) => result.elapsed)),
    successful: sum((result) => result.successful),
    failed: sum((result) => result.failed),
    pushes: sum((result) => result.pushes),
    errors,
    latency: latency.toJSON(),
    served: results.flatMap((result) => result.served),
  };
}

/** The figures of a result. */
export function summarize(result: LoadResult): LoadSummary {
  const { connections, elapsed, successful, failed, pushes, errors } = result;
  const latency = new LatencyHistogram();
  latency.merge(result.latency);
  const transactions = successful + failed;
  const served = result.served.reduce(
    (range, count) => ({
      worst: Math.min(range.worst, count),
      best: Math.max(range.best, count),
      total: range.total + count,
    }),
    { worst: Infinity, best: 0, total: 0 },
  );
  return {
    transactions,
    availability: transactions === 0 ? 100 : 100 * successful / transactions,
    elapsed,
    responseTime: latency.mean,
    transactionRate: elapsed === 0 ? 0 : transactions / elapsed,
    successful,
    failed,
    connections,
    pushes,
    p50: latency.percentile(50),
    p90: latency.percentile(90),
    p99: latency.percentile(99),
    p999: latency.percentile(99.9),
    max: latency.max,
    worst: Math.min(served.worst, served.best),
    mean: served.total / Math.max(1, connections),
    best: served.best,
    errors,
  };
}
