// Counters as numbers: new, copied, one by one, added up.

import {
  COUNTER_NAMES,
  COUNTERS,
  type KindsPlan,
  type TotalPlan,
} from "./counter_table.ts";
import type { CounterName, GatewayCounters } from "./counters.ts";

/** One number of a gateway's counters. */
export interface CountedPart {
  /** The counter. */
  readonly name: CounterName;
  /** Which kind, where it is counted by kinds. */
  readonly kind: string | undefined;
  /** How much it is. */
  readonly count: number;
}

/** The numbers of a counter: one, or one for each kind. */
export function partsOf(
  counters: GatewayCounters,
  name: CounterName,
): CountedPart[] {
  const value = counters[name];
  return typeof value === "number"
    ? [{ name, kind: undefined, count: value }]
    : Object.entries(value).map(([kind, count]) => ({ name, kind, count }));
}

/** A counter as one number. */
export function totalOf(counters: GatewayCounters, name: CounterName): number {
  return partsOf(counters, name).reduce((sum, { count }) => sum + count, 0);
}

/** Counters that have counted nothing yet. */
export function newCounters(): GatewayCounters {
  const zeros = COUNTER_NAMES.map((name) => {
    const plan: TotalPlan | KindsPlan = COUNTERS[name];
    if (!("kinds" in plan)) return [name, 0];
    return [
      name,
      Object.fromEntries(Object.keys(plan.kinds).map((kind) => [kind, 0])),
    ];
  });
  return Object.fromEntries(zeros) as GatewayCounters;
}

/** Takes what another process has counted; counters that it did not know stay as they are. */
export function takeCounters(
  counters: GatewayCounters,
  given: Partial<GatewayCounters>,
): void {
  for (const name of COUNTER_NAMES) {
    const [own, value] = [counters[name], given[name]];
    if (typeof own === "object") Object.assign(own, value);
    else if (typeof value === "number") {
      Object.assign(counters, { [name]: value });
    }
  }
}

/** Counters as they are now; they do not go on counting. */
export function copyCounters(counters: GatewayCounters): GatewayCounters {
  const copies = COUNTER_NAMES.map((name) => {
    const value = counters[name];
    return [name, typeof value === "number" ? value : { ...value }];
  });
  return Object.fromEntries(copies) as GatewayCounters;
}
