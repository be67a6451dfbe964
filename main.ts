// maple: the programs of all packages as one, each called by its name.

import {
  ABOUT_FLAGS,
  bashCompletion,
  type Command,
  describeWords,
  manPage,
  nearest,
  OWN_WORDS,
  printLine,
  readFlags,
  runCommand,
  SHELLS,
  UsageError,
  zshCompletion,
} from "@maple/box/internal";
import config from "./deno.json" with { type: "json" };

/** A program that was loaded. */
interface Program {
  readonly command: Command;
  readonly main: (args: readonly string[]) => Promise<number>;
}

// Each is loaded when it is called, so that a message to a user is sent at once.
const PROGRAMS: Readonly<Record<string, () => Promise<Program>>> = {
  gateway: async () => {
    const { COMMAND, main } = await import("@maple/gateway/main");
    const isProgram = true;
    return { command: COMMAND, main: (args) => main(args, { isProgram }) };
  },
  trigger: async () => {
    const { COMMAND, main } = await import("@maple/trigger/main");
    return { command: COMMAND, main };
  },
  stat: async () => {
    const { COMMAND, main } = await import("@maple/gateway/stat");
    return { command: COMMAND, main };
  },
  load: async () => {
    const { COMMAND, main } = await import("./bench/load.ts");
    return { command: COMMAND, main };
  },
};

const SUMMARY = "a toolkit for real-time servers over long-lived connections";
const NAMES = [
  ...Object.keys(PROGRAMS),
  ...OWN_WORDS.map(({ name }) => name),
];

/**
 * Runs the program that the first argument names.
 *
 * @param args The command line, for instance `Deno.args`.
 * @returns The exit code: that of the program; 2 when there is no such program.
 */
export async function main(
  [name = "", ...args]: readonly string[],
): Promise<number> {
  if (Object.hasOwn(PROGRAMS, name)) {
    const program = await PROGRAMS[name]!();
    return await program.main(args);
  }
  return await runCommand("maple", () => tell(name, args));
}

async function tell(name: string, args: readonly string[]): Promise<number> {
  const { version } = config;
  if (name === "help" && args[0] !== undefined) {
    const [word, ...rest] = args;
    if (!Object.hasOwn(PROGRAMS, word)) throw unknown(word);
    return await main([word, ...rest, "--help"]);
  }
  if (name === "help" || name.startsWith("-")) {
    const flag = name === "help" ? "--help" : name;
    const usage = await usageText();
    readFlags([flag, ...args], ABOUT_FLAGS, { usage, version });
    return 0;
  }
  if (name === "completion") return await complete(args);
  if (name === "man") {
    if (args.length > 0) throw new UsageError("maple man takes no argument");
    const commands = await loadCommands();
    printLine(manPage({ summary: SUMMARY, version, commands }).trimEnd());
    return 0;
  }
  throw unknown(name);
}

async function complete(args: readonly string[]): Promise<number> {
  const [shell = ""] = args;
  if (args.length !== 1 || !SHELLS.includes(shell)) {
    throw new UsageError(
      `maple completion takes ${SHELLS.join(" or ")}, got ${
        args.join(" ") || "nothing"
      }`,
    );
  }
  const commands = await loadCommands();
  const script = shell === "bash"
    ? bashCompletion(commands)
    : zshCompletion(commands);
  printLine(script.trimEnd());
  return 0;
}

function unknown(name: string): UsageError {
  const got = name === "" ? "nothing" : `"${name}"`;
  const meant = nearest(name, NAMES);
  return new UsageError(
    `The first argument is one of ${NAMES.join(", ")}, got ${got}${
      meant === undefined ? "" : `; is ${meant} meant?`
    }`,
  );
}

async function loadCommands(): Promise<Command[]> {
  const all = await Promise.all(Object.values(PROGRAMS).map((load) => load()));
  return all.map(({ command }) => command);
}

async function usageText(): Promise<string> {
  const words = (await loadCommands()).map(({ name, summary }) => ({
    name,
    help: summary,
  }));
  return `maple ${config.version}
${capital(SUMMARY)}.

Usage: maple PROGRAM [flags]

${describeWords([...words, ...OWN_WORDS])}

maple PROGRAM --help and -h tell the same, maple --version the version. A worker is a program of
your own.
`;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
