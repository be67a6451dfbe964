// The config file: JSON with the flags' names in camelCase, or the ini file of the original system.

import { type Flag, flagValue, UsageError } from "@maple/box/internal";
import { RENAMED } from "./option_table.ts";

/** A setting as a file can say it. */
export interface Setting {
  /** The name in JSON, and on the command line in kebab-case. */
  readonly name: string;
  /** The name in the ini file of the original, `section.key`. */
  readonly ini?: string;
  /** What its value must be. */
  readonly flag: Flag;
  /**
   * Checks what its flag cannot say.
   *
   * @throws {UsageError} beginning with the source, when the value does not fit.
   */
  readonly check?: (source: string, value: string) => void;
}

/** A file that was read. */
export interface ConfigFile {
  /** As it was named on the command line. */
  readonly path: string;
  /** What is in it. */
  readonly text: string;
}

/** Values by the names of the settings. */
export type Values = Map<string, string | number | boolean>;

/** What a file says. */
export interface FileContent {
  /** The values that it sets. */
  readonly values: Values;
  /** What its owner should know of how it was understood, each in one line. */
  readonly remarks: readonly string[];
}

/**
 * Reads a file.
 *
 * @throws {UsageError} when it cannot be read.
 */
export function loadConfigFile(path: string): ConfigFile {
  try {
    return { path, text: Deno.readTextFileSync(path) };
  } catch (error) {
    throw new UsageError(
      `Cannot read the config file "${path}": ${(error as Error).message}`,
    );
  }
}

/**
 * Understands a file.
 *
 * @throws {UsageError} naming the file, when it cannot be understood or a value does not fit.
 */
export function parseConfigFile(
  { path, text }: ConfigFile,
  settings: readonly Setting[],
): FileContent {
  const where = `the config file "${path}"`;
  // What some editors put before the first character.
  const plain = text.replace(/^\uFEFF/, "");
  return plain.trimStart().startsWith("{")
    ? { values: fromJson(plain, where, settings), remarks: [] }
    : fromIni(plain, where, settings);
}

function valueOf(
  { flag, check }: Setting,
  source: string,
  text: string,
): string | number | boolean {
  const value = flagValue(flag, source, text);
  check?.(source, text);
  return value;
}

function fromJson(
  text: string,
  where: string,
  settings: readonly Setting[],
): Values {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `${capital(where)} is no JSON: ${(error as Error).message}`,
    );
  }
  const values: Values = new Map();
  for (const [name, value] of Object.entries(parsed)) {
    const setting = settings.find((setting) => setting.name === name);
    if (RENAMED[name] !== undefined) {
      throw new UsageError(
        `"${name}" in ${where} is called "${RENAMED[name]}" now`,
      );
    }
    if (!setting) {
      const known = settings.map((setting) => setting.name).join(", ");
      throw new UsageError(
        `${capital(where)} has the unknown name "${name}"; known are ${known}`,
      );
    }
    if (typeof value === "object") {
      throw new UsageError(
        `"${name}" in ${where} takes one value, got ${JSON.stringify(value)}`,
      );
    }
    values.set(
      name,
      valueOf(setting, `"${name}" in ${where}`, String(value)),
    );
  }
  return values;
}

const MIB = 1024 * 1024;
// The original counted the size of a log file in MiB: its files say 1024, and nobody wants a new
// log file every ten lines. Whoever means bytes says more than this.
const LEAST_FILE_BYTES = 65_536;

// What the original's file can say and this program has no use for is told, not refused.
function fromIni(
  text: string,
  where: string,
  settings: readonly Setting[],
): FileContent {
  const values: Values = new Map();
  const ignored: string[] = [];
  const remarks: string[] = [];
  const keys = iniKeys(text, where);
  for (const [key, value] of keys) {
    const setting = settings.find((setting) => setting.ini === key);
    if (setting) {
      values.set(
        setting.name,
        valueOf(setting, `${key} in ${where}`, value),
      );
    } else if (key !== "log.log_dir" && key !== "log.file_prefix") {
      ignored.push(key);
    }
  }
  const size = values.get("logFileMaxBytes");
  if (typeof size === "number" && size < LEAST_FILE_BYTES) {
    values.set("logFileMaxBytes", size * MIB);
    remarks.push(
      `log.file_max_size = ${size} in ${where} is taken as ${size} MiB, since it is below ${LEAST_FILE_BYTES}`,
    );
  }
  if (ignored.length > 0) {
    remarks.push(
      `${where} sets what has no meaning here: ${ignored.join(", ")}`,
    );
  }
  const directory = keys.get("log.log_dir");
  const prefix = keys.get("log.file_prefix");
  if (directory !== undefined || prefix !== undefined) {
    values.set(
      "logFile",
      `${(directory ?? ".").replace(/\/$/, "")}/${prefix ?? "gateway"}.log`,
    );
  }
  return { values, remarks };
}

function iniKeys(text: string, where: string): Map<string, string> {
  const keys = new Map<string, string>();
  let section = "";
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/\s[;#].*$/, "").trim();
    if (line === "" || line.startsWith(";") || line.startsWith("#")) continue;
    const header = /^\[([^\]]+)\]$/.exec(line);
    if (header) {
      section = header[1]!.trim();
      continue;
    }
    const pair = /^([^=]+?)\s*=\s*(.*)$/.exec(line);
    if (!pair) {
      throw new UsageError(
        `${capital(where)} is neither JSON nor ini: line ${
          i + 1
        } is neither [section] nor key = value`,
      );
    }
    keys.set(`${section}.${pair[1]}`, pair[2]!);
  }
  return keys;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
