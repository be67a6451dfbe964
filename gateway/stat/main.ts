// The viewer of a gateway's stat file as a program.

import {
  ABOUT_FLAGS,
  type Command,
  type Flag,
  readFlags,
  runCommand,
  tellRemarks,
  UsageError,
  usageOf,
} from "@maple/box/internal";
import config from "../deno.json" with { type: "json" };
import { GatewayError } from "../errors.ts";
import { toText } from "./cells.ts";
import type { Look } from "./figures.ts";
import { runLive } from "./live.ts";
import { originalLines } from "./original_lines.ts";
import { goneReason, readReport, STALE_SECONDS } from "./report_file.ts";
import { renderScreen } from "./screen.ts";
import { ReportWatch } from "./watch.ts";

const FLAGS: readonly Flag[] = [
  {
    name: "file",
    short: "f",
    type: "string",
    value: "FILE",
    help: "what the gateway writes to: its --stat-file",
  },
  { name: "once", type: "boolean", help: "print one table and exit" },
  { name: "json", type: "boolean", help: "print one JSON object and exit" },
  {
    name: "lines",
    short: "l",
    type: "integer",
    value: "N",
    min: 1,
    help: "print NAME: number lines as the original's tool, N times, and exit",
  },
  {
    name: "interval",
    type: "number",
    value: "S",
    min: 0.1,
    max: 3600,
    help: "seconds between two looks (1)",
  },
  ...ABOUT_FLAGS,
];

/**
 * The viewer as a program.
 *
 * @ignore
 */
export const COMMAND: Command = {
  name: "stat",
  summary: "Shows how a gateway is doing, from the stat file that it writes.",
  takes: "-f FILE [flags]",
  flags: FLAGS,
  notes:
    `Without --once, --json and --lines it shows the terminal full, kept up to date; q leaves.
Exit code: 0, 1 when there is no gateway to show, 2 for a mistake in the command line.`,
};

// The width of what is printed where the terminal's is not known.
const DEFAULT_WIDTH = 80;

/**
 * Runs the viewer until it is left, or once.
 *
 * @param args The command line, for instance `Deno.args`.
 * @returns The exit code: 0, 1 when `--once` or `--json` found no gateway that lives, 2 after a
 * mistake in the command line.
 *
 * @example
 * ```ts ignore
 * import { main } from "@maple/gateway/stat";
 *
 * Deno.exit(await main(["--file", "/run/maple/gateway.json", "--once"]));
 * ```
 */
export function main(args: readonly string[]): Promise<number> {
  return runCommand("maple stat", () => run(args));
}

async function run(args: readonly string[]): Promise<number> {
  const { version } = config;
  const commandLine = readFlags(args, FLAGS, {
    usage: usageOf(COMMAND, version),
    version,
    environment: { command: COMMAND.name },
  });
  if (!commandLine) return 0;
  tellRemarks(COMMAND.name, commandLine);
  const { flags } = commandLine;
  const file = flags.get("file");
  if (file === undefined) {
    throw new UsageError("-f FILE is missing: the gateway's --stat-file");
  }
  const intervalMs = Number(flags.get("interval") ?? 1) * 1000;
  const once = flags.get("once") === true;
  const json = flags.get("json") === true;
  const lines = flags.get("lines") as number | undefined;
  if ([once, json, lines !== undefined].filter(Boolean).length > 1) {
    throw new UsageError("--once, --json and --lines exclude each other");
  }
  const colors = Deno.stdout.isTerminal() && !Deno.env.get("NO_COLOR");
  if (once || json) {
    const look = await lookTwice(String(file), intervalMs);
    console.log(
      json
        ? JSON.stringify({ ...look.report, rates: look.rates })
        : tableOf(look, colors),
    );
    return 0;
  }
  if (lines !== undefined) {
    await printLines(String(file), lines, intervalMs);
    return 0;
  }
  if (!Deno.stdout.isTerminal()) {
    throw new UsageError("stdout is no terminal: use --once or --json");
  }
  await runLive({ file: String(file), intervalMs, colors });
  return 0;
}

async function printLines(
  file: string,
  times: number,
  intervalMs: number,
): Promise<void> {
  for (let i = 0; i < times; i++) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, intervalMs));
    const report = await readReport(file);
    const gone = goneReason(file, report, Date.now());
    if (gone !== undefined) throw new GatewayError(gone);
    console.log(originalLines(report).join("\n"));
  }
}

// Looks, and again an interval later; when the gateway has not written meanwhile, until it has.
async function lookTwice(file: string, intervalMs: number): Promise<Look> {
  const watch = new ReportWatch(file);
  const next = async () => {
    await watch.next();
    if (watch.notice !== undefined) throw new GatewayError(watch.notice);
  };
  await next();
  const end = performance.now() + intervalMs + STALE_SECONDS * 1000;
  let pause = intervalMs;
  do {
    await new Promise((resolve) => setTimeout(resolve, pause));
    await next();
    pause = 100;
  } while (!watch.look?.rates && performance.now() < end);
  return watch.look!;
}

function tableOf(look: Look, colors: boolean): string {
  const width = Deno.stdout.isTerminal()
    ? Deno.consoleSize().columns || DEFAULT_WIDTH
    : DEFAULT_WIDTH;
  return renderScreen(look, { width })
    .map((line) => toText(line, { width, colors }))
    .join("\n");
}
