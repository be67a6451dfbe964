// The config file: JSON with the flags' names in camelCase, or the ini file of the original system.

import { type Flag, flagValue, nearest, UsageError } from "@maple/box/internal";
import { jsonMistake, linesOfNames } from "./json_lines.ts";
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
  /** Where each of them stands: `line 3 of the config file "gw.json"`. */
  readonly sources: ReadonlyMap<string, string>;
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
  const where: Where = (line) =>
    `${line === undefined ? "" : `line ${line} of `}the config file "${path}"`;
  // What some editors put before the first character.
  const plain = text.replace(/^\uFEFF/, "");
  return plain.trimStart().startsWith("{")
    ? fromJson(plain, where, settings)
    : fromIni(plain, where, settings);
}

/** The file in a message, or a line of it. */
type Where = (line?: number) => string;

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
  where: Where,
  settings: readonly Setting[],
): FileContent {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const { line, what } = jsonMistake(text, error as Error);
    throw new UsageError(`${capital(where(line))} is no JSON: ${what}`);
  }
  const lines = linesOfNames(text);
  const values: Values = new Map();
  const sources = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    const [line, again] = lines.get(name)!;
    const place = where(line);
    const setting = settings.find((setting) => setting.name === name);
    if (RENAMED[name] !== undefined) {
      throw new UsageError(
        `"${name}" in ${place} is called "${RENAMED[name]}" now`,
      );
    }
    if (!setting) throw unknownName(name, place, settings);
    if (again !== undefined) {
      throw new UsageError(
        `"${name}" in ${where(again)} stands in line ${line} as well`,
      );
    }
    if (typeof value === "object") {
      throw new UsageError(
        `"${name}" in ${place} takes one value, got ${JSON.stringify(value)}`,
      );
    }
    values.set(
      name,
      valueOf(setting, `"${name}" in ${place}`, String(value)),
    );
    sources.set(name, place);
  }
  return { values, sources, remarks: [] };
}

function unknownName(
  name: string,
  place: string,
  settings: readonly Setting[],
): UsageError {
  const names = settings.map((setting) => setting.name);
  const meant = nearest(name, names);
  return new UsageError(
    `${capital(place)} has the unknown name "${name}"; ${
      meant === undefined
        ? `known are ${names.join(", ")}`
        : `is "${meant}" meant?`
    }`,
  );
}

const MIB = 1024 * 1024;
// The original counted the size of a log file in MiB: its files say 1024, and nobody wants a new
// log file every ten lines. Whoever means bytes says more than this.
const LEAST_FILE_BYTES = 65_536;

// What the original's file can say and this program has no use for is told, not refused.
function fromIni(
  text: string,
  where: Where,
  settings: readonly Setting[],
): FileContent {
  const values: Values = new Map();
  const sources = new Map<string, string>();
  const ignored: string[] = [];
  const remarks: string[] = [];
  const keys = iniKeys(text, where);
  for (const [key, { value, line }] of keys) {
    const setting = settings.find((setting) => setting.ini === key);
    if (setting) {
      values.set(
        setting.name,
        valueOf(setting, `${key} in ${where(line)}`, value),
      );
      sources.set(setting.name, where(line));
    } else if (key !== "log.log_dir" && key !== "log.file_prefix") {
      ignored.push(`${key} (line ${line})`);
    }
  }
  const size = keys.get("log.file_max_size");
  // With a unit it says what it means.
  if (
    /^\d+$/.test(size?.value ?? "") && Number(size!.value) < LEAST_FILE_BYTES
  ) {
    const { value, line } = size!;
    values.set("logFileMaxBytes", Number(value) * MIB);
    remarks.push(
      `log.file_max_size = ${value} in ${
        where(line)
      } is taken as ${value} MiB, since it is below ${LEAST_FILE_BYTES}`,
    );
  }
  if (ignored.length > 0) {
    remarks.push(
      `${where()} sets what has no meaning here: ${ignored.join(", ")}`,
    );
  }
  const directory = keys.get("log.log_dir");
  const prefix = keys.get("log.file_prefix");
  if (directory ?? prefix) {
    values.set(
      "logFile",
      `${(directory?.value ?? ".").replace(/\/$/, "")}/${
        prefix?.value ?? "gateway"
      }.log`,
    );
    sources.set("logFile", where((directory ?? prefix)!.line));
  }
  return { values, sources, remarks };
}

/** What stands behind a key, and where. */
interface IniValue {
  readonly value: string;
  readonly line: number;
}

function iniKeys(text: string, where: Where): Map<string, IniValue> {
  const keys = new Map<string, IniValue>();
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
        `${
          capital(where(i + 1))
        } is neither [section] nor key = value, and the file is no JSON, which begins with {`,
      );
    }
    keys.set(`${section}.${pair[1]}`, { value: pair[2]!, line: i + 1 });
  }
  return keys;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
