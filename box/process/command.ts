// Command: one of the programs, as all goes by it that tells of programs: their usage text, the man
// page, what a shell completes.

import { describeFlags, type Flag, unitOf } from "./command_line.ts";
import { variableOf } from "./environment.ts";
import { UNIT_EXAMPLES } from "./quantity.ts";

/** A program that others stand beside under one command: `maple trigger ban`. */
export interface SubCommand {
  /** The word that calls it. */
  readonly name: string;
  /** What it does, in one line. */
  readonly help: string;
  /** Its flags, without those that all have. */
  readonly flags: readonly Flag[];
}

/** A program, and the word of `maple` that calls it. */
export interface Command {
  /** The word that calls it: `gateway`. */
  readonly name: string;
  /** What it is for, in one line. */
  readonly summary: string;
  /** What follows its name: `[flags]`. */
  readonly takes: string;
  /** Its flags; where it has sub-commands, those that all of them have. */
  readonly flags: readonly Flag[];
  /** Its sub-commands, one of which is its first word. */
  readonly subCommands?: readonly SubCommand[];
  /** What is told below its flags; each line fits a terminal. */
  readonly notes: string;
}

/** What a command tells of itself. */
export function usageOf(command: Command, version: string): string {
  const { name, summary, takes, flags, subCommands, notes } = command;
  return `maple ${name} ${version}
${summary}

Usage: maple ${name} ${takes}

${subCommands ? describeWords(subCommands) : describeFlags(flags)}

${notes}
${environmentNotes(command)}
`;
}

/** How else the flags of a command are given, and what they take. */
export function environmentNotes(
  { name, flags, subCommands = [] }: Command,
): string {
  const all = [...flags, ...subCommands.flatMap(({ flags }) => flags)];
  const example = all.find(({ action }) => !action)!;
  const units = Object.entries(UNIT_EXAMPLES)
    .filter(([unit]) => all.some((flag) => unitOf(flag) === unit))
    .map(([unit, examples]) => `${unit} may be ${examples}`);
  return `Each flag may come from the environment, --${example.name} as ${
    variableOf(name, example)
  };\nthe command line beats it.${
    units.length > 0 ? ` ${capital(units.join(", "))}.` : ""
  }`;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

/** What a sub-command tells of itself. */
export function subUsageOf(command: Command, sub: SubCommand): string {
  return `${sub.help}

Usage: maple ${command.name} ${sub.name} [flags]

${describeFlags([...sub.flags, ...command.flags])}
`;
}

/** The lines of a usage text that tell words and what each is for. */
export function describeWords(
  words: readonly { readonly name: string; readonly help: string }[],
): string {
  const width = Math.max(...words.map(({ name }) => name.length)) + 2;
  return words.map(({ name, help }) => `  ${name.padEnd(width)}${help}`)
    .join("\n");
}
