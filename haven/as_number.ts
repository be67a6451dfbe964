// A 64-bit integer where a number is wanted.

import type { Int64 } from "@maple/box";
import { HavenError } from "./errors.ts";

/**
 * A 64-bit integer where a number is wanted.
 *
 * @throws {HavenError} `request` when it is beyond the safe integers.
 */
export function asNumber(name: string, value: Int64): number {
  if (typeof value === "number") return value;
  throw new HavenError(
    "request",
    `Cannot give ${name} ${value} as a number: it is beyond 2^53; use ${name}64`,
  );
}
