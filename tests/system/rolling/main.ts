// The rolling restart as a program.
//
//   deno task rolling --clients 2000

import {
  describeFlags,
  type Flag,
  HELP_FLAG,
  readFlags,
  runCommand,
  UsageError,
} from "@maple/box/internal";
import { hasHaproxy } from "../../helpers/proxies.ts";
import {
  rollingFaults,
  type RollingOptions,
  runRolling,
} from "./run_rolling.ts";

const FLAGS: readonly Flag[] = [
  { name: "clients", type: "integer", value: "N", min: 1, help: "(2000)" },
  {
    name: "depth",
    type: "integer",
    value: "N",
    min: 1,
    help: "requests that each has under way (2)",
  },
  {
    name: "pause",
    type: "number",
    value: "MS",
    min: 0,
    help: "the most milliseconds from an answer to the next request (2000)",
  },
  {
    name: "lame-duck",
    type: "number",
    value: "S",
    min: 0.1,
    help: "seconds over which the clients of a gateway move (15)",
  },
  {
    name: "same-port",
    type: "boolean",
    help:
      "no HAProxy: the next gateway starts on the port of the one that leaves",
  },
  HELP_FLAG,
];

const USAGE = `Usage: deno task rolling [flags]

Three gateways behind HAProxy, or one alone, are replaced one after the other while clients ask all the time.

${describeFlags(FLAGS)}
`;

async function run(args: readonly string[]): Promise<number> {
  const commandLine = readFlags(args, FLAGS, { usage: USAGE });
  if (!commandLine) return 0;
  const { flags } = commandLine;
  const number = (name: string, byDefault: number) =>
    Number(flags.get(name) ?? byDefault);
  const shape = flags.has("same-port") ? "port" : "haproxy";
  if (shape === "haproxy" && !hasHaproxy) {
    throw new UsageError("HAProxy is missing; --same-port goes without it");
  }
  const options: RollingOptions = {
    shape,
    clients: number("clients", 2000),
    depth: number("depth", 2),
    pauseMs: number("pause", 2000),
    lameDuck: number("lame-duck", 15),
    tell: (line) => console.log(line),
  };
  const result = await runRolling(options);
  const { totals, handled, again } = result;
  const { waits } = totals;
  console.log(
    `requests ${totals.sent}, answered ${totals.answered}, failed ${totals.failed}, handled ${handled}, of them twice ${again}; connections ${totals.logins}, clients cut off ${totals.cut}`,
  );
  const shares = [0.5, 0.99, 0.999].map((share) =>
    `${share * 100} % ${waits.percentile(share).toFixed(0)} ms`
  );
  console.log(
    `waits: ${shares.join(", ")}, the longest ${waits.longest.toFixed(0)} ms`,
  );
  const faults = rollingFaults(result);
  for (const fault of faults) console.error(fault);
  return faults.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  Deno.exit(await runCommand("maple rolling", () => run(Deno.args)));
}
