// What the program was told, on the command line and in a file.

import {
  type CommandLine,
  StatusAccess,
  UsageError,
} from "@maple/box/internal";
import {
  type ConfigFile,
  type FileContent,
  parseConfigFile,
  type Values,
} from "./config_file.ts";
import { checkClusterFiles } from "./cluster/cluster_options.ts";
import { withoutPasswords } from "./cluster/nats_servers.ts";
import { InnerAccess } from "./inner_access.ts";
import { DEFAULTS } from "./option_table.ts";
import type { GatewayOptions } from "./options.ts";
import { PROGRAM_DEFAULTS, type ProgramSettings } from "./program_settings.ts";
import { certificatesOf, deniedOf } from "./read_options.ts";
import { fail } from "./errors.ts";
import { resolveOptions } from "./resolve_options.ts";
import { SETTINGS } from "./setting_table.ts";

/** What the program can be told. */
export interface Settings extends ProgramSettings {
  /** The options of the gateway that were given. */
  readonly gateway: GatewayOptions;
  /** What its owner should know of how the file was understood, each in one line. */
  readonly remarks: readonly string[];
}

const NOTHING: FileContent = {
  values: new Map(),
  sources: new Map(),
  remarks: [],
};

/** What was told, by the names of the settings. */
export interface Told {
  /** The values. */
  readonly values: Values;
  /** Where each comes from: `--outer-port`, a variable, or a line of the config file. */
  readonly sources: ReadonlyMap<string, string>;
  /** What its owner should know of how it was understood, each in one line. */
  readonly remarks: readonly string[];
}

/**
 * What a command line, the environment and a file say: the first of them that says something
 * counts.
 *
 * @throws {UsageError} when the file cannot be understood or a value does not fit.
 */
export function readTold(
  commandLine: Pick<CommandLine, "flags" | "variables" | "remarks">,
  file?: ConfigFile,
): Told {
  const content = file ? parseConfigFile(file, SETTINGS) : NOTHING;
  const values = new Map(content.values);
  const sources = new Map(content.sources);
  for (const setting of SETTINGS) {
    const { name } = setting.flag;
    const value = commandLine.flags.get(name);
    if (value === undefined) continue;
    const source = commandLine.variables?.get(name) ?? `--${name}`;
    setting.check?.(source, String(value));
    values.set(setting.name, value);
    sources.set(setting.name, source);
  }
  const remarks = [...commandLine.remarks ?? [], ...content.remarks];
  return { values, sources, remarks };
}

/**
 * The settings from a command line, the environment and the file that they name.
 *
 * @throws {UsageError} when the file cannot be understood or a value does not fit.
 */
export function readSettings(
  commandLine: CommandLine,
  file?: ConfigFile,
): Settings {
  return settingsOf(readTold(commandLine, file));
}

/**
 * The settings of what was told.
 *
 * @throws {UsageError} when it does not fit together.
 */
export function settingsOf(told: Told): Settings {
  const isProgram = (name: string) => name in PROGRAM_DEFAULTS;
  const entries = [...told.values];
  const program = entries.filter(([name]) => isProgram(name));
  const gateway: GatewayOptions = Object.fromEntries(
    entries.filter(([name]) => !isProgram(name)),
  );
  // What each is allowed alone may not fit together.
  orUsageError(told, () => resolveOptions(gateway));
  return {
    ...PROGRAM_DEFAULTS,
    ...Object.fromEntries(program),
    gateway,
    remarks: told.remarks,
  };
}

/**
 * Makes sure that the files can be used that the settings name.
 *
 * @throws {UsageError} with one line, when one cannot.
 */
export function checkFiles(
  { gateway, metricsTokenFile }: Settings,
  told: Told,
): void {
  orUsageError(told, () => {
    const options = resolveOptions(gateway);
    certificatesOf(options);
    checkClusterFiles(options);
    deniedOf(options);
    new InnerAccess(options);
    new StatusAccess({ file: metricsTokenFile, fail });
  });
}

// With where the options come from that it is about, if that is not the command line.
function orUsageError({ sources }: Told, check: () => void): void {
  try {
    check();
  } catch (error) {
    const { message } = error as Error;
    const words = new Set(message.match(/\w+/g));
    const places = [...sources]
      .filter(([name, source]) => words.has(name) && !source.startsWith("-"))
      .map(([name, source]) => `${name}: ${source}`);
    throw new UsageError(
      places.length > 0 ? `${message} (${places.join("; ")})` : message,
    );
  }
}

/** What one setting was and is now, as text. */
export interface Change {
  /** Its name, as in JSON. */
  readonly name: string;
  /** Before. */
  readonly from: string;
  /** Now. */
  readonly to: string;
}

/** The settings that differ. */
export function changesOf(before: Settings, now: Settings): Change[] {
  const [from, to] = [before, now].map(({ gateway, remarks: _, ...program }) =>
    ({ ...DEFAULTS, ...gateway, ...program }) as Record<string, unknown>
  );
  return SETTINGS.map(({ name }) => name)
    .filter((name) => from![name] !== to![name])
    .map((name) => ({
      name,
      from: shownSetting(name, from![name]),
      to: shownSetting(name, to![name]),
    }));
}

/** A value as it may be shown. */
export function shownSetting(name: string, value: unknown): string {
  if (value === undefined || value === "") return "none";
  return name === "cluster" ? withoutPasswords(`${value}`) : `${value}`;
}
