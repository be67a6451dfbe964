// The chaos test as a program.
//
//   deno task chaos --minutes 5 --seed 7
//   deno task chaos --requests 1000000
//   deno task chaos --processes 2 --handover-every 3
//   deno task chaos --gateways 3 --kill-bus-every 15

import {
  describeFlags,
  type Flag,
  HELP_FLAG,
  readFlags,
  runCommand,
  UsageError,
} from "@maple/box/internal";
import { clusterReportLines, failureLines, reportLines } from "./report.ts";
import { type ChaosOptions, runChaos } from "./run_chaos.ts";
import { type ClusterChaosOptions, runClusterChaos } from "./run_cluster.ts";

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
  {
    name: "gateways",
    type: "integer",
    value: "N",
    min: 1,
    help:
      "so many gateways that are one over a nats-server, and users who write to each other; of the other flags, --minutes, --seed, --clients and --handover-every count then",
  },
  {
    name: "kill-bus-every",
    type: "number",
    value: "S",
    min: 1,
    help: "with --gateways: the nats-server is killed or stopped for a moment",
  },
  {
    name: "kill-gateway-every",
    type: "number",
    value: "S",
    min: 1,
    help: "with --gateways: one is killed, and started again",
  },
  {
    name: "handover-every",
    type: "number",
    value: "S",
    min: 0.1,
    help:
      "another process takes a gateway's place so often, with --gateways of one after the other (never)",
  },
  {
    name: "processes",
    type: "integer",
    value: "N",
    min: 2,
    help:
      "the gateway is the program, of so many processes, and a trigger writes to users and groups; --handover-every has each of them replaced by the program's second start (one process)",
  },
  {
    name: "web-sockets",
    type: "boolean",
    help: "half of the clients speak by WebSockets",
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
  const gateways = number("gateways");
  checkTogether(new Set(flags.keys()), gateways !== undefined);
  if (gateways !== undefined) return await runCluster(gateways, number);
  const requests = number("requests");
  const minutes = number("minutes");
  const depth = number("depth");
  const handoverEvery = number("handover-every");
  const processes = number("processes");
  const options: ChaosOptions = {
    seed: number("seed") ?? Math.floor(Math.random() * 2 ** 31),
    clients: number("clients") ?? 200,
    maxDeliveries: number("max-deliveries") ?? 10,
    secrets: flags.has("secrets"),
    ...(requests === undefined ? {} : { requests }),
    webSockets: flags.has("web-sockets"),
    ...(handoverEvery === undefined ? {} : { handoverEvery }),
    ...(processes === undefined ? {} : { processes }),
    ...(depth === undefined ? {} : { depth }),
    ...(minutes === undefined ? {} : { seconds: minutes * 60 }),
  };
  const result = await runChaos(options);
  console.log(reportLines(options, result).join("\n"));
  for (const line of failureLines(options, result)) console.error(line);
  return result.faults.length === 0 ? 0 : 1;
}

// What one kind of run does not know it must not pass over in silence.
function checkTogether(given: ReadonlySet<string>, isCluster: boolean): void {
  const both = ["gateways", "minutes", "seed", "clients", "handover-every"];
  const ofCluster = ["kill-bus-every", "kill-gateway-every"];
  for (const name of given) {
    if (both.includes(name) || ofCluster.includes(name) === isCluster) continue;
    throw new UsageError(
      isCluster
        ? `Flag --${name} does not go with --gateways`
        : `Flag --${name} needs --gateways`,
    );
  }
}

async function runCluster(
  gateways: number,
  number: (name: string) => number | undefined,
): Promise<number> {
  // Looked for where it is wanted only; a line says that it is not there.
  const { hasNatsServer } = await import("../../helpers/nats_server.ts");
  if (!hasNatsServer) return 1;
  const minutes = number("minutes");
  const killBusEvery = number("kill-bus-every");
  const killGatewayEvery = number("kill-gateway-every");
  const handoverEvery = number("handover-every");
  if (handoverEvery !== undefined && killGatewayEvery !== undefined) {
    throw new UsageError(
      "Flags --handover-every and --kill-gateway-every do not go together",
    );
  }
  const options: ClusterChaosOptions = {
    seed: number("seed") ?? Math.floor(Math.random() * 2 ** 31),
    gateways,
    clients: number("clients") ?? 200,
    ...(minutes === undefined ? {} : { seconds: minutes * 60 }),
    ...(killBusEvery === undefined ? {} : { killBusEvery }),
    ...(killGatewayEvery === undefined ? {} : { killGatewayEvery }),
    ...(handoverEvery === undefined ? {} : { handoverEvery }),
  };
  const result = await runClusterChaos(options);
  console.log(clusterReportLines(options, result).join("\n"));
  for (const line of failureLines(options, result)) console.error(line);
  return result.faults.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  Deno.exit(await runCommand("maple chaos", () => run(Deno.args)));
}
