// The report of a crowd, for people: a line each, the name, then the number.

import type { CrowdResult } from "./run_crowd.ts";

/** What must be 0. */
export function zeros(
  { totals, stranded, errors }: CrowdResult,
): [name: string, count: number][] {
  return [
    ["rule violations", totals.violations.length],
    ["hands lost", totals.handsLost],
    ["moves lost", totals.lost],
    ["moves refused", totals.refused],
    ["moves made by a bot instead", totals.forPlayers],
    ["clients cut", totals.cut],
    ["players without a table", stranded],
    ["errors logged", errors.length],
  ];
}

/** Whether all that must be 0 is, and there was a game at all. */
export function isWell(result: CrowdResult): boolean {
  return result.totals.made > 0 && zeros(result).every(([, count]) => !count);
}

/** What was wrong, in lines; the first twenty. */
export function faultLines({ totals, errors }: CrowdResult): string[] {
  return [...totals.violations, ...errors].slice(0, 20);
}

/** The lines of the report. */
export function reportLines(result: CrowdResult): string[] {
  const { totals, seconds, processors, players } = result;
  const { waits } = totals;
  const rows: [string, string | number][] = [
    ["players", players],
    ["tables", Math.ceil(players / 3)],
    ["seconds", seconds.toFixed(1)],
    ["reloads (HUP)", result.reloads],
    ["workers killed (KILL)", result.kills],
    ["workers added or taken away", result.scalings],
    ["worker processes that answered", totals.pids.size],
    ["games finished", totals.finished.size],
    ["moves", totals.made],
    ["pages reloaded by players", totals.cameBack],
    ...zeros(result),
    ["move seen by the others, p50", ms(waits.percentile(0.5))],
    ["move seen by the others, p99", ms(waits.percentile(0.99))],
    ["move seen by the others, p99.9", ms(waits.percentile(0.999))],
    ["move seen by the others, longest", ms(waits.longest)],
    ["the crowd itself was late, longest", ms(result.lateMs)],
    ...[...processors].map(([name, share]): [string, string] => [
      `CPU of ${name}`,
      `${(100 * share).toFixed(0)} %`,
    ]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(36)}${value}`);
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
