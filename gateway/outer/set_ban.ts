// setBan(): begins or ends a ban of clients' addresses, as somebody has asked for it.

import type { BanOptions } from "@maple/box";
import {
  type Bans,
  BANS_MAX,
  checkNumber,
  IpRange,
  MAX_TIMER_SECONDS,
} from "@maple/box/internal";
import { fail } from "../errors.ts";

const SECONDS = { min: 0, max: MAX_TIMER_SECONDS, whole: false };

/**
 * Begins or ends a ban.
 *
 * @throws {GatewayError} when what was asked for does not fit, or there are too many.
 */
export function setBan(bans: Bans, { address, seconds }: BanOptions): void {
  const range = typeof address === "string"
    ? IpRange.parse(address)
    : undefined;
  if (!range) {
    throw fail(
      `A ban takes an address or a range such as 192.0.2.7 or 10.0.0.0/8, got ${
        JSON.stringify(address)
      }`,
    );
  }
  checkNumber("The seconds of a ban", seconds, SECONDS, fail);
  if (bans.set(range, seconds)) return;
  throw fail(`There are ${BANS_MAX} bans already; end some of them first`);
}
