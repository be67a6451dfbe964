// What the command lines of all roles share: a table of flags, their values, the usage text, and
// errors in one line.

import { parseArgs } from "@std/cli/parse-args";
import { messageOf } from "../log/describe_error.ts";
import { writeOutLogs } from "../log/log_sink.ts";
import { nearest } from "./nearest.ts";
import { readQuantity, type Unit, UNIT_EXAMPLES } from "./quantity.ts";
import { stderrSink } from "../log/standard_streams.ts";

/** One flag of a command line. */
export interface Flag {
  /** Without the dashes: `outer-port`. */
  readonly name: string;
  /** One letter that is the same flag: `c` for `-c`. */
  readonly short?: string;
  /** What it takes; a boolean takes nothing. */
  readonly type: "boolean" | "integer" | "number" | "string";
  /** What it is for, in a few words, with the default. */
  readonly help: string;
  /**
   * What stands for the value in the usage text. A number that is `BYTES` or `S`, seconds, may have
   * a unit: 64KiB, 90s.
   */
  readonly value?: string;
  /** Least value of a number. */
  readonly min?: number;
  /** Largest value of a number. */
  readonly max?: number;
  /** What -1 stands for: no limit. Without it -1 is a number like any other. */
  readonly unlimited?: number;
  /** The only values of a string; capitals and small letters are the same. */
  readonly choices?: readonly string[];
  /** It asks for something once, and is no setting: no variable of the environment gives it. */
  readonly action?: boolean;
  /** Its name of before, which is refused by a line that tells the name of now. */
  readonly formerly?: string;
}

/** The flag that tells the others. */
export const HELP_FLAG: Flag = {
  name: "help",
  short: "h",
  type: "boolean",
  help: "print this and exit",
  action: true,
};

/** The flags that every program has which is installed. */
export const ABOUT_FLAGS: readonly Flag[] = [
  HELP_FLAG,
  {
    name: "version",
    type: "boolean",
    help: "print the version and exit",
    action: true,
  },
];

/** The value of a flag that was given. */
export type FlagValue = boolean | number | string;

/** A parsed command line. */
export interface CommandLine {
  /** The flags that were given, by name. */
  readonly flags: ReadonlyMap<string, FlagValue>;
  /** The words that are no flags. */
  readonly words: readonly string[];
  /** Those of the flags that the environment has given, and the variable of each. */
  readonly variables?: ReadonlyMap<string, string>;
  /** What its owner should know of how it was understood, each in one line. */
  readonly remarks?: readonly string[];
}

/** A mistake in how a command was called: printed in one line, exit code 2. */
export class UsageError extends Error {
  /**
   * Makes an error.
   *
   * @param message What was wrong and what was expected.
   */
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/**
 * Parses a command line against a table.
 *
 * @throws {UsageError} on an unknown flag, a missing value or one that does not fit.
 */
export function parseCommandLine(
  args: readonly string[],
  table: readonly Flag[],
): CommandLine {
  const byName = new Map(table.map((flag) => [flag.name, flag]));
  const joined = joinValues(lengthen(args, table), byName);
  const parsed = parseArgs(joined, {
    boolean: table.filter((flag) => flag.type === "boolean").map((f) => f.name),
    string: [
      "_",
      ...table.filter((f) => f.type !== "boolean").map((f) => f.name),
    ],
    unknown: (arg, key) => {
      if (key === undefined) return true;
      const written = arg.split("=")[0]!;
      const now = table.find(({ formerly }) => `--${formerly}` === written);
      throw new UsageError(
        now
          ? `Flag ${written} is called --${now.name} now`
          : `Unknown flag ${written}; ${meant(written, table)}see --help`,
      );
    },
  });
  const end = joined.indexOf("--");
  const given = new Set(
    joined.slice(0, end < 0 ? undefined : end)
      .map((arg) => /^--([^=]+)/.exec(arg)?.[1]),
  );
  const flags = new Map<string, FlagValue>();
  for (const flag of table) {
    if (!given.has(flag.name)) continue;
    const value = (parsed as Record<string, unknown>)[flag.name];
    flags.set(
      flag.name,
      typeof value === "boolean"
        ? value
        : flagValue(flag, `--${flag.name}`, String(value)),
    );
  }
  return { flags, words: parsed._.map(String) };
}

function meant(written: string, table: readonly Flag[]): string {
  const flag = nearest(written, table.map(({ name }) => `--${name}`));
  return flag === undefined ? "" : `is ${flag} meant? Else `;
}

// Short names become long ones, up to `--`.
function lengthen(
  args: readonly string[],
  table: readonly Flag[],
): readonly string[] {
  const long = new Map(
    table.filter((flag) => flag.short !== undefined)
      .map((flag) => [`-${flag.short}`, `--${flag.name}`]),
  );
  const end = args.indexOf("--");
  return args.map((arg, i) => end >= 0 && i > end ? arg : long.get(arg) ?? arg);
}

// `--uids -1` means the value -1, and a value that is missing must not swallow the next flag.
function joinValues(
  args: readonly string[],
  byName: ReadonlyMap<string, Flag>,
): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") return [...joined, ...args.slice(i)];
    const [, name, assigned] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
    const assignedTo = byName.get(name ?? "");
    if (assignedTo?.type === "boolean") {
      flagValue(assignedTo, `--${name}`, assigned!);
    }
    const flag = arg.startsWith("--") ? byName.get(arg.slice(2)) : undefined;
    if (!flag || flag.type === "boolean") {
      joined.push(arg);
      continue;
    }
    const value = args[++i];
    const next = /^--([^=]+)/.exec(value ?? "")?.[1];
    if (value === undefined || (next !== undefined && byName.has(next))) {
      throw new UsageError(`Flag ${arg} needs a value: ${flag.help}`);
    }
    joined.push(`${arg}=${value}`);
  }
  return joined;
}

/**
 * Reads the value of a flag.
 *
 * @param source What stands in the message: `--outer-port`, or a name in a file.
 * @throws {UsageError} when it does not fit.
 */
export function flagValue(
  flag: Flag,
  source: string,
  text: string,
): FlagValue {
  if (flag.type === "string") {
    if (!flag.choices) return text;
    const choice = flag.choices.find((choice) =>
      choice.toLowerCase() === text.toLowerCase()
    );
    if (choice !== undefined) return choice;
    throw new UsageError(
      `${source} takes ${flag.choices.join(" or ")}, got "${text}"`,
    );
  }
  if (flag.type === "boolean") {
    if (text === "true" || text === "false") return text === "true";
    throw new UsageError(`${source} takes true or false, got "${text}"`);
  }
  const unit = unitOf(flag);
  const number = unit
    ? readQuantity(text, unit)
    : text.trim() === ""
    ? NaN
    : Number(text);
  const { min = -Infinity, max = Infinity, unlimited } = flag;
  if (number === -1 && unlimited !== undefined) return unlimited;
  const whole = flag.type === "integer";
  if (
    !Number.isFinite(number) || (whole && !Number.isSafeInteger(number)) ||
    number < min || number > max
  ) {
    const range = max < Infinity
      ? ` from ${min} to ${max}`
      : min > -Infinity
      ? ` of ${min} or more`
      : "";
    const examples = unit ? `, such as ${UNIT_EXAMPLES[unit]}` : "";
    throw new UsageError(
      `${source} takes a${
        whole ? " whole" : ""
      } number${range}${examples}, got "${text}"`,
    );
  }
  return number;
}

/** What a flag counts, where its value may have a unit. */
export function unitOf({ type, value }: Flag): Unit | undefined {
  if (type !== "integer" && type !== "number") return undefined;
  return value === "BYTES" ? "bytes" : value === "S" ? "seconds" : undefined;
}

/** The lines of the usage text that tell the flags. */
export function describeFlags(table: readonly Flag[]): string {
  const anyShort = table.some((flag) => flag.short !== undefined);
  const left = table.map(({ name, short, type, value = "N" }) =>
    (short !== undefined ? `  -${short}, ` : anyShort ? "      " : "  ") +
    `--${name}${type === "boolean" ? "" : ` ${value}`}`
  );
  const width = Math.max(...left.map((text) => text.length)) + 2;
  return table.map((flag, i) => left[i]!.padEnd(width) + flag.help).join("\n");
}

// A message may quote what a file holds. The beginning says what is wrong, the end what to do.
const MESSAGE_MAX = 2000;
const MESSAGE_END = 400;

// An error as a command prints it: one line, not too long, that steers no terminal.
function errorLine(message: string): string {
  const line = message.replaceAll(/\s*\n\s*/g, " ").replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    "?",
  );
  if (line.length <= MESSAGE_MAX) return line;
  return `${line.slice(0, MESSAGE_MAX - MESSAGE_END)} ... ${
    line.slice(-MESSAGE_END)
  }`;
}

/**
 * Runs the body of a command and answers its exit code: what it returns, 2 after a {@linkcode
 * UsageError}, 1 after another error; errors are printed in one line.
 */
export async function runCommand(
  name: string,
  body: () => Promise<number>,
): Promise<number> {
  try {
    return await body();
  } catch (error) {
    stderrSink.push(`${name}: ${errorLine(messageOf(error))}`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    await writeOutLogs();
  }
}
