/**
 * Attacks a gateway in many ways while honest clients want answers, and tells what these met with.
 *
 * deno task attack
 *
 * @module
 */

import {
  describeFlags,
  type Flag,
  HELP_FLAG,
  readFlags,
  runCommand,
  UsageError,
} from "@maple/box/internal";
import type { Attack, Target } from "./attack/attack.ts";
import { ATTACKS } from "./attack/attacks.ts";
import {
  HonestClients,
  type Phase,
  quantile,
} from "./attack/honest_clients.ts";
import { pause } from "./attack/means.ts";
import { certify } from "./run/certificate.ts";
import { endOnSignal } from "./run/children.ts";
import { freePort } from "./run/free_port.ts";
import { IO_FLAG } from "./run/io_flag.ts";
import { Program } from "./run/program.ts";

const FLAGS: readonly Flag[] = [
  {
    name: "only",
    type: "string",
    value: "NAME,...",
    help: `of ${ATTACKS.map(({ name }) => name).join(", ")} only these`,
  },
  {
    name: "seconds",
    type: "number",
    value: "S",
    min: 1,
    max: 600,
    help: "how long each attack lasts (5)",
  },
  {
    name: "honest",
    type: "integer",
    value: "N",
    min: 1,
    max: 1000,
    help: "honest clients beside it (20)",
  },
  {
    name: "limits",
    type: "string",
    value: "WHEN",
    choices: ["off", "on", "both"],
    help: "off, on or both: limits of single clients and addresses (off)",
  },
  IO_FLAG,
  HELP_FLAG,
];

/** How the program is called. */
export const USAGE = `Usage: deno task attack [flags]

Attacks a gateway with two worker processes, each attack on a fresh one, while honest clients send
one request after the other and newcomers come. Prints what these met with and the memory of the
gateway before, at most during and after it.

${describeFlags(FLAGS)}

Exit code: 0; 1 when a request of an honest client has failed.
`;

// What honest clients keep to: each sends fewer than 100 frames a second, and 21 of them have one
// address, from which 5 newcomers come a second.
const LIMITS = [
  ...["--client-rate", "100", "--client-bytes-rate", "50000"],
  ...["--conns-per-address", "30", "--connect-rate", "20"],
];
const SAMPLE_MS = 200;
const AFTER_MS = 2000;

interface Outcome {
  readonly attack: Attack;
  readonly limited: boolean;
  readonly before: Phase;
  readonly during: Phase;
  readonly after: Phase;
  readonly memory: { before: number; during: number; after: number };
}

async function attacked(
  attack: Attack,
  { seconds, honest, limited, flags }: {
    seconds: number;
    honest: number;
    limited: boolean;
    flags: readonly string[];
  },
): Promise<Outcome> {
  // The gateway does not say which one it has for its metrics.
  const metrics = freePort();
  await using gateway = await Program.deno("../gateway/mod.ts", [
    ...["--outer-host", "127.0.0.1", "--outer-port", "0", "--inner-port", "0"],
    ...["--ws-port", "0", "--metrics", `${metrics}`, "--log-level", "ERROR"],
    ...[...flags, ...attack.flags ?? [], ...limited ? LIMITS : []],
  ]);
  const target: Target = {
    outer: gateway.port("outer="),
    ws: gateway.port("ws="),
    tls: gateway.port("tls="),
    inner: gateway.port("inner="),
    metrics,
  };
  await using _worker = await Program.deno("programs/attack_worker.ts", [
    `${target.inner}`,
  ]);
  const clients = new HonestClients(target.outer, honest);
  await pause(500);
  clients.nextPhase();
  await pause(Math.min(seconds, 3) * 1000);
  const memory = { before: await gateway.rss(), during: 0, after: 0 };
  const before = clients.nextPhase();
  {
    await using _attacker = await Program.deno("programs/attacker.ts", [
      attack.name,
      ...Object.values(target).map(String),
    ]);
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      await pause(SAMPLE_MS);
      memory.during = Math.max(memory.during, await gateway.rss());
    }
  }
  const during = clients.nextPhase();
  await pause(AFTER_MS);
  const after = await clients.stop();
  memory.after = await gateway.rss();
  return { attack, limited, before, during, after, memory };
}

const HEAD = [
  "attack",
  "limits",
  "answered",
  "failed",
  "p99 before",
  "during",
  "after",
  "newcomers",
  "refused",
  "MiB before",
  "during",
  "after",
  "what",
];

function cells(
  { attack, limited, before, during, after, memory }: Outcome,
): string[] {
  const phases = [before, during, after];
  const sum = (of: (phase: Phase) => number) =>
    String(phases.reduce((total, phase) => total + of(phase), 0));
  return [
    attack.name,
    limited ? "on" : "off",
    sum(({ times }) => times.length),
    sum(({ failed }) => failed),
    ...phases.map((phase) => quantile(phase, 0.99).toFixed(1)),
    sum(({ newcomers }) => newcomers),
    sum(({ refused }) => refused),
    ...Object.values(memory).map((bytes) => (bytes / 2 ** 20).toFixed(0)),
    attack.what,
  ];
}

function table(lines: readonly string[][]): string {
  const widths = HEAD.map((_, i) =>
    Math.max(...lines.map((line) => line[i]!.length))
  );
  return lines.map((line) =>
    line.map((cell, i) =>
      i === 0 || i === HEAD.length - 1
        ? cell.padEnd(widths[i]!)
        : cell.padStart(widths[i]!)
    ).join("  ").trimEnd()
  ).join("\n");
}

/** The program; resolves to its exit code. */
export function main(args: readonly string[]): Promise<number> {
  return runCommand("attack", async () => {
    const commandLine = readFlags(args, FLAGS, { usage: USAGE });
    if (!commandLine) return 0;
    const { flags } = commandLine;
    const only = (flags.get("only") as string | undefined)?.split(",");
    const unknown = only?.find((name) =>
      !ATTACKS.some((attack) => attack.name === name)
    );
    if (unknown !== undefined) {
      throw new UsageError(`There is no attack "${unknown}"; see --help`);
    }
    const seconds = Number(flags.get("seconds") ?? 5);
    const honest = Number(flags.get("honest") ?? 20);
    endOnSignal();
    const limits = flags.get("limits") ?? "off";
    const modes = limits === "both" ? [false, true] : [limits === "on"];
    const io = ["--io", String(flags.get("io") ?? "deno")];
    const folder = await Deno.makeTempDir();
    const certificate = await certify(folder);
    const tls = certificate
      ? ["--tls-port", "0", "--tls-cert", certificate.cert]
        .concat("--tls-key", certificate.key)
      : [];
    const outcomes: Outcome[] = [];
    for (const attack of ATTACKS) {
      if (only && !only.includes(attack.name)) continue;
      for (const limited of modes) {
        console.error(
          `${attack.name}: ${attack.what}${limited ? ", with limits" : ""}`,
        );
        const all = { seconds, honest, limited, flags: [...io, ...tls] };
        outcomes.push(await attacked(attack, all));
      }
    }
    await Deno.remove(folder, { recursive: true });
    console.log(
      `${honest} honest clients, ${seconds} s of each attack, times in milliseconds`,
    );
    console.log(table([HEAD, ...outcomes.map(cells)]));
    const failed = outcomes.some(({ before, during, after }) =>
      before.failed + during.failed + after.failed > 0
    );
    return failed ? 1 : 0;
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
