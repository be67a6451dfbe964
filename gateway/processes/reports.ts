// ChildReports: the reports of all processes of a gateway as one.

import type { ProcessStatus, WatchedChild } from "@maple/box/internal";
import type { GatewayReport, ProcessReport } from "../metrics/report.ts";
import type { GatewayStats } from "../metrics/stats.ts";
import { sumStats, type Totals, totalsOf } from "../metrics/sum_stats.ts";
import { type Trouble, troubleOf } from "../metrics/trouble.ts";
import { DIVIDED } from "./shares.ts";

// Twice as often as somebody looks: each look finds figures of another moment.
const ASK_MS = 500;

/** What {@linkcode ChildReports} goes by. */
export interface ChildReportsOptions {
  /** What the parent tells of itself: a gateway that serves nobody. */
  readonly own: () => GatewayReport;
  /** The processes. */
  readonly processes: () => readonly ProcessStatus[];
  /** Asks all processes for their reports. */
  readonly ask: () => void;
  /** Messages that did not reach a process, since it does not read. */
  readonly dropped: () => number;
  /** Whether all processes have served. */
  readonly isReady: () => boolean;
  /** Whether all processes are asked to leave. */
  readonly isLeaving: () => boolean;
}

/** What only the parent knows. */
export type Addresses = Pick<
  GatewayReport,
  "outer" | "ws" | "tls" | "wss" | "inner"
>;

/** The reports of all processes of a gateway as one. */
export class ChildReports implements Disposable {
  readonly #options: ChildReportsOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #startedAt: number | undefined;
  #addresses: Addresses | undefined;
  #servingSince = 0;
  #askedAt = 0;
  // What those have counted that have ended.
  #ended: Totals[] = [];
  #peaks = { clientsPeak: 0, queuedPeak: 0 };
  #latest: GatewayReport;

  /** Begins to ask. */
  constructor(options: ChildReportsOptions) {
    this.#options = options;
    this.#latest = this.#gather();
    this.#timer = setInterval(() => this.#tick(), ASK_MS);
  }

  /** All processes serve from now on. */
  started(addresses: Addresses): void {
    this.#addresses = addresses;
    this.#startedAt = Date.now();
    this.#askedAt = performance.now();
    this.#servingSince = this.#askedAt;
  }

  /**
   * A process has ended: what it has counted stays.
   *
   * @returns How many clients it had, as far as it has told.
   */
  ended({ stats }: WatchedChild): number {
    const report = stats as GatewayReport | undefined;
    if (!report) return 0;
    const [sum] = this.#ended;
    const totals = totalsOf(report.stats);
    this.#ended = [
      sum
        ? totalsOf(sumStats({ ...this.#options.own().stats, ...sum }, [totals]))
        : totals,
    ];
    return report.stats.clients;
  }

  /**
   * The report of the whole gateway, of half a second ago.
   *
   * @param addresses Whether it names addresses of clients.
   */
  report(
    { addresses = false }: { readonly addresses?: boolean } = {},
  ): GatewayReport {
    const { stats } = this.#latest;
    const limitedAddresses = addresses ? stats.limitedAddresses : [];
    const now = { ...stats, limitedAddresses, state: this.#state() };
    return {
      ...this.#latest,
      time: new Date().toISOString(),
      stats: now,
      trouble: [...this.#troubleOfProcesses(now.state), ...troubleOf(now)],
    };
  }

  /** Asks no more. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #state(): GatewayStats["state"] {
    const { isReady, isLeaving, processes } = this.#options;
    if (!isReady()) return "new";
    if (!isLeaving()) return "serving";
    const states = processes().map(({ stats }) =>
      (stats as GatewayReport | undefined)?.stats.state
    );
    return states.includes("leaving") ? "leaving" : "draining";
  }

  #troubleOfProcesses(state: GatewayStats["state"]): Trouble[] {
    const { processes = [] } = this.#latest;
    const down = processes.filter(({ ready }) => !ready).length;
    const restarts = processes.reduce((sum, one) => sum + one.restarts, 0);
    return [
      { what: "processes that do not serve", count: down, now: true },
      {
        what: "processes that ended by themselves, with their clients",
        count: restarts,
        now: false,
      },
    ].filter(({ count, now }) => count > 0 && (!now || state === "serving"));
  }

  #tick(): void {
    // Of those that were asked the last time: all have answered that can.
    this.#latest = this.#gather();
    this.#askedAt = performance.now();
    this.#options.ask();
  }

  #gather(): GatewayReport {
    const { own, processes } = this.#options;
    const base = own();
    const all = processes();
    const reports = all.flatMap(({ stats }) =>
      stats === undefined ? [] : [stats as GatewayReport]
    );
    const sum = sumStats(
      base.stats,
      [...reports.map(({ stats }) => stats), ...this.#ended],
    );
    const { clients, queued } = sum;
    for (const { stats } of [...reports, { stats: sum }]) {
      const { clientsPeak, queuedPeak } = stats;
      const isSum = stats === sum;
      this.#peak("clientsPeak", isSum ? clients : clientsPeak);
      this.#peak("queuedPeak", isSum ? queued : queuedPeak);
    }
    const limits = { ...base.limits };
    if (reports.length === all.length && all.length > 0) {
      // As lowered by what the system lets each open.
      for (const name of DIVIDED) {
        Object.assign(limits, {
          [name]: reports.reduce((sum, { limits }) => sum + limits[name], 0),
        });
      }
    }
    return {
      ...base,
      ...this.#addresses,
      startedAt: this.#startedAt === undefined
        ? null
        : new Date(this.#startedAt).toISOString(),
      limits,
      stats: {
        ...sum,
        ...this.#peaks,
        clusterNotPassedOn: {
          ...sum.clusterNotPassedOn,
          full: sum.clusterNotPassedOn.full + this.#options.dropped(),
        },
        uptime: this.#startedAt === undefined
          ? 0
          : (this.#askedAt - this.#servingSince) / 1000,
      },
      processes: all.map(processReport),
    };
  }

  #peak(name: "clientsPeak" | "queuedPeak", value: number): void {
    this.#peaks[name] = Math.max(this.#peaks[name], value);
  }
}

function processReport(
  { index, ready, restarts, stats }: ProcessStatus,
): ProcessReport {
  const report = stats as GatewayReport | undefined;
  return {
    index,
    ready,
    restarts,
    nodeId: report?.nodeId ?? null,
    pid: report?.stats.pid ?? null,
    inner: report?.innerOwn ?? null,
    clients: report?.stats.clients ?? 0,
    workers: report?.stats.workers ?? 0,
    queued: report?.stats.queued ?? 0,
    loopDelay: report?.stats.loopDelay ?? 0,
    rss: report?.stats.rss ?? 0,
  };
}
