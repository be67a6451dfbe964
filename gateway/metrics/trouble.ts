// troubleOf: what goes wrong with a gateway, and what went wrong since its start.

import {
  COUNTER_NAMES,
  COUNTERS,
  type KindsPlan,
  partsOf,
  type TotalPlan,
} from "./counters.ts";
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
  return happened.filter((one): one is Trouble =>
    typeof one.what === "string" && one.count > 0
  );
}
