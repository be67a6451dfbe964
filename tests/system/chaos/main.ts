// The chaos test as a program.
//
//   deno task chaos --minutes 5 --seed 7
//   deno task chaos --requests 1000000

import {
  describeFlags,
  type Flag,
  HELP_FLAG,
  readFlags,
  runCommand,
} from "@maple/box/internal";
import { failureLines, reportLines } from "./report.ts";
import { type ChaosOptions, runChaos } from "./run_chaos.ts";

const FLAGS: readonly Flag[] = [
  {
    name: "minutes",
    type: "number",
    value: "M",
    min: 0.05,
    help: "for so long (1; with --requests, without end)",
  },
  {
    name: "requests",
    type: "integer",
    value: "N",
    min: 1,
    help:
      "until so many requests, while workers are reloaded and killed as fast as they come up",
  },
  {
    name: "seed",
    type: "integer",
    value: "S",
    help: "determines the mischief (a random one)",
  },
  { name: "clients", type: "integer", value: "N", min: 1, help: "(200)" },
  {
    name: "secrets",
    type: "boolean",
    help: "all prove who they are, and the secrets change",
  },
  {
    name: "depth",
    type: "integer",
    value: "N",
    min: 1,
    help:
      "requests that each client has under way (1, and 8 for each fourth one)",
  },
  {
    name: "max-deliveries",
    type: "integer",
    value: "N",
    min: 1,
    help: "as the gateway's; up to 2, requests may be given up (10)",
  },
  HELP_FLAG,
];

const USAGE = `Usage: deno task chaos [flags]

A gateway, 3 masters with 2 workers each and clients that check every answer, while workers and connections are cut.

${describeFlags(FLAGS)}
`;

async function run(args: readonly string[]): Promise<number> {
  const commandLine = readFlags(args, FLAGS, { usage: USAGE });
  if (!commandLine) return 0;
  const { flags } = commandLine;
  const number = (name: string) => flags.get(name) as number | undefined;
  const requests = number("requests");
  const minutes = number("minutes");
  const depth = number("depth");
  const options: ChaosOptions = {
    seed: number("seed") ?? Math.floor(Math.random() * 2 ** 31),
    clients: number("clients") ?? 200,
    maxDeliveries: number("max-deliveries") ?? 10,
    secrets: flags.has("secrets"),
    ...(requests === undefined ? {} : { requests }),
    ...(depth === undefined ? {} : { depth }),
    ...(minutes === undefined ? {} : { seconds: minutes * 60 }),
  };
  const result = await runChaos(options);
  console.log(reportLines(options, result).join("\n"));
  for (const line of failureLines(options, result)) console.error(line);
  return result.faults.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  Deno.exit(await runCommand("maple chaos", () => run(Deno.args)));
}
