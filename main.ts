// maple: the programs of all packages as one, each called by its name.

import {
  ABOUT_FLAGS,
  type Command,
  describeWords,
  readFlags,
  runCommand,
  UsageError,
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

const NAMES = [...Object.keys(PROGRAMS), "help"];

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
    if (word === "help" || !NAMES.includes(word)) throw unknown(word);
    return await main([word, ...rest, "--help"]);
  }
  if (name === "help" || name.startsWith("-")) {
    const flag = name === "help" ? "--help" : name;
    const usage = await usageText();
    readFlags([flag, ...args], ABOUT_FLAGS, { usage, version });
    return 0;
  }
  throw unknown(name);
}

function unknown(name: string): UsageError {
  const got = name === "" ? "nothing" : `"${name}"`;
  return new UsageError(
    `The first argument is one of ${NAMES.join(", ")}, got ${got}`,
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
A toolkit for real-time servers whose logic changes without a client noticing.

Usage: maple PROGRAM [flags]

${
    describeWords([
      ...words,
      { name: "help", help: "Tells the flags of one: maple help gateway." },
    ])
  }

maple PROGRAM --help and -h tell the same, maple --version the version. A worker is a program of
your own.
`;
}
