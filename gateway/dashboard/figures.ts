// The tiles and tables of the dashboard. Runs in the browser.

import type { Elements, PageElement } from "./elements.ts";
import type { DashboardFormat } from "./format.ts";
import type { HistoryPoint } from "../metrics/history.ts";
import type { GatewayReport } from "../metrics/report.ts";
import type { CommandStats } from "../metrics/measures.ts";
import type { WorkerStats } from "../metrics/stats.ts";

/** Shows the figures of a report. */
export interface DashboardFigures {
  /** Shows a report, with rates from the one before it. */
  show(
    report: GatewayReport,
    before: GatewayReport | undefined,
    point: HistoryPoint | undefined,
  ): void;
}

/** Makes {@linkcode DashboardFigures}. */
export function dashboardFigures(
  { byId, html }: Elements,
  format: DashboardFormat,
): DashboardFigures {
  const WORKERS_SHOWN = 200;
  const { count, rate, seconds, span, bytes } = format;

  function set(id: string, value: string, more: string): void {
    byId(id).replaceChildren(value);
    byId(`${id}-more`).replaceChildren(more);
  }

  function showTiles(
    { stats, limits }: GatewayReport,
    point: HistoryPoint | undefined,
  ): void {
    const optional = (value: number | null | undefined, how = rate) =>
      value === null || value === undefined ? "–" : how(value);
    set(
      "clients",
      count(stats.clients),
      `peak ${count(stats.clientsPeak)} · limit ${
        count(limits.connsMax)
      } · users ${count(stats.users)}`,
    );
    set(
      "requests",
      optional(point?.requests),
      `${count(stats.clientFrames)} so far · ${bytes(stats.clientBytes)} in · ${
        bytes(stats.answerBytes)
      } out`,
    );
    set(
      "waiting",
      count(stats.queued),
      `oldest ${seconds(stats.oldestSeconds)} · peak ${
        count(stats.queuedPeak)
      } · ${bytes(stats.queuedBytes)}`,
    );
    set(
      "workers",
      count(stats.workers),
      `tasks in hand ${count(stats.inHand)} · idle credits ${
        count(stats.idleCredits)
      }`,
    );
    set(
      "work",
      optional(point?.workP50, seconds),
      `p50 of the last 10 s · p99 ${optional(point?.workP99, seconds)}`,
    );
    set("delay", seconds(stats.loopDelay), "the most of the last second");
    set(
      "memory",
      bytes(stats.rss),
      `pid ${stats.pid} · up ${span(stats.uptime)}`,
    );
  }

  function cells(
    ...columns: readonly (string | readonly [text: string, title: string])[]
  ): PageElement {
    return html(
      "tr",
      {},
      ...columns.map((column) =>
        typeof column === "string"
          ? html("td", {}, column)
          : html("td", { title: column[1] }, column[0])
      ),
    );
  }

  function fill(
    id: string,
    rows: readonly PageElement[],
    empty: string,
  ): void {
    byId(`${id}-rows`).replaceChildren(...rows);
    byId(`${id}-note`).textContent = rows.length === 0 ? empty : "";
  }

  function showCauses({ stats }: GatewayReport): void {
    const { clientsClosed: closed, answersDropped: dropped } = stats;
    const causes: readonly (readonly [what: string, count: number])[] = [
      ["clients refused: --conns-max", stats.clientsRefused],
      ["clients closed: no frame for --conn-timeout", closed.idle],
      ["clients closed: a bad or too long frame", closed.frame],
      ["clients closed: did not read", closed.outbox],
      ["clients closed: connection broke", closed.error],
      ["requests refused: waited for --park-time", stats.expired],
      ["requests refused: workers lost with them", stats.givenUp],
      ["tasks delivered again: worker lost", stats.redelivered],
      ["tasks of workers dropped: queue full", stats.innerDropped],
      ["answers dropped: client gone", dropped.gone],
      ["answers dropped: of an earlier start", dropped.tag],
      ["answers dropped: client did not read", dropped.outbox],
      ["workers and triggers refused", stats.innerRefused],
      ["frames of workers and triggers not understood", stats.badCommands],
    ];
    const sum = causes.reduce((sum, [, count]) => sum + count, 0);
    byId("causes-sum").textContent = count(sum);
    const rows = causes
      .filter(([, count]) => count > 0)
      .toSorted(([, a], [, b]) => b - a)
      .map(([what, number]) => cells(what, count(number)));
    fill("causes", rows, "Nothing was refused, dropped or closed for a fault.");
  }

  // By how much a total grew in a second.
  function growth(now: number, before: number | undefined, s: number): string {
    return before === undefined || !(s > 0) ? "–" : rate((now - before) / s);
  }

  function showWorkers(
    { stats }: GatewayReport,
    before: readonly WorkerStats[],
    s: number,
  ): void {
    const done = new Map(before.map((one) => [one.address, one.done]));
    const rows = stats.workerLinks
      .toSorted((a, b) =>
        (a.name ?? "").localeCompare(b.name ?? "") ||
        a.address.localeCompare(b.address, "en", { numeric: true })
      )
      .slice(0, WORKERS_SHOWN)
      .map((worker) =>
        cells(
          worker.name === undefined ? "–" : [worker.name, workerTitle(worker)],
          worker.address,
          worker.pid === undefined ? "–" : String(worker.pid),
          count(worker.inHand),
          count(worker.credits),
          growth(worker.done, done.get(worker.address), s),
          count(worker.done),
          seconds(Number(worker.seenSeconds.toFixed(1))),
        )
      );
    fill("workers", rows, "No worker is attached: requests wait.");
    const more = stats.workerLinks.length - rows.length;
    if (more > 0) {
      byId("workers-note").textContent = `${count(more)} more are not shown.`;
    }
  }

  function workerTitle({ host, version, concurrency }: WorkerStats): string {
    return [
      host === undefined ? "" : `on ${host}`,
      version === undefined ? "" : `version ${version}`,
      concurrency === undefined ? "" : `${concurrency} tasks at a time`,
    ].filter((part) => part !== "").join(", ");
  }

  function showCommands(
    { stats }: GatewayReport,
    before: readonly CommandStats[],
    s: number,
  ): void {
    const counts = new Map(before.map((one) => [one.cmd, one.count]));
    const rows = stats.commands.map((command) =>
      cells(
        String(command.cmd),
        growth(command.count, counts.get(command.cmd), s),
        count(command.count),
        seconds(command.seconds / Math.max(1, command.count)),
        seconds(command.maxSeconds),
      )
    );
    fill("commands", rows, "No request was finished yet.");
  }

  return {
    show(report, before, point) {
      const earlier = before?.stats;
      const s = report.stats.uptime - (earlier?.uptime ?? NaN);
      showTiles(report, point);
      showCauses(report);
      showWorkers(report, earlier?.workerLinks ?? [], s);
      showCommands(report, earlier?.commands ?? [], s);
    },
  };
}
