// sumStats: what several processes of one gateway tell of themselves, as one.

import { type HistogramData, identityKey } from "@maple/box/internal";
import { COUNTER_NAMES } from "./counter_table.ts";
import { type CommandStats, TOLD_COMMANDS } from "./measures.ts";
import type { ClusterStats, GatewayStats, WorkerStats } from "./stats.ts";

const LARGEST_GROUPS = 10;
const LIMITED_ADDRESSES = 10;

// What is not added up: all tell the same, or the highest is what matters.
const HIGHEST: ReadonlySet<string> = new Set<keyof GatewayStats>([
  "backlogOverflows",
  "denied",
  "bans",
  "oldestSeconds",
  "loopDelay",
  "uptime",
  "generation",
  "generationSeconds",
  "handoverPause",
]);

/** What only grows, which is kept of a process that has ended. */
export type Totals = Partial<GatewayStats>;

/** What of this only grows. */
export function totalsOf(stats: GatewayStats): Totals {
  const { queueTime, workTime, commands } = stats;
  const counters = COUNTER_NAMES.map((name) => [name, stats[name]]);
  return { ...Object.fromEntries(counters), queueTime, workTime, commands };
}

/**
 * Adds up what processes tell. What is no sum is that of the first.
 *
 * @param first What the others are added to.
 */
export function sumStats(
  first: GatewayStats,
  others: readonly Totals[],
): GatewayStats {
  const all: readonly Totals[] = [first, ...others];
  const sum: Record<string, unknown> = { ...first };
  for (const [name, value] of Object.entries(first)) {
    const values = all.map((one) => one[name as keyof GatewayStats])
      .filter((one) => one !== undefined);
    if (name === "pid" || name === "state") continue;
    if (typeof value === "number") {
      sum[name] = HIGHEST.has(name)
        ? Math.max(...values as number[])
        : total(values as number[]);
    } else if (isNumbers(value)) {
      sum[name] = sumByKey(values as Record<string, number>[]);
    }
  }
  const workerLinks = joinWorkers(all.flatMap((one) => one.workerLinks ?? []));
  return {
    ...sum as unknown as GatewayStats,
    queueTime: sumHistograms(all.flatMap((one) => one.queueTime ?? [])),
    workTime: sumHistograms(all.flatMap((one) => one.workTime ?? [])),
    commands: sumCommands(all.flatMap((one) => one.commands ?? [])),
    cluster: joinClusters(all.flatMap((one) => one.cluster ?? [])),
    workerLinks,
    workers: workerLinks.length,
    largestGroups: most(
      joinBy(
        all.flatMap((one) => one.largestGroups ?? []),
        ({ name }) => name,
        (a, b) => ({
          name: a.name,
          members: a.members + b.members,
        }),
      ),
      ({ members }) => members,
      LARGEST_GROUPS,
    ),
    limitedAddresses: most(
      joinBy(
        all.flatMap((one) => one.limitedAddresses ?? []),
        ({ address }) => address,
        (a, b) => ({
          address: a.address,
          count: a.count + b.count,
        }),
      ),
      ({ count }) => count,
      LIMITED_ADDRESSES,
    ),
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

function isNumbers(value: unknown): value is Record<string, number> {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === "number");
}

function sumByKey(
  all: readonly Record<string, number>[],
): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const one of all) {
    for (const [key, count] of Object.entries(one)) {
      sum[key] = (sum[key] ?? 0) + count;
    }
  }
  return sum;
}

function sumHistograms(all: readonly HistogramData[]): HistogramData {
  const [{ bounds, counts }] = all as [HistogramData];
  return {
    bounds,
    counts: counts.map((_, i) => total(all.map((one) => one.counts[i] ?? 0))),
    count: total(all.map(({ count }) => count)),
    sum: total(all.map(({ sum }) => sum)),
  };
}

function sumCommands(all: readonly CommandStats[]): CommandStats[] {
  const joined = joinBy(all, ({ cmd }) => `${cmd}`, addCommands);
  const named = joined.filter(({ cmd }) => cmd !== "other")
    .toSorted((a, b) => b.count - a.count);
  const rest = [
    ...joined.filter(({ cmd }) => cmd === "other"),
    ...named.slice(TOLD_COMMANDS),
  ];
  return [
    ...named.slice(0, TOLD_COMMANDS),
    ...rest.length === 0
      ? []
      : [{ ...rest.reduce(addCommands), cmd: "other" as const }],
  ];
}

function addCommands(a: CommandStats, b: CommandStats): CommandStats {
  return {
    cmd: a.cmd,
    count: a.count + b.count,
    seconds: a.seconds + b.seconds,
    maxSeconds: Math.max(a.maxSeconds, b.maxSeconds),
  };
}

// Each sees all of them, and knows most of itself.
function joinClusters(all: readonly ClusterStats[]): ClusterStats | null {
  const [first] = all;
  if (!first) return null;
  const isAlone = all.some(({ state }) => state === "alone");
  const gateways = joinBy(
    all.flatMap(({ gateways }) => gateways),
    ({ node }) => `${node}`,
    (a, b) => b.own ? b : a,
  );
  return {
    ...first,
    state: isAlone ? "alone" : first.state,
    gateways: gateways.toSorted((a, b) => a.node - b.node),
  };
}

// A worker of ours is attached to each process: one worker, several connections.
function joinWorkers(all: readonly WorkerStats[]): WorkerStats[] {
  return joinBy(all, (one) => identityKey(one) ?? one.address, (a, b) => ({
    ...a,
    credits: a.credits + b.credits,
    inHand: a.inHand + b.inHand,
    done: a.done + b.done,
    connectedSeconds: Math.max(a.connectedSeconds, b.connectedSeconds),
    seenSeconds: Math.min(a.seenSeconds, b.seenSeconds),
  }));
}

function joinBy<T>(
  all: readonly T[],
  keyOf: (one: T) => string,
  join: (a: T, b: T) => T,
): T[] {
  const joined = new Map<string, T>();
  for (const one of all) {
    const key = keyOf(one);
    const known = joined.get(key);
    joined.set(key, known === undefined ? one : join(known, one));
  }
  return [...joined.values()];
}

function most<T>(
  all: readonly T[],
  countOf: (one: T) => number,
  max: number,
): T[] {
  return all.toSorted((a, b) => countOf(b) - countOf(a)).slice(0, max);
}
