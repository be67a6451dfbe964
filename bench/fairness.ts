// How evenly a saturated server serves its connections: answers of the worst, the mean and the best served one.
//
//   deno task bench:fairness [--seconds 3] [--connections 50,1000]
//
// Each server runs in a process of its own, the clients in another; every client sends its next request as soon as it has the answer.

import { parseCommandLine, runCommand } from "@maple/box/internal";
import type { Served } from "./saturating_clients.ts";

const HERE = new URL(".", import.meta.url);
const ROUNDS = 3;

const SERVERS: readonly (readonly [name: string, file: string])[] = [
  ["plain Deno.listen echo", "raw_echo_server.ts"],
  ["haven echo", "haven_echo_server.ts"],
];

interface Server extends AsyncDisposable {
  readonly port: number;
}

function denoRun(file: string, args: readonly string[] = []): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(file, HERE).href, ...args],
    stdout: "piped",
    stderr: "inherit",
  });
}

async function startServer(file: string): Promise<Server> {
  const process = denoRun(file).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`${file} ended before it was ready`);
    text += value;
  }
  return {
    port: Number(/:(\d+)/.exec(text)![1]),
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await reader.cancel();
    },
  };
}

async function measure(
  port: number,
  connections: number,
  seconds: number,
): Promise<Served> {
  const { stdout, success } = await denoRun("saturating_clients.ts", [
    String(port),
    String(connections),
    String(seconds),
  ]).output();
  if (!success) throw new Error("the clients failed");
  return JSON.parse(new TextDecoder().decode(stdout)) as Served;
}

function median<T>(values: readonly T[], by: (value: T) => number): T {
  const sorted = values.toSorted((a, b) => by(a) - by(b));
  return sorted[Math.floor(sorted.length / 2)]!;
}

async function main(): Promise<number> {
  const { flags } = parseCommandLine(Deno.args, [
    { name: "seconds", type: "number", help: "a measurement (3)", min: 0.5 },
    { name: "connections", type: "string", help: "(50,200,1000,5000)" },
  ]);
  const seconds = Number(flags.get("seconds") ?? 3);
  const counts = String(flags.get("connections") ?? "50,200,1000,5000")
    .split(",").map(Number);
  console.log(
    `answers in ${seconds} s, median of ${ROUNDS} rounds by rate, interleaved\n` +
      "connections  server                   rate/s   worst    mean    best  worst/mean",
  );
  for (const connections of counts) {
    const results = SERVERS.map((): Served[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, [, file]] of SERVERS.entries()) {
        await using server = await startServer(file);
        results[i]!.push(await measure(server.port, connections, seconds));
      }
    }
    for (const [i, [name]] of SERVERS.entries()) {
      const { rate, worst, mean, best } = median(
        results[i]!,
        (served) => served.rate,
      );
      console.log([
        String(connections).padStart(11),
        ` ${name.padEnd(22)}`,
        rate.toFixed(0).padStart(8),
        worst.toFixed(0).padStart(7),
        mean.toFixed(0).padStart(7),
        best.toFixed(0).padStart(7),
        (worst / mean).toFixed(2).padStart(11),
      ].join(" "));
    }
  }
  return 0;
}

Deno.exit(await runCommand("bench:fairness", main));
