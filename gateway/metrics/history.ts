// MetricsHistory: the few figures that charts need, second by second.

import { type Rates, ratesBetween } from "./rates.ts";
import type { GatewayReport } from "./report.ts";

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

/** What one process tells another of its history. */
export interface HistoryPiece {
  /** The moments. */
  readonly points: readonly HistoryPoint[];
  /** The last reports. */
  readonly recent: readonly GatewayReport[];
}

// The durations are those of so many intervals: of one alone they would jump about.
const DURATION_INTERVALS = 10;

/** Keeps the figures of the last reports. */
export class MetricsHistory {
  readonly #pointsMax: number;
  readonly #points: HistoryPoint[] = [];
  // The newest last.
  readonly #recent: GatewayReport[] = [];
  #rates: Rates | null = null;

  /** @param pointsMax How many moments are kept. */
  constructor(pointsMax: number) {
    this.#pointsMax = pointsMax;
  }

  /** The moments that are kept, the oldest first. */
  get points(): readonly HistoryPoint[] {
    return this.#points;
  }

  /** The newest report; undefined before the first. */
  get report(): GatewayReport | undefined {
    return this.#recent.at(-1);
  }

  /** What happened between the last two reports; null while that is not known. */
  get rates(): Rates | null {
    return this.#rates;
  }

  /** What is kept, for another process. */
  give(): HistoryPiece {
    return { points: this.#points, recent: this.#recent };
  }

  /** Takes that. */
  takeOver({ points, recent }: HistoryPiece): void {
    this.#points.push(...points.slice(-this.#pointsMax));
    this.#recent.push(...recent);
  }

  /** Takes the figures of a report. */
  add(report: GatewayReport): HistoryPoint {
    const last = this.report;
    this.#rates = last ? ratesBetween(last, report) : null;
    this.#recent.push(report);
    if (this.#recent.length > DURATION_INTERVALS + 1) this.#recent.shift();
    const work = ratesBetween(this.#recent[0]!, report)?.workTime;
    const { perSecond } = this.#rates ?? {};
    const { stats } = report;
    const point: HistoryPoint = {
      time: Date.parse(report.time),
      requests: rounded(perSecond?.clientFrames ?? null),
      answers: rounded(perSecond?.answers ?? null),
      waiting: stats.queued,
      clients: stats.clients,
      workP50: rounded(work?.p50 ?? null),
      workP99: rounded(work?.p99 ?? null),
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
