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

const NOTHING: FileContent = { values: new Map(), remarks: [] };

/**
 * The settings from a command line and the file that it names.
 *
 * @throws {UsageError} when the file cannot be understood or a value does not fit.
 */
export function readSettings(
  commandLine: CommandLine,
  file?: ConfigFile,
): Settings {
  const { values, remarks } = file ? parseConfigFile(file, SETTINGS) : NOTHING;
  const given = new Map(values);
  for (const setting of SETTINGS) {
    const { name } = setting.flag;
    const value = commandLine.flags.get(name);
    if (value === undefined) continue;
    setting.check?.(`--${name}`, String(value));
    given.set(setting.name, value);
  }
  const isProgram = (name: string) => name in PROGRAM_DEFAULTS;
  const entries = [...given];
  const program = entries.filter(([name]) => isProgram(name));
  const gateway: GatewayOptions = Object.fromEntries(
    entries.filter(([name]) => !isProgram(name)),
  );
  checkTogether(gateway, file);
  return {
    ...PROGRAM_DEFAULTS,
    ...Object.fromEntries(program),
    gateway,
    remarks,
  };
}

/**
 * Makes sure that the files can be used that the settings name.
 *
 * @throws {UsageError} with one line, when one cannot.
 */
export function checkFiles({ gateway, metricsTokenFile }: Settings): void {
  try {
    const options = resolveOptions(gateway);
    certificatesOf(options);
    checkClusterFiles(options);
    deniedOf(options);
    new InnerAccess(options);
    new StatusAccess({ file: metricsTokenFile, fail });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

// What each is allowed alone may not fit together.
function checkTogether(options: GatewayOptions, file?: ConfigFile): void {
  try {
    resolveOptions(options);
  } catch (error) {
    const where = file ? ` (config file "${file.path}")` : "";
    throw new UsageError(`${(error as Error).message}${where}`);
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
      from: told(name, from![name]),
      to: told(name, to![name]),
    }));
}

function told(name: string, value: unknown): string {
  if (value === undefined || value === "") return "none";
  return name === "cluster" ? withoutPasswords(`${value}`) : `${value}`;
}
