// The crowd at the card table as a program.
//
//   deno task table:crowd --players 2000 --minutes 2
//   deno task table:crowd --largest

import {
  describeFlags,
  type Flag,
  HELP_FLAG,
  parseCommandLine,
  runCommand,
} from "@maple/box/internal";
import { faultLines, isWell, reportLines } from "./report.ts";
import { Crowd, type CrowdOptions, runCrowd } from "./run_crowd.ts";

const FLAGS: readonly Flag[] = [
  { name: "players", type: "integer", value: "N", min: 3, help: "(2000)" },
  {
    name: "minutes",
    type: "number",
    value: "M",
    min: 0.05,
    help: "for so long, once all sit (2)",
  },
  {
    name: "calm",
    type: "boolean",
    help: "no worker is reloaded, killed, added or taken away",
  },
  {
    name: "largest",
    type: "boolean",
    help:
      "more and more players, in peace, 20 s each, until p99 is 100 ms or more",
  },
  { name: "workers", type: "integer", value: "N", min: 1, help: "(2)" },
  {
    name: "store",
    type: "string",
    value: "URL",
    help: "the address of a Redis (REDIS_URL; otherwise a file of SQLite)",
  },
  HELP_FLAG,
];

const USAGE = `Usage: deno task table:crowd [flags]

A gateway, workers and a crowd that plays Fight the Landlord in this process, each move after 0.5 to 2 s, while all
workers are reloaded every 10 s, one is killed every 15 s, and one is added or taken away every 20 s.

${describeFlags(FLAGS)}

Exit code: 0; 1 when a number that must be 0 is not; 2 after a mistake in the flags.
`;

const TARGET_MS = 100;
const STEP = 1.25;
const STEP_SECONDS = 20;

async function run(args: readonly string[]): Promise<number> {
  const { flags } = parseCommandLine(args, FLAGS);
  if (flags.has("help")) {
    console.log(USAGE);
    return 0;
  }
  const number = (name: string) => flags.get(name) as number | undefined;
  const store = flags.get("store") as string | undefined ??
    Deno.env.get("REDIS_URL");
  const calm = flags.has("calm") || flags.has("largest");
  const options: CrowdOptions = {
    players: number("players") ?? 2000,
    seconds: flags.has("largest")
      ? STEP_SECONDS
      : 60 * (number("minutes") ?? 2),
    workers: number("workers") ?? 2,
    ...(store === undefined ? {} : { store }),
    ...(calm ? { reloadEvery: 0, killEvery: 0, scaleEvery: 0 } : {}),
    onProgress: (line) => console.error(line),
  };
  if (flags.has("largest")) return await findLargest(options);
  const result = await runCrowd(options);
  console.log(reportLines(result).join("\n"));
  for (const line of faultLines(result)) console.error(line);
  return isWell(result) ? 0 : 1;
}

async function findLargest(options: CrowdOptions): Promise<number> {
  await using crowd = await Crowd.start(options);
  let largest = 0;
  for (let players = options.players;; players = Math.ceil(players * STEP)) {
    await crowd.grow(players);
    const result = await crowd.play(options);
    const p99 = result.totals.waits.percentile(0.99);
    console.log(
      `${String(players).padEnd(8)}players: p99 ${p99.toFixed(0)} ms`,
    );
    if (!isWell(result)) {
      console.log(reportLines(result).join("\n"));
      for (const line of faultLines(result)) console.error(line);
      return 1;
    }
    if (p99 >= TARGET_MS) break;
    largest = players;
  }
  console.log(`${"largest crowd with p99 below 100 ms".padEnd(36)}${largest}`);
  return 0;
}

if (import.meta.main) {
  Deno.exit(await runCommand("maple crowd", () => run(Deno.args)));
}
