// checkCount: what the processes of one gateway have each of, counted from a setting on, must fit.

import { parseInner, UsageError } from "@maple/box/internal";
import { DEFAULTS } from "../option_table.ts";
import type { GatewayOptions } from "../options.ts";
import { firstOwnPort } from "./shared_ports.ts";

const LAST_PORT = 65_535;
const LAST_NODE = 2 ** 31 - 1;

/**
 * Makes sure that there are as many numbers behind those that are set as there are processes.
 *
 * @throws {UsageError} with one line, when there are not.
 */
export function checkCount(options: GatewayOptions, count: number): void {
  const { nodeId, innerAdvertise = "" } = options;
  const check = (name: string, first: number | undefined, last: number) => {
    if (!first || first + count - 1 <= last) return;
    throw new UsageError(
      `Option ${name} must be at most ${
        last - count + 1
      } for ${count} processes, each of which has one, got ${first}`,
    );
  };
  const { innerPort, innerOwnPort, reusePort } = { ...DEFAULTS, ...options };
  const own = firstOwnPort({ innerPort, innerOwnPort, reusePort });
  check("innerOwnPort", own, LAST_PORT);
  check("nodeId", nodeId, LAST_NODE);
  const advertised = parseInner(innerAdvertise)?.port;
  check("innerAdvertise with its port", advertised, LAST_PORT);
}
