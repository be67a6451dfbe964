// tellSettings(): what --check-config prints.

import { InnerAccess } from "./inner_access.ts";
import { DEFAULTS } from "./option_table.ts";
import { PROGRAM_DEFAULTS } from "./program_settings.ts";
import { resolveOptions } from "./resolve_options.ts";
import { SETTINGS } from "./setting_table.ts";
import { type Settings, shownSetting, type Told } from "./settings.ts";

/** The settings that are not what they are by default, and where each comes from, one a line. */
export function tellSettings(
  { gateway, remarks, ...program }: Settings,
  { sources }: Told,
): string[] {
  const options = resolveOptions(gateway);
  const inForce: Record<string, unknown> = { ...options, ...program };
  const defaults: Record<string, unknown> = {
    ...DEFAULTS,
    ...PROGRAM_DEFAULTS,
  };
  const set = SETTINGS.map(({ name }) => name)
    .filter((name) => inForce[name] !== defaults[name])
    .map((name) =>
      `${name} = ${shownSetting(name, inForce[name])} (${
        sources.get(name) ?? "it follows from the others"
      })`
    );
  return [
    ...set,
    `who may come to the inner port: ${
      new InnerAccess(options).describe() || `all of ${options.innerHost}`
    }`,
    ...remarks.map((remark) => `remark: ${remark}`),
    `all can be used; ${set.length} differ from their defaults`,
  ];
}
