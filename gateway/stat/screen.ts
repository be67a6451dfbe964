// renderScreen: what the viewer shows of a gateway, as lines.

import type { GatewayStats } from "../metrics/stats.ts";
import type { Trouble } from "../metrics/trouble.ts";
import {
  type Cell,
  cell,
  columnsOf,
  type Line,
  pad,
  type Style,
} from "./cells.ts";
import { type FigureName, FIGURES, type Look } from "./figures.ts";
import {
  formatAge,
  formatCount,
  printable,
  sparkline,
  UNKNOWN,
} from "./format.ts";
import type { History } from "./history.ts";
import {
  commandsTable,
  gatewaysTable,
  groupsTable,
  type Table,
  tableLines,
  workersTable,
} from "./tables.ts";

/** Settings of {@linkcode renderScreen}. */
export interface ScreenOptions {
  /** Columns there are. */
  readonly width: number;
  /** Lines there are. @default {Infinity} */
  readonly height?: number;
  /** The history of the figures; without one, none is shown. */
  readonly history?: History<FigureName>;
  /** A line about what is wrong. */
  readonly notice?: string | undefined;
  /** What stands at the right of the second line. */
  readonly hint?: string;
}

const LABEL_WIDTH = 11;
const VALUE_WIDTH = 10;
const DETAIL_WIDTH = 33;
const MAX_BARS = 120;
// Where there is room for all, so many rows of each table are shown.
const MAX_ROWS = 20;
const TABLE_HEAD_LINES = 2;

/** The values that a history must keep so that the widest screen can be filled. */
export const HISTORY_SIZE: number = MAX_BARS;

const STATE_STYLES: Readonly<Record<GatewayStats["state"], Style>> = {
  new: "warning",
  serving: "good",
  leaving: "warning",
  draining: "warning",
  closed: "bad",
};

/**
 * The screen: who it is and of which cluster, the main figures, what went wrong, the workers, the
 * commands and the largest groups. Every line fits when cut to the width.
 */
export function renderScreen(look: Look, options: ScreenOptions): Line[] {
  const { width, height = Infinity, notice } = options;
  const lines = [
    ...headLines(look, options),
    ...(notice === undefined ? [] : [[cell(notice, "bad")]]),
    [],
    ...FIGURES.map((figure) => {
      const value = figure.value(look);
      return [
        cell(pad(figure.label, LABEL_WIDTH)),
        cell(
          pad(figure.format(value, look), VALUE_WIDTH, "right"),
          figure.style?.(look) ?? "strong",
        ),
        ...historyCells(figure.name, options),
        cell(`  ${figure.detail(look)}`, "faint"),
      ];
    }),
    ...troubleLines(look.report.trouble, width),
  ];
  const tables = [
    gatewaysTable(look),
    workersTable(look),
    commandsTable(look),
    groupsTable(look),
  ];
  for (const [i, rows] of shareRows(tables, height - lines.length).entries()) {
    if (rows > 0) lines.push([], ...tableLines(tables[i]!, rows, width));
  }
  return lines.slice(0, height);
}

function headLines({ report }: Look, options: ScreenOptions): Line[] {
  const { version, time, stats, outer, inner, nodeId } = report;
  // What it did when it last wrote says nothing about a gateway that is gone.
  const isSilent = options.notice !== undefined && stats.state !== "closed";
  const state = isSilent ? "silent" : printable(stats.state);
  const who = [
    cell(`maple gateway ${printable(version)}  `, "strong"),
    cell(state, isSilent ? "bad" : STATE_STYLES[stats.state] ?? "warning"),
    cell(
      `  up ${
        formatAge(stats.uptime)
      }, pid ${stats.pid}, node ${nodeId}, io ${stats.io}${
        stats.generation > 1 ? `, generation ${stats.generation}` : ""
      }`,
    ),
  ];
  const where = [
    cell(
      `clients at ${printable(outer ?? UNKNOWN)}${
        (["ws", "tls", "wss"] as const)
          .map((name) =>
            report[name] ? `, ${name} ${printable(report[name])}` : ""
          )
          .join("")
      }, workers at ${printable(inner ?? UNKNOWN)}`,
      "faint",
    ),
  ];
  const { cluster } = stats;
  const together = cluster
    ? [[
      cell(`cluster ${printable(cluster.name)}  `, "faint"),
      cell(cluster.state, cluster.state === "whole" ? "good" : "bad"),
      cell(
        `  ${
          printable(cluster.bus)
        }, gateways ${cluster.gateways.length}, clients ${
          formatCount(
            cluster.gateways.reduce((sum, { clients }) => sum + clients, 0),
          )
        }`,
        "faint",
      ),
    ]]
    : [];
  // Those that were the gateway before, and stay for clients over TLS that ends in them.
  const stays = Object.entries(stats.clientsRelayedBy);
  const before = stays.length > 0
    ? [[
      cell(
        `old processes ${stays.length}, for ${
          formatCount(stats.clientsRelayed)
        } clients over TLS: ${
          stays.map(([pid, clients]) =>
            `${printable(pid)} (${formatCount(clients)})`
          ).join(", ")
        }`,
        "faint",
      ),
    ]]
    : [];
  // The time of day where the viewer runs.
  const clock = new Date(time).toTimeString().slice(0, 8);
  return [
    withRight(who, clock, options.width),
    withRight(where, options.hint ?? "", options.width),
    ...before,
    ...together,
  ];
}

// What stands at the right end of a line, if there is room for it.
function withRight(line: Line, text: string, width: number): Line {
  const left = columnsOf(line.map((one) => one.text).join(""));
  const gap = width - left - columnsOf(text);
  if (text === "" || gap < 2) return line;
  return [...line, cell(" ".repeat(gap)), cell(text, "faint")];
}

function historyCells(
  name: FigureName,
  { width, history }: ScreenOptions,
): Cell[] {
  if (!history) return [];
  const room = width - LABEL_WIDTH - VALUE_WIDTH - 2;
  const bars = Math.min(MAX_BARS, Math.max(room - DETAIL_WIDTH - 2, 12));
  if (room < bars) return [];
  return [cell(`  ${sparkline(history.last(name, bars), bars)}`, "good")];
}

// What goes wrong, and what went wrong since the start, as far as there was any.
function troubleLines(trouble: readonly Trouble[], width: number): Line[] {
  if (trouble.length === 0) {
    return [[cell(pad("trouble", LABEL_WIDTH)), cell("none", "faint")]];
  }
  const lines: Cell[][] = [];
  let columns = Infinity;
  for (const { what, count, now } of trouble) {
    const text = `${printable(what)} ${formatCount(count)}`;
    if (columns + 2 + columnsOf(text) > width) {
      lines.push([cell(pad(lines.length > 0 ? "" : "trouble", LABEL_WIDTH))]);
      columns = LABEL_WIDTH;
    } else {
      lines.at(-1)!.push(cell(", ", "faint"));
      columns += 2;
    }
    lines.at(-1)!.push(cell(text, now ? "bad" : "warning"));
    columns += columnsOf(text);
  }
  return lines;
}

// How many rows each table gets: half of what there is, and what the others do not need.
function shareRows(tables: readonly Table[], height: number): number[] {
  let left = tables.length;
  return tables.map(({ rows }, i) => {
    const needed = Math.min(rows.length, MAX_ROWS);
    const othersNeed = tables.slice(i + 1).reduce(
      (sum, other) =>
        sum + Math.min(other.rows.length, MAX_ROWS) +
        (other.rows.length > 0 ? TABLE_HEAD_LINES : 0),
      0,
    );
    const share = Math.max(Math.floor(height / left), height - othersNeed);
    left--;
    const given = Math.max(0, Math.min(needed, share - TABLE_HEAD_LINES));
    if (given > 0) height -= given + TABLE_HEAD_LINES;
    return given;
  });
}
