// MetricsHistory: the few figures that charts need, second by second.

import { quantileOf } from "./quantile.ts";
import type { GatewayReport } from "./report.ts";
import type { GatewayStats } from "./stats.ts";

/** The figures of one moment. */
export interface HistoryPoint {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Frames from clients in a second; null when no earlier moment is known. */
  readonly requests: number | null;
  /** Answers to clients in a second; null when no earlier moment is known. */
  readonly answers: number | null;
  /** Tasks that wait. */
  readonly waiting: number;
  /** Clients. */
  readonly clients: number;
  /**
   * Seconds that half of the tasks of the last 10 seconds took less than in workers; null when
   * there were none.
   */
  readonly workP50: number | null;
  /** The same for 99 of 100. */
  readonly workP99: number | null;
  /** Seconds that the event loop was late. */
  readonly loopDelay: number;
}

// The quantiles are those of so many reports: of one alone they would jump about.
const QUANTILE_REPORTS = 10;

/** Keeps the figures of the last reports. */
export class MetricsHistory {
  readonly #pointsMax: number;
  readonly #points: HistoryPoint[] = [];
  // The newest last.
  readonly #recent: GatewayStats[] = [];

  /** @param pointsMax How many moments are kept. */
  constructor(pointsMax: number) {
    this.#pointsMax = pointsMax;
  }

  /** The moments that are kept, the oldest first. */
  get points(): readonly HistoryPoint[] {
    return this.#points;
  }

  /** Takes the figures of a report. */
  add({ time, stats }: GatewayReport): HistoryPoint {
    const last = this.#recent.at(-1);
    const seconds = stats.uptime - (last?.uptime ?? stats.uptime);
    const rate = (name: "clientFrames" | "answers") =>
      last && seconds > 0
        ? rounded((stats[name] - last[name]) / seconds)
        : null;
    this.#recent.push(stats);
    if (this.#recent.length > QUANTILE_REPORTS + 1) this.#recent.shift();
    const before = this.#recent[0]!.workTime;
    const { bounds, counts } = stats.workTime;
    const work = {
      bounds,
      counts: counts.map((n, i) => n - before.counts[i]!),
    };
    const point: HistoryPoint = {
      time: Date.parse(time),
      requests: rate("clientFrames"),
      answers: rate("answers"),
      waiting: stats.queued,
      clients: stats.clients,
      workP50: rounded(quantileOf(work, 0.5)),
      workP99: rounded(quantileOf(work, 0.99)),
      loopDelay: rounded(stats.loopDelay),
    };
    this.#points.push(point);
    if (this.#points.length > this.#pointsMax) this.#points.shift();
    return point;
  }
}

function rounded<T extends number | null>(value: T): T {
  return (value === null ? null : Number(value.toPrecision(4))) as T;
}
