// readFlags(): the flags of a program, from its command line and the environment.

import {
  type CommandLine,
  type Flag,
  parseCommandLine,
  UsageError,
} from "./command_line.ts";
import {
  type EnvironmentOptions,
  readEnvironment,
  variableOf,
} from "./environment.ts";
import { printLine, stderrSink } from "../log/standard_streams.ts";

/** What a program tells of itself, and where else its flags are. */
export interface ReadFlagsOptions {
  /** What `--help` prints. */
  readonly usage: string;
  /** What `--version` prints, where there is one. */
  readonly version?: string;
  /** Whose flags are variables of the environment too. @default none are */
  readonly environment?: EnvironmentOptions;
}

/**
 * Reads the flags of a program that takes nothing else, and answers `--help` and, where there is
 * one, `--version` itself.
 *
 * @returns undefined when it has answered.
 * @throws {UsageError} as {@linkcode parseCommandLine}, on a word that is no flag, and when what
 * the environment gives does not fit.
 */
export function readFlags(
  args: readonly string[],
  table: readonly Flag[],
  { usage, version, environment }: ReadFlagsOptions,
): CommandLine | undefined {
  const commandLine = parseCommandLine(args, table);
  const { flags, words } = commandLine;
  if (flags.get("help") === true) {
    printLine(usage);
    return undefined;
  }
  if (version !== undefined && flags.get("version") === true) {
    printLine(version);
    return undefined;
  }
  if (words.length > 0) {
    throw new UsageError(`Unexpected argument "${words[0]}"; see --help`);
  }
  if (!environment) return commandLine;
  return withEnvironment(commandLine, table, environment);
}

/**
 * A command line with what the environment says of its other flags.
 *
 * @throws {UsageError} when a value does not fit.
 */
export function withEnvironment(
  commandLine: CommandLine,
  table: readonly Flag[],
  options: EnvironmentOptions,
): CommandLine {
  const { command, others = [] } = options;
  const given = commandLine.flags;
  const { flags, remarks } = readEnvironment(
    table.filter(({ name }) => !given.has(name)),
    { ...options, others: [...others, ...table] },
  );
  const variables = table.filter(({ name }) => flags.has(name))
    .map((flag) => [flag.name, variableOf(command, flag)!] as const);
  return {
    ...commandLine,
    flags: new Map([...flags, ...given]),
    variables: new Map(variables),
    remarks,
  };
}

/** Tells what was remarked, where there is no log for it. */
export function tellRemarks(
  command: string,
  { remarks = [] }: CommandLine,
): void {
  for (const remark of remarks) {
    stderrSink.push(`maple ${command}: ${remark}`);
  }
}
