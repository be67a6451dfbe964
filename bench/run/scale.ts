// Scale: the same total rate on more and more connections, and the memory of connections that are idle.

import { Cmd } from "./commands.ts";
import { type BenchContext, possibleConnections } from "./context.ts";
import type { Generator } from "./generator.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { System } from "./system.ts";

const CONNECTIONS = [100, 1000, 5000, 10_000, 15_000];
const IDLE = [1000, 15_000];
// Requests a second, all connections together.
const RATE = 5000;
// CPU time is counted in steps of 10 ms: it takes a while, so there are fewer rounds.
const LEAST_S = 3;
const MOST_ROUNDS = 2;
// What a process that has just accepted the last connection needs to come to rest.
const REST_MS = 1000;

/** CPU time for a message, response time and memory at the same total rate. */
export async function scale(context: BenchContext): Promise<Row[]> {
  const { generator, seconds, rounds, tell } = context;
  const rows: Row[] = [];
  const cpus = new Map<number, number[]>();
  for (const connections of possibleConnections(context, CONNECTIONS)) {
    const cpu: number[] = [];
    const rates: number[] = [];
    const p99: number[] = [];
    const memory: number[] = [];
    for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round++) {
      tell(`${RATE}/s on ${connections} connections, round ${round + 1}`);
      await using system = await System.start();
      await warmUp(generator, system.port);
      await using load = await generator.ready(system.port, {
        connections,
        cmd: Cmd.ECHO,
        rate: RATE,
        duration: Math.max(seconds, LEAST_S),
      });
      const before = await system.gateway.cpu();
      const result = await load.run();
      cpu.push(
        1e6 * (await system.gateway.cpu() - before) / result.transactions,
      );
      memory.push(await system.gateway.rss() / 2 ** 20);
      rates.push(result.transactionRate);
      p99.push(result.p99);
    }
    cpus.set(connections, cpu);
    const scenario = `${RATE}/s on ${connections}`;
    const subject = "gateway, 1 worker";
    rows.push(
      {
        scenario,
        subject,
        unit: "answers/s",
        values: rates,
        p99,
      },
      {
        scenario,
        subject,
        unit: "µs CPU/message",
        values: cpu,
        ratios: cpu.map((value, round) =>
          value / cpus.get(CONNECTIONS[0]!)![round]!
        ),
        yardstick: `${CONNECTIONS[0]} connections`,
        note: "of the gateway",
      },
      { scenario, subject, unit: "MiB RSS", values: memory },
    );
  }
  return rows;
}

/** Memory of each connection that is idle, beyond what the process takes without any. */
export async function memory(context: BenchContext): Promise<Row[]> {
  const { generator, tell } = context;
  const rows: Row[] = [];
  for (const connections of possibleConnections(context, IDLE)) {
    const measure = async (subject: string, process: Program, port: number) => {
      tell(`memory of ${connections} idle connections, ${subject}`);
      await warmUp(generator, port);
      const before = await process.rss();
      await using _idle = await generator.ready(port, {
        connections,
        requests: 0,
      });
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      const each = (await process.rss() - before) / connections / 1024;
      rows.push({
        scenario: `${connections} idle connections`,
        subject,
        unit: "KiB RSS each",
        values: [each],
      });
    };
    {
      await using echo = await Program.deno("load.ts", ["--serve"]);
      await measure("Deno.listen echo", echo, echo.port());
    }
    {
      await using haven = await Program.deno("programs/haven_echo.ts");
      await measure("haven", haven, haven.port());
    }
    await using system = await System.start();
    await measure("gateway, 1 worker", system.gateway, system.port);
  }
  return rows;
}

// What a process takes, in time and memory, until the way of a request is compiled and the heap has its size is not the connections'.
async function warmUp(generator: Generator, port: number): Promise<void> {
  await generator.run(port, { connections: 50, cmd: Cmd.ECHO, duration: 1 });
}
