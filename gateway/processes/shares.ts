// shareOf: what one of several processes has of the limits that are for the machine.

import { DEFAULTS } from "../option_table.ts";
import type { GatewayOptions } from "../options.ts";

/** Which of how many. */
export interface Part {
  /** From 1. */
  readonly index: number;
  /** How many there are. */
  readonly count: number;
}

/**
 * The limits that are divided: whoever sets one means the machine. The others bound a single
 * connection, a single address or a single worker, and hold in each process.
 */
export const DIVIDED = [
  "connsMax",
  "memoryBytes",
  "queueMax",
  "queueBytes",
  "newsMax",
  "fanOutBytes",
] as const;

/** The part of one process; those of all add up to the limit, unless it is below their number. */
export function shareOf(
  options: GatewayOptions,
  { index, count }: Part,
): GatewayOptions {
  const share = (limit: number) =>
    Math.max(1, Math.floor(limit / count) + (index <= limit % count ? 1 : 0));
  return Object.fromEntries(
    DIVIDED.map((name) => [name, share(options[name] ?? DEFAULTS[name])]),
  );
}
