// The tiles and tables of the dashboard. Runs in the browser.

import type { Elements, PageElement } from "./elements.ts";
import type { DashboardFormat } from "./format.ts";
import type { HistoryPoint } from "../metrics/history.ts";
import type { GatewayReport } from "../metrics/report.ts";
import type { Rates } from "../metrics/rates.ts";
import type { WorkerStats } from "../metrics/stats.ts";

/** Shows the figures of a report. */
export interface DashboardFigures {
  /** Shows a report, with what happened since the one before it. */
  show(
    report: GatewayReport,
    rates: Rates | null,
    point: HistoryPoint | undefined,
  ): void;
}

/** Makes {@linkcode DashboardFigures}. */
export function dashboardFigures(
  { byId, html }: Elements,
  format: DashboardFormat,
): DashboardFigures {
  const WORKERS_SHOWN = 200;
  const OLD_PROCESSES_SHOWN = 8;
  const { count, rate, seconds, span, bytes } = format;

  function set(id: string, value: string, more: string): void {
    byId(id).replaceChildren(value);
    byId(`${id}-more`).replaceChildren(more);
  }

  function optional(value: number | null | undefined, how = rate): string {
    return value === null || value === undefined ? "–" : how(value);
  }

  // What workers and triggers were told, where they wanted to know.
  function receipts(outcomes: GatewayReport["stats"]["receipts"]): string {
    const told = Object.entries(outcomes).filter(([, number]) => number > 0)
      .map(([outcome, number]) => `${outcome} ${count(number)}`);
    return told.length > 0 ? ` · receipts: ${told.join(", ")}` : "";
  }

  // Those that were the gateway before, where some stay for clients over TLS that ends in them.
  function oldProcesses(
    { clientsRelayed, clientsRelayedBy }: GatewayReport["stats"],
  ): string {
    const all = Object.entries(clientsRelayedBy);
    if (all.length === 0) return "";
    const which = all.slice(0, OLD_PROCESSES_SHOWN)
      .map(([pid, clients]) => `${pid} (${count(clients)})`).join(", ");
    return ` · old processes ${count(all.length)}, for ${
      count(clientsRelayed)
    } clients over TLS: ${which}${
      all.length > OLD_PROCESSES_SHOWN ? ", …" : ""
    }`;
  }

  function showTiles(
    { stats, limits }: GatewayReport,
    rates: Rates | null,
    point: HistoryPoint | undefined,
  ): void {
    set(
      "clients",
      count(stats.clients),
      `peak ${count(stats.clientsPeak)} · limit ${
        count(limits.connsMax)
      } · users ${count(stats.users)}${
        (["ws", "tls", "wss"] as const)
          .filter((over) => stats.clientsOver[over] > 0)
          .map((over) => ` · ${over} ${count(stats.clientsOver[over])}`)
          .join("")
      }`,
    );
    set(
      "groups",
      count(stats.groups),
      `members ${count(stats.groupMembers)} · limit ${
        count(limits.groupsMax)
      } · messages/s ${
        optional(rates?.perSecond.groupMessages)
      } · deliveries/s ${optional(rates?.perSecond.groupDeliveries)}`,
    );
    set(
      "requests",
      optional(point?.requests),
      `${count(stats.clientFrames)} so far · ${bytes(stats.clientBytes)} in · ${
        bytes(stats.answerBytes)
      } out${
        stats.heartbeats > 0 ? ` · heartbeats ${count(stats.heartbeats)}` : ""
      }`,
    );
    set(
      "waiting",
      count(stats.queued),
      `oldest ${seconds(stats.oldestSeconds)} · peak ${
        count(stats.queuedPeak)
      } · ${bytes(stats.queuedBytes)}`,
    );
    const { state } = stats;
    const misses = stats.workers === 0 &&
      (state === "serving" || state === "leaving" || state === "draining");
    set(
      "workers",
      count(stats.workers),
      misses
        ? "no worker is attached: clients wait"
        : `tasks in hand ${count(stats.inHand)} · idle credits ${
          count(stats.idleCredits)
        }${receipts(stats.receipts)}`,
    );
    byId("workers-tile").dataset["level"] = misses ? "bad" : "";
    set(
      "chained",
      optional(rates?.perSecond.chained),
      `${count(stats.chained)} so far · mean length ${
        optional(rates?.chainLength)
      } · recalled ${count(stats.chainsRecalled)}`,
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
      `pid ${stats.pid} · up ${span(stats.uptime)}${
        stats.generation > 1
          ? ` · generation ${stats.generation}, since ${
            span(stats.generationSeconds)
          }, last pause ${seconds(stats.handoverPause)}`
          : ""
      }${oldProcesses(stats)}`,
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

  function showTrouble({ trouble }: GatewayReport): void {
    const sum = trouble.reduce(
      (sum, one) => one.now ? sum : sum + one.count,
      0,
    );
    byId("trouble-sum").textContent = count(sum);
    const rows = trouble.map((one) => {
      const row = cells(one.what, count(one.count));
      if (one.now) row.dataset["level"] = "bad";
      return row;
    });
    fill(
      "trouble",
      rows,
      "Nothing was refused, dropped or closed for a fault.",
    );
  }

  function showCluster(
    { stats, time }: GatewayReport,
    rates: Rates | null,
  ): void {
    const { cluster, clusterPassedOn, clusterReceived } = stats;
    const section = byId("cluster");
    section.hidden = !cluster;
    if (!cluster) return;
    const { name, bus, state, gateways } = cluster;
    const isAlone = state === "alone";
    section.dataset["level"] = isAlone ? "bad" : "";
    byId("cluster-name").textContent = `${name} · ${state}`;
    const sum = (key: "clients" | "users") =>
      count(gateways.reduce((total, one) => total + one[key], 0));
    byId("cluster-more").textContent = `${
      isAlone
        ? `alone: ${bus} is away; the clients here are served, those of other gateways are not reached`
        : `${bus} · clients ${sum("clients")} · users ${sum("users")}`
    } · messages out/s ${optional(rates?.perSecond.clusterPassedOn)} (${
      count(clusterPassedOn)
    } so far), in/s ${optional(rates?.perSecond.clusterReceived)} (${
      count(clusterReceived)
    })`;
    const now = Date.parse(time);
    // Of several processes all are of this one.
    const owns = gateways.filter(({ own }) => own).length;
    const rows = gateways.map((one) => {
      const row = cells(
        one.own && owns === 1 ? "this one" : one.inner === "" ? "–" : one.inner,
        one.outer === "" ? "–" : one.outer,
        String(one.node),
        one.state,
        count(one.clients),
        count(one.users),
        count(one.workers),
        seconds(one.loopDelay),
        span(Math.max(0, (now - one.startedAt) / 1000)),
        one.version,
      );
      // What is told of the others is what was known last.
      if (isAlone && !one.own) row.dataset["level"] = "old";
      else if (one.state !== "serving") row.dataset["level"] = "leaves";
      return row;
    });
    fill("gateways", rows, "");
  }

  function showWorkers({ stats }: GatewayReport, rates: Rates | null): void {
    const perSecond = new Map(
      rates?.workers.map((one) => [one.address, one.perSecond]),
    );
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
          optional(perSecond.get(worker.address)),
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

  function showCommands({ stats }: GatewayReport, rates: Rates | null): void {
    const perSecond = new Map(
      rates?.commands.map((one) => [one.cmd, one.perSecond]),
    );
    const rows = stats.commands.map((command) =>
      cells(
        String(command.cmd),
        optional(perSecond.get(command.cmd)),
        count(command.count),
        seconds(command.seconds / Math.max(1, command.count)),
        seconds(command.maxSeconds),
      )
    );
    fill("commands", rows, "No request was finished yet.");
  }

  function showGroups({ stats }: GatewayReport): void {
    const rows = stats.largestGroups.map(({ name, members }) =>
      cells(name, count(members))
    );
    fill("groups", rows, "No client is in a group.");
  }

  return {
    show(report, rates, point) {
      showTiles(report, rates, point);
      showTrouble(report);
      showCluster(report, rates);
      showWorkers(report, rates);
      showCommands(report, rates);
      showGroups(report);
    },
  };
}
