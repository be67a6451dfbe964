// Rows: what the benchmarks have measured, in one form for the table and for the JSON.

import { milliseconds } from "../load/report.ts";
import { median, spread } from "./statistics.ts";

/** How evenly the connections of a load were served, in answers of a connection. */
export interface Fairness {
  /** Of the worst served one. */
  readonly worst: number;
  /** On average. */
  readonly mean: number;
  /** Of the best served one. */
  readonly best: number;
}

/** One row of the table. */
export interface Row {
  /** What was measured: all rows with the same are compared with each other. */
  readonly scenario: string;
  /** What was measured there. */
  readonly subject: string;
  /** The unit of the values. */
  readonly unit: string;
  /** One value a round. */
  readonly values: readonly number[];
  /** The value as a share of the yardstick of the same round. */
  readonly ratios?: readonly number[];
  /** What the ratios are to. */
  readonly yardstick?: string;
  /** p99 of the response times in milliseconds, one a round. */
  readonly p99?: readonly number[];
  /** How evenly the connections were served, in the worst round. */
  readonly fairness?: Fairness;
  /** What else there is to say. */
  readonly note?: string;
}

/** The round that was the least fair. */
export function leastFair(rounds: readonly Fairness[]): Fairness {
  const share = ({ worst, mean }: Fairness) => worst / Math.max(mean, 1e-9);
  return rounds.reduce((a, b) => share(b) < share(a) ? b : a);
}

const HEAD = [
  "scenario",
  "subject",
  "ratio",
  "to",
  "value",
  "unit",
  "±",
  "p99",
  "worst / mean / best",
  "note",
];
// Columns of numbers are lined up at the right.
const RIGHT = [2, 4, 6, 7, 8];

/** The rows as a table. */
export function formatTable(rows: readonly Row[]): string {
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, i) =>
    Math.max(...cells.map((line) => line[i]!.length))
  );
  return cells.map((line) =>
    line.map((cell, i) =>
      RIGHT.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)
    ).join("  ").trimEnd()
  ).join("\n");
}

function cellsOf(row: Row): string[] {
  const { fairness, p99 } = row;
  return [
    row.scenario,
    row.subject,
    row.ratios ? median(row.ratios).toFixed(2) : "",
    row.yardstick ?? "",
    figure(median(row.values)),
    row.unit,
    row.values.length > 1 ? `${(100 * spread(row.values)).toFixed(0)} %` : "",
    p99 ? milliseconds(median(p99)) : "",
    fairness
      ? `${fairness.worst} / ${fairness.mean.toFixed(0)} / ${fairness.best}`
      : "",
    row.note ?? "",
  ];
}

function figure(value: number): string {
  return value >= 1000
    ? Math.round(value).toLocaleString("en-US")
    : String(Number(value.toPrecision(3)));
}
