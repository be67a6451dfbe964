// The tables of the viewer: the gateways of the cluster, the workers, the commands and the largest
// groups.

import { cell, type Line, pad } from "./cells.ts";
import type { Look } from "./figures.ts";
import {
  formatAge,
  formatCount,
  formatRate,
  formatSeconds,
  printable,
  UNKNOWN,
} from "./format.ts";

/** A column of a table. */
export interface Column {
  /** What stands above it. */
  readonly title: string;
  /** Columns of the terminal that it takes. */
  readonly width: number;
  /** The side to which its values go. @default {"right"} */
  readonly side?: "left" | "right";
  /**
   * Where there is not room for all columns, the one with the highest number is left out first; 0 =
   * never. @default {0}
   */
  readonly spare?: number;
}

/** A table. */
export interface Table {
  /** Its columns. */
  readonly columns: readonly Column[];
  /** A value for each column of each row. */
  readonly rows: readonly (readonly string[])[];
}

/** The gateways of the cluster, in the order of their nodes; none where there is no cluster. */
export function gatewaysTable({ report }: Look): Table {
  const gateways = report.stats.cluster?.gateways ?? [];
  // Of several processes all are of this one.
  const owns = gateways.filter(({ own }) => own).length;
  return {
    columns: [
      { title: "gateway", width: 18, side: "left" },
      { title: "node", width: 10 },
      { title: "state", width: 9 },
      { title: "clients", width: 8 },
      { title: "users", width: 8, spare: 2 },
      { title: "workers", width: 7, spare: 1 },
      { title: "delay", width: 7 },
      { title: "version", width: 9, spare: 3 },
    ],
    rows: gateways.map((one) => [
      one.own && owns === 1 ? "this one" : printable(one.inner || UNKNOWN),
      String(one.node),
      printable(one.state),
      formatCount(one.clients),
      formatCount(one.users),
      formatCount(one.workers),
      formatSeconds(one.loopDelay),
      printable(one.version),
    ]),
  };
}

/** The workers, in the order in which they came. */
export function workersTable({ report, rates }: Look): Table {
  const perSecond = new Map(
    rates?.workers.map((one) => [one.address, one.perSecond]),
  );
  return {
    columns: [
      { title: "worker", width: 18, side: "left" },
      { title: "name", width: 12, side: "left", spare: 2 },
      { title: "pid", width: 7, spare: 3 },
      { title: "in hand", width: 7 },
      { title: "credits", width: 7, spare: 4 },
      { title: "done/s", width: 7 },
      { title: "done", width: 8, spare: 1 },
      { title: "seen", width: 6 },
    ],
    rows: report.stats.workerLinks.map((worker) => [
      printable(worker.address),
      printable(worker.name ?? UNKNOWN),
      String(worker.pid ?? UNKNOWN),
      formatCount(worker.inHand),
      formatCount(worker.credits),
      formatRate(perSecond.get(worker.address) ?? null),
      formatCount(worker.done),
      formatAge(worker.seenSeconds),
    ]),
  };
}

/** The commands, those that came most often first. */
export function commandsTable({ report, rates }: Look): Table {
  const known = new Map(rates?.commands.map((one) => [one.cmd, one]));
  return {
    columns: [
      { title: "command", width: 18, side: "left" },
      { title: "req/s", width: 9 },
      { title: "mean now", width: 10 },
      { title: "mean", width: 9, spare: 1 },
      { title: "max", width: 9 },
      { title: "count", width: 10, spare: 2 },
    ],
    rows: report.stats.commands.map((command) => {
      const rate = known.get(command.cmd);
      return [
        String(command.cmd),
        formatRate(rate?.perSecond ?? null),
        formatSeconds(rate?.mean ?? null),
        command.count > 0
          ? formatSeconds(command.seconds / command.count)
          : UNKNOWN,
        formatSeconds(command.maxSeconds),
        formatCount(command.count),
      ];
    }),
  };
}

/** The groups with the most members, the largest first. */
export function groupsTable({ report }: Look): Table {
  return {
    columns: [
      { title: "largest groups", width: 40, side: "left" },
      { title: "members", width: 10 },
    ],
    rows: report.stats.largestGroups.map(({ name, members }) => [
      printable(name),
      formatCount(members),
    ]),
  };
}

/**
 * A table as lines, a head and so many rows.
 *
 * @param count How many rows to show; the last of them says how many more there are, if there are
 * any.
 * @param width Columns of the terminal there are.
 */
export function tableLines(
  { columns, rows }: Table,
  count: number,
  width: number,
): Line[] {
  const shown = columnsThatFit(columns, width);
  const text = (values: readonly string[]) =>
    shown.map((i) => {
      const column = columns[i]!;
      return pad(values[i] ?? "", column.width, column.side ?? "right");
    }).join(" ");
  const whole = rows.length > count ? count - 1 : rows.length;
  const lines: Line[] = [
    [cell(text(columns.map((column) => column.title)), "faint")],
    ...rows.slice(0, whole).map((row) => [cell(text(row))]),
  ];
  if (whole < rows.length) {
    lines.push([cell(`and ${rows.length - whole} more`, "faint")]);
  }
  return lines;
}

function columnsThatFit(columns: readonly Column[], width: number): number[] {
  const shown = columns.map((_, i) => i);
  const needed = () =>
    shown.reduce((sum, i) => sum + columns[i]!.width + 1, -1);
  while (needed() > width) {
    const spare = shown.toSorted((a, b) =>
      (columns[b]!.spare ?? 0) - (columns[a]!.spare ?? 0)
    )[0];
    if (spare === undefined || !columns[spare]!.spare) {
      break;
    }
    shown.splice(shown.indexOf(spare), 1);
  }
  return shown;
}
