// manPage(): the page of the manual, for man and mandoc.

import { type Command, environmentNotes } from "./command.ts";
import type { Flag } from "./command_line.ts";
import { flagWords, OWN_WORDS } from "./completion.ts";

/** What the page is about. */
export interface ManPageOptions {
  /** What `maple` is, in a few words. */
  readonly summary: string;
  /** Its version. */
  readonly version: string;
  /** Its programs. */
  readonly commands: readonly Command[];
}

/** The page `maple(1)`. */
export function manPage(
  { summary, version, commands }: ManPageOptions,
): string {
  return [
    `.TH MAPLE 1 "" ${quoted(`maple ${version}`)} "User Commands"`,
    ".SH NAME",
    text(`maple - ${summary}`),
    ".SH SYNOPSIS",
    ...commands.flatMap(({ name, takes }) => [
      bold(`maple ${name}`),
      text(takes),
      ".br",
    ]),
    ...OWN_WORDS.flatMap(({ name }, i) => [
      bold(`maple ${name}`),
      ...(i < OWN_WORDS.length - 1 ? [".br"] : []),
    ]),
    ".SH DESCRIPTION",
    ...commands.flatMap(({ name, summary }) =>
      item(bold(`maple ${name}`), summary)
    ),
    ...OWN_WORDS.flatMap(({ name, help }) => item(bold(`maple ${name}`), help)),
    ...commands.flatMap(sectionOf),
    ".SH EXIT STATUS",
    text(
      "0; 1 after a failure; 2 after a mistake in the command line, the environment or a file, which is told in one line.",
    ),
    "",
  ].join("\n");
}

function sectionOf(command: Command): string[] {
  const { name, summary, flags, subCommands = [], notes } = command;
  return [
    `.SH ${quoted(`maple ${name}`.toUpperCase())}`,
    text(summary),
    ...subCommands.flatMap((sub) => [
      `.SS ${quoted(`maple ${name} ${sub.name}`)}`,
      text(sub.help),
      ...sub.flags.flatMap(flagItem),
    ]),
    ...(subCommands.length > 0
      ? [`.SS ${quoted(`Flags of all maple ${name}`)}`]
      : []),
    ...flags.flatMap(flagItem),
    ".PP",
    text(notes),
    ".PP",
    text(environmentNotes(command)),
  ];
}

function flagItem(flag: Flag): string[] {
  const words = flagWords(flag).toReversed().map((word) =>
    `\\fB${escaped(word)}\\fR`
  );
  const value = flag.type === "boolean"
    ? ""
    : ` \\fI${escaped(flag.value ?? "N")}\\fR`;
  return [".TP", `${words.join(", ")}${value}`, text(flag.help)];
}

function item(head: string, help: string): string[] {
  return [".TP", head, text(help)];
}

function bold(words: string): string {
  return `.B ${escaped(words)}`;
}

function quoted(words: string): string {
  return `"${escaped(words.replaceAll('"', ""))}"`;
}

// A line that begins with a dot or an apostrophe would be a request.
function text(lines: string): string {
  return lines.split("\n").map((line) =>
    escaped(line).replace(/^(?=[.'])/, "\\&")
  ).join("\n");
}

function escaped(words: string): string {
  return words.replaceAll("\\", "\\e").replaceAll("-", "\\-");
}
