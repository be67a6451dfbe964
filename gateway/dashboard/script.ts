// What the dashboard does: follows the events of the gateway and shows them. Runs in the browser.

import type { ChartPlan, DashboardChart } from "./chart.ts";
import type { Browser, Elements } from "./elements.ts";
import type { DashboardEvents } from "./events.ts";
import type { DashboardFigures } from "./figures.ts";
import type { DashboardFormat } from "./format.ts";
import type { HistoryPoint } from "../metrics/history.ts";
import type { Rates } from "../metrics/rates.ts";
import type { GatewayReport } from "../metrics/report.ts";

/** What the script is made of. */
export interface DashboardParts {
  /** Finds and makes elements. */
  readonly elements: Elements;
  /** Writes numbers. */
  readonly format: DashboardFormat;
  /** Draws charts. */
  readonly chart: DashboardChart;
  /** Shows tiles and tables. */
  readonly figures: DashboardFigures;
  /** Follows the events of the gateway. */
  readonly events: DashboardEvents;
}

/** Runs the dashboard. */
export function dashboardScript(
  browser: Browser,
  { elements, format, chart, figures, events }: DashboardParts,
): void {
  const { document } = browser;
  const { byId } = elements;
  const POINTS_MAX = 2000;
  // Without news for so long the gateway does not run, or does not come to it.
  const SILENT_MS = 5000;
  const CHARTS: readonly ChartPlan[] = [
    {
      id: "chart-requests",
      title: "Requests/s",
      lines: [
        { key: "requests", label: "received" },
        { key: "answers", label: "answers" },
      ],
      unit: "rate",
      scale: "linear",
      top: 4,
    },
    {
      id: "chart-work",
      title: "Time in worker",
      lines: [
        { key: "workP50", label: "p50" },
        { key: "workP99", label: "p99" },
      ],
      unit: "seconds",
      scale: "log",
      top: 0.001,
    },
    {
      id: "chart-waiting",
      title: "Tasks waiting",
      lines: [{ key: "waiting", label: "waiting" }],
      unit: "count",
      scale: "linear",
      top: 4,
    },
    {
      id: "chart-clients",
      title: "Clients",
      lines: [{ key: "clients", label: "clients" }],
      unit: "count",
      scale: "linear",
      top: 4,
    },
    {
      id: "chart-delay",
      title: "Event-loop delay",
      lines: [{ key: "loopDelay", label: "delay" }],
      unit: "seconds",
      scale: "linear",
      top: 0.01,
    },
  ];

  let points: HistoryPoint[] = [];
  let report: GatewayReport | undefined;
  let rates: Rates | null = null;
  let connected = false;
  // When the last news came, by the clock of this browser, which need not be the gateway's.
  let newsAt = 0;
  let pointed: number | null = null;

  function take(
    news: { report: GatewayReport; rates: Rates | null },
    more: readonly HistoryPoint[],
  ): void {
    ({ report, rates } = news);
    const first = more[0]?.time ?? Infinity;
    points = [...points.filter(({ time }) => time < first), ...more]
      .slice(-POINTS_MAX);
    connected = true;
    newsAt = Date.now();
    // A page that nobody sees is drawn when it is looked at.
    if (!document.hidden) draw();
  }

  function draw(): void {
    if (report) figures.show(report, rates, points.at(-1));
    drawCharts();
    drawState();
  }

  function drawCharts(): void {
    const last = points.at(-1)?.time ?? Date.now();
    const now = newsAt === 0 ? last : last + Date.now() - newsAt;
    for (const plan of CHARTS) chart.draw(plan, points, { now, pointed });
  }

  function drawState(): void {
    const closed = report?.stats.state === "closed";
    const isStopped = report !== undefined && (!connected || closed);
    const isSilent = connected && Date.now() - newsAt > SILENT_MS;
    const state = report === undefined
      ? "waiting for data"
      : isStopped
      ? "stopped"
      : isSilent
      ? "not answering"
      : report.stats.state;
    const root = document.documentElement;
    root.dataset["state"] = state;
    byId("state").textContent = state;
    document.title = `${state} · maple gateway`;
    const notice = byId("notice");
    const isLeaving = state === "leaving";
    notice.hidden = !isStopped && !isSilent && !isLeaving &&
      state !== "draining";
    if (!report) return;
    const time = format.clock(Date.parse(report.time));
    const age = format.span((Date.now() - newsAt) / 1000);
    notice.textContent = isLeaving
      ? "The gateway leaves: its clients move to others, one after the other."
      : state === "draining"
      ? "The gateway leaves: it accepts no clients and lets workers finish."
      : `The gateway ${
        isStopped ? "has stopped" : "does not answer"
      }. Last data: ${time}, ${age} ago. This page goes on when it is back.`;
    if (report.outer !== null) {
      const { outer, ws, tls, wss } = report;
      byId("outer").textContent = outer +
        Object.entries({ ws, tls, wss })
          .map(([name, at]) => at === null ? "" : `, ${name} ${at}`).join("");
    }
    if (report.inner !== null) byId("inner").textContent = report.inner;
    byId("node").textContent = String(report.nodeId);
    byId("io").textContent = report.stats.io;
    byId("version").textContent = report.version;
  }

  function remembered(): string | null {
    try {
      return browser.localStorage.getItem("maple-theme");
    } catch {
      return null;
    }
  }

  function toggleTheme(): void {
    const { dataset } = document.documentElement;
    const dark = dataset["theme"] === undefined
      ? browser.matchMedia("(prefers-color-scheme: dark)").matches
      : dataset["theme"] === "dark";
    const theme = dark ? "light" : "dark";
    dataset["theme"] = theme;
    try {
      browser.localStorage.setItem("maple-theme", theme);
    } catch {
      // It holds for as long as the page is open.
    }
  }

  const theme = remembered();
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset["theme"] = theme;
  }
  byId("theme").addEventListener("click", toggleTheme);
  for (const plan of CHARTS) {
    chart.watch(plan, (part) => {
      // What is drawn under a resting pointer makes it an event anew.
      if (part === pointed) return;
      pointed = part;
      drawCharts();
    });
  }
  browser.addEventListener("resize", drawCharts);
  document.addEventListener("visibilitychange", draw);
  browser.setInterval(() => {
    if (document.hidden || report === undefined) return;
    drawState();
    // While news come they draw the charts themselves.
    if (Date.now() - newsAt > 1500) drawCharts();
  }, 1000);
  draw();
  events({
    onEvent(name, data) {
      const news = JSON.parse(data);
      if (name === "history") take(news, news.points);
      else if (name === "report") take(news, [news.point]);
    },
    onLost() {
      connected = false;
      drawState();
    },
  });
}
