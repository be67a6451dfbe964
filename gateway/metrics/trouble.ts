// troubleOf: what goes wrong with a gateway, and what went wrong since its start.

import {
  COUNTER_NAMES,
  COUNTERS,
  type KindsPlan,
  type TotalPlan,
} from "./counter_table.ts";
import { partsOf } from "./counter_values.ts";
import type { GatewayStats } from "./stats.ts";

/** Something that goes wrong, or went wrong so many times. */
export interface Trouble {
  /** What it is, for people. */
  readonly what: string;
  /** How often it happened since the start, or how many it concerns now. */
  readonly count: number;
  /** Whether it is so now. */
  readonly now: boolean;
}

// Of the addresses that limits did something to.
const NAMED = 3;
const ALONE =
  "alone: the bus is away, no other gateway reaches the users here:";
const NO_WORKER = "no worker is attached; tasks that wait:";

/** Whether a gateway in this state has work for workers. */
export function isServing(state: GatewayStats["state"]): boolean {
  return state === "serving" || state === "leaving" || state === "draining";
}

/** What goes wrong now, then what was refused, dropped or lost since the start. */
export function troubleOf(stats: GatewayStats): Trouble[] {
  const happened = COUNTER_NAMES.flatMap((name) => {
    const plan: TotalPlan | KindsPlan = COUNTERS[name];
    return partsOf(stats, name).map(({ kind, count }) => ({
      what: "kinds" in plan ? plan.kinds[kind!] : plan.trouble,
      count,
      now: false,
    }));
  });
  const now = isServing(stats.state) && stats.workers === 0
    ? [{ what: NO_WORKER, count: stats.queued, now: true }]
    : [];
  const alone = stats.cluster?.state === "alone"
    ? [{ what: ALONE, count: stats.users, now: true }]
    : [];
  const most = stats.limitedAddresses.slice(0, NAMED).map((
    { address, count },
  ) => ({ what: `limits of clients: of ${address}`, count, now: false }));
  return [...now, ...alone, ...happened, ...most].filter((
    one,
  ): one is Trouble =>
    typeof one.what === "string" && (one.now || one.count > 0)
  );
}
