// The kinds of settings: a number within a range, a port that may be left out, a text.

import { type Flag, PORT } from "@maple/box/internal";
import type { Setting } from "./config_file.ts";
import { ADDRESS_RANGES, DEFAULTS, RANGES, RENAMED } from "./option_table.ts";
import { PROGRAM_DEFAULTS, type ProgramSettings } from "./program_settings.ts";

type Name = keyof typeof DEFAULTS | keyof ProgramSettings;

/**
 * A limit, unless `noLimit` is undefined: -1 stands for the largest number, and where it is seconds
 * for 0, which means never.
 */
export function number(
  name: keyof typeof RANGES,
  help: string,
  more: { ini?: string; value?: string; noLimit?: number | undefined } = {},
): Setting {
  const range = RANGES[name];
  const { ini, value = "N" } = more;
  const unlimited = "noLimit" in more
    ? more.noLimit
    : value === "S"
    ? 0
    : range.max;
  const before = Object.keys(RENAMED).find((key) => RENAMED[key] === name);
  const flag: Flag = {
    name: kebab(name),
    type: range.whole ? "integer" : "number",
    help: withDefault(name, help),
    min: range.min,
    max: range.max,
    value,
    ...(unlimited === undefined ? {} : { unlimited }),
    ...(before === undefined ? {} : { formerly: kebab(before) }),
  };
  return { name, flag, ...(ini ? { ini } : {}) };
}

/** A limit of single addresses, which is not the same for all unless it is set. */
export function addressNumber(
  name: keyof typeof ADDRESS_RANGES,
  help: string,
): Setting {
  const { min, max, whole } = ADDRESS_RANGES[name];
  const flag: Flag = {
    name: kebab(name),
    type: whole ? "integer" : "number",
    help,
    min,
    max,
    value: "N",
    unlimited: 0,
  };
  return { name, flag };
}

/** A port that is not listened at unless it is given. */
export function optionalPort(name: Name, help: string): Setting {
  const { min, max } = PORT;
  const flag: Flag = {
    name: kebab(name),
    type: "integer",
    help,
    min,
    max,
    value: "PORT",
  };
  return { name, flag };
}

/** What is so or not. */
export function yesNo(name: Name, help: string): Setting {
  const flag: Flag = {
    name: kebab(name),
    type: "boolean",
    help: withDefault(name, help),
  };
  return { name, flag };
}

/** A text, of any kind or one of a few words. */
export function text(
  name: Name,
  help: string,
  more: {
    ini?: string;
    choices?: readonly string[];
    value?: string;
    check?: Setting["check"];
  } = {},
): Setting {
  const { ini, check, ...rest } = more;
  const flag: Flag = {
    name: kebab(name),
    type: "string",
    help: withDefault(name, help),
    ...rest,
  };
  return { name, flag, ...(ini ? { ini } : {}), ...(check ? { check } : {}) };
}

/** What a setting does, and what it is when nobody sets it. */
export function withDefault(name: Name, help: string): string {
  const value = { ...DEFAULTS, ...PROGRAM_DEFAULTS }[name];
  if (value === undefined) return help;
  const shown = value === "" ? "none" : value === false ? "off" : value;
  return `${help} (${shown})`;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
