// settingsIn: what the gateway makes of the arguments that a file has for it.

import { parseCommandLine } from "@maple/box/internal";
import { FLAGS } from "../../gateway/setting_table.ts";
import { readSettings } from "../../gateway/settings.ts";
import { resolveOptions } from "../../gateway/resolve_options.ts";

/** How many seconds a gateway takes to leave at most, with these arguments. */
export function secondsToLeave(args: readonly string[]): number {
  const [program, ...flags] = args;
  if (program !== "gateway") throw new Error(`not a gateway: ${program}`);
  // Throws where a flag is none of its, or its value is none.
  const { gateway } = readSettings(parseCommandLine(flags, FLAGS), undefined);
  const { lameDuckNotice, lameDuck, moveTimeout, drainTimeout } =
    resolveOptions({ ...gateway, innerSecrets: [`worker:${"s".repeat(32)}`] });
  return lameDuckNotice + lameDuck + moveTimeout + drainTimeout;
}
