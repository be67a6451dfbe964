// The main figures of a gateway: what the viewer shows with a history.

import type { GatewayReport } from "../metrics/report.ts";
import type { Style } from "./cells.ts";
import {
  formatBytes,
  formatCount,
  formatQuantile,
  formatRate,
  formatSeconds,
} from "./format.ts";
import type { Rates } from "../metrics/rates.ts";

/** What is shown at a time: the newest report, and what happened since the one before. */
export interface Look {
  /** The newest report. */
  readonly report: GatewayReport;
  /** What happened since the one before it; null while that is not known. */
  readonly rates: Rates | null;
}

/** One of the main figures. */
export interface Figure {
  /** Its name in the history. */
  readonly name: FigureName;
  /** What stands before it. */
  readonly label: string;
  /** Its value; null while it is not known. */
  value(look: Look): number | null;
  /** Its value as text. */
  format(value: number | null, look: Look): string;
  /** What else there is to say. */
  detail(look: Look): string;
  /** How it looks. */
  style?(look: Look): Style;
}

/** The names of the main figures. */
export type FigureName =
  | "clients"
  | "users"
  | "groups"
  | "requests"
  | "answers"
  | "waiting"
  | "inHand"
  | "chained"
  | "queueTime"
  | "workTime"
  | "messages"
  | "loopDelay"
  | "memory";

// How near to a limit is worth a colour.
const NEAR = 0.8;

function nearLimit(value: number, limit: number): Style {
  return value >= limit ? "bad" : value >= limit * NEAR ? "warning" : "strong";
}

function count(value: number | null): string {
  return formatCount(value ?? 0);
}

function comeAndGo(rates: Rates | null): string {
  const come = rates?.perSecond.clientsAccepted ?? 0;
  const go = rates?.perSecond.clientsClosed ?? 0;
  return come + go > 0 ? `+${formatRate(come)}/s -${formatRate(go)}/s, ` : "";
}

// Those that are not over plain TCP.
function overOthers({ clientsOver }: GatewayReport["stats"]): string {
  return (["ws", "tls", "wss"] as const)
    .filter((transport) => clientsOver[transport] > 0)
    .map((transport) => `${transport} ${formatCount(clientsOver[transport])}, `)
    .join("");
}

// What workers and triggers were told, where they wanted to know.
function receipts(outcomes: GatewayReport["stats"]["receipts"]): string {
  const told = Object.entries(outcomes).filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${outcome} ${formatCount(count)}`);
  return told.length > 0 ? `, receipts: ${told.join(" ")}` : "";
}

// A figure of how long something takes.
function durationFigure(
  name: "queueTime" | "workTime",
  label: string,
): Figure {
  return {
    name,
    label,
    value: ({ rates }) => rates?.[name].p99 ?? null,
    format: (value, { report }) =>
      formatQuantile(value, report.stats[name].bounds),
    detail: ({ report, rates }) => {
      const found = rates?.[name];
      if (!found || found.count === 0) return "";
      const p50 = formatQuantile(found.p50, report.stats[name].bounds);
      return `p50 ${p50}, mean ${formatSeconds(found.mean)}`;
    },
  };
}

/** The main figures in the order in which they are shown. */
export const FIGURES: readonly Figure[] = [
  {
    name: "clients",
    label: "clients",
    value: ({ report }) => report.stats.clients,
    format: count,
    detail: ({ report: { stats, limits }, rates }) =>
      `${comeAndGo(rates)}${overOthers(stats)}peak ${
        formatCount(stats.clientsPeak)
      }, max ${formatCount(limits.connsMax)}`,
    style: ({ report: { stats, limits } }) =>
      nearLimit(stats.clients, limits.connsMax),
  },
  {
    name: "users",
    label: "users",
    value: ({ report }) => report.stats.users,
    format: count,
    detail: () => "logged in",
  },
  {
    name: "groups",
    label: "groups",
    value: ({ report }) => report.stats.groups,
    format: count,
    detail: ({ report: { stats, limits } }) =>
      `members ${formatCount(stats.groupMembers)}, max ${
        formatCount(limits.groupsMax)
      }`,
    style: ({ report: { stats, limits } }) =>
      nearLimit(stats.groups, limits.groupsMax),
  },
  {
    name: "requests",
    label: "requests/s",
    value: ({ rates }) => rates?.perSecond.clientFrames ?? null,
    format: formatRate,
    detail: ({ report: { stats }, rates }) =>
      `${formatCount(stats.clientFrames)} in all${
        rates ? `, ${formatBytes(rates.perSecond.clientBytes)}/s` : ""
      }${
        stats.heartbeats > 0
          ? `, ${formatCount(stats.heartbeats)} heartbeats`
          : ""
      }`,
  },
  {
    name: "answers",
    label: "answers/s",
    value: ({ rates }) => rates?.perSecond.answers ?? null,
    format: formatRate,
    detail: ({ report: { stats }, rates }) =>
      `${formatCount(stats.answers)} in all${
        rates ? `, ${formatBytes(rates.perSecond.answerBytes)}/s` : ""
      }`,
  },
  {
    name: "messages",
    label: "messages/s",
    value: ({ rates }) =>
      rates
        ? rates.perSecond.userMessages + rates.perSecond.groupMessages
        : null,
    format: formatRate,
    detail: ({ report: { stats }, rates }) =>
      `${
        rates
          ? `deliveries/s to users ${
            formatRate(rates.perSecond.userDeliveries)
          }, groups ${formatRate(rates.perSecond.groupDeliveries)}`
          : `to users ${formatCount(stats.userMessages)}, groups ${
            formatCount(stats.groupMessages)
          } in all`
      }${receipts(stats.receipts)}`,
  },
  {
    name: "waiting",
    label: "waiting",
    value: ({ report }) => report.stats.queued,
    format: count,
    detail: ({ report: { stats, limits } }) =>
      stats.queued > 0
        ? `oldest ${formatSeconds(stats.oldestSeconds)}, ${
          formatBytes(stats.queuedBytes)
        }, max ${formatCount(limits.queueMax)}`
        : `peak ${formatCount(stats.queuedPeak)}, max ${
          formatCount(limits.queueMax)
        }`,
    style: ({ report: { stats, limits } }) =>
      nearLimit(
        Math.max(
          stats.queued / limits.queueMax,
          stats.queuedBytes / limits.queueBytes,
        ),
        1,
      ),
  },
  {
    name: "inHand",
    label: "in hand",
    value: ({ report }) => report.stats.inHand,
    format: count,
    detail: ({ report: { stats } }) =>
      stats.workers === 0
        ? "no workers"
        : `workers ${formatCount(stats.workers)}, idle credits ${
          formatCount(stats.idleCredits)
        }`,
    style: ({ report: { stats } }) => stats.workers === 0 ? "bad" : "strong",
  },
  {
    name: "chained",
    label: "chained/s",
    value: ({ rates }) => rates?.perSecond.chained ?? null,
    format: formatRate,
    detail: ({ report: { stats }, rates }) =>
      [
        `${formatCount(stats.chained)} in all`,
        ...rates?.chainLength
          ? [`length ${formatRate(rates.chainLength)}`]
          : [],
        ...stats.chainsRecalled > 0
          ? [`${formatCount(stats.chainsRecalled)} recalled`]
          : [],
      ].join(", "),
  },
  durationFigure("queueTime", "wait p99"),
  durationFigure("workTime", "work p99"),
  {
    name: "loopDelay",
    label: "loop delay",
    value: ({ report }) => report.stats.loopDelay,
    format: formatSeconds,
    detail: () => "the longest of the last second",
    style: ({ report }) => nearLimit(report.stats.loopDelay, 0.5),
  },
  {
    name: "memory",
    label: "memory",
    value: ({ report }) => report.stats.rss,
    format: (value) => formatBytes(value ?? 0),
    detail: () => "",
  },
];

/** The values of all figures, for the history. */
export function figureValues(look: Look): Record<FigureName, number | null> {
  return Object.fromEntries(
    FIGURES.map((figure) => [figure.name, figure.value(look)]),
  ) as Record<FigureName, number | null>;
}
