// What a shell completes behind each word of maple: the same for all shells.

import type { Command } from "./command.ts";
import { ABOUT_FLAGS, type Flag } from "./command_line.ts";

/** The shells that are known. */
export const SHELLS: readonly string[] = ["bash", "zsh"];

/** A word that stands somewhere, and what it is for. */
export interface Word {
  /** The word. */
  readonly name: string;
  /** What it is for. */
  readonly help: string;
}

/** Where one may stand in a command line: behind which words. */
export interface Place {
  /** The words behind `maple`: `trigger ban`; empty at its beginning. */
  readonly key: string;
  /** Which words may follow. */
  readonly words: readonly Word[];
  /** Which flags may. */
  readonly flags: readonly Flag[];
}

/** The words of `maple` that are no programs. */
export const OWN_WORDS: readonly Word[] = [
  { name: "help", help: "Tells the flags of one: maple help gateway." },
  {
    name: "completion",
    help: "Prints what has a shell complete all that: bash or zsh.",
  },
  { name: "man", help: "Prints the page of the manual: maple man | man -l -" },
];

/** All places. */
export function placesOf(commands: readonly Command[]): Place[] {
  const programs = commands.map(({ name, summary: help }) => ({ name, help }));
  const shells = SHELLS.map((name) => ({ name, help: `for ${name}` }));
  return [
    { key: "", words: [...programs, ...OWN_WORDS], flags: ABOUT_FLAGS },
    { key: "help", words: programs, flags: [] },
    { key: "completion", words: shells, flags: [] },
    ...commands.flatMap(({ name, flags, subCommands }) =>
      subCommands
        ? [
          { key: name, words: subCommands, flags: ABOUT_FLAGS },
          ...subCommands.map((sub) => ({
            key: `${name} ${sub.name}`,
            words: [],
            flags: [...sub.flags, ...flags],
          })),
        ]
        : [{ key: name, words: [], flags }]
    ),
  ];
}

/** How a flag is written: `--config`, `-c`. */
export function flagWords({ name, short }: Flag): string[] {
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
}

/** All that may follow at a place. */
export function wordsOf({ words, flags }: Place): string[] {
  return [...words.map(({ name }) => name), ...flags.flatMap(flagWords)];
}

/** Whether what stands behind a flag is the name of a file. */
export function takesFile({ type, value = "" }: Flag): boolean {
  return type === "string" && /^(FILE|PATH)\b/.test(value);
}
