// Scale: the same total rate on more and more connections.

import { Cmd } from "./commands.ts";
import { type BenchContext, possibleConnections } from "./context.ts";
import type { Row } from "./rows.ts";
import { GATEWAYS } from "./servers.ts";
import { System } from "./system.ts";

const CONNECTIONS = [100, 1000, 5000, 10_000, 15_000];
// Requests a second, all connections together.
const RATE = 5000;
const LEAST_S = 1.2;
// It takes long.
const MOST_ROUNDS = 3;
// So long a load runs before the CPU time is looked at.
const WARM_UP_MS = 500;
// What the gateway needs to be done with the connections that have come or gone.
const REST_MS = 300;

/** What was measured on so many connections, one value a round. */
interface Figures {
  readonly rates: number[];
  readonly p99: number[];
  readonly cpu: number[];
  readonly memory: number[];
}

/** CPU time for a message, response time and memory at the same total rate. */
export async function scale(context: BenchContext): Promise<Row[]> {
  const { tell } = context;
  const rounds = Math.min(context.rounds, MOST_ROUNDS);
  const perGateway = GATEWAYS.map(([subject, io]) => ({
    subject,
    io,
    figures: new Map(
      possibleConnections(context, CONNECTIONS).map((connections) => [
        connections,
        { rates: [], p99: [], cpu: [], memory: [] } as Figures,
      ]),
    ),
  }));
  for (let round = 0; round < rounds; round++) {
    for (const { subject, io, figures } of perGateway) {
      await using system = await System.start({ io });
      await context.generator.warmUp(system.port);
      for (const [connections, of] of figures) {
        tell(`${RATE}/s on ${connections}, ${subject}, round ${round + 1}`);
        await measure(context, system, { connections, of });
      }
    }
  }
  return perGateway.flatMap(({ subject, figures }) => rowsOf(subject, figures))
    .toSorted((a, b) => connectionsOf(a) - connectionsOf(b));
}

function connectionsOf({ scenario }: Row): number {
  return Number(scenario.split(" on ")[1]);
}

function rowsOf(subject: string, all: ReadonlyMap<number, Figures>): Row[] {
  const few = all.get(CONNECTIONS[0]!)!;
  return [...all].flatMap(([connections, { rates, p99, cpu, memory }]) => {
    const scenario = `${RATE}/s on ${connections}`;
    return [
      { scenario, subject, unit: "answers/s", values: rates, p99 },
      {
        scenario,
        subject,
        unit: "µs CPU/message",
        values: cpu,
        ratios: cpu.map((value, round) => value / few.cpu[round]!),
        yardstick: `${CONNECTIONS[0]} connections`,
        note: "of the gateway",
      },
      { scenario, subject, unit: "MiB RSS", values: memory },
    ];
  });
}

async function measure(
  { generator, seconds }: BenchContext,
  { gateway, port }: System,
  { connections, of }: { connections: number; of: Figures },
): Promise<void> {
  const duration = Math.max(seconds, LEAST_S);
  {
    await using load = await generator.ready(port, {
      connections,
      cmd: Cmd.ECHO,
      rate: RATE,
      duration,
      "warm-up": WARM_UP_MS / 1000,
    });
    await rest(REST_MS);
    const running = load.run();
    await rest(WARM_UP_MS);
    const [before, since] = [await gateway.cpu(), performance.now()];
    // The last moments are left out, since nobody knows when exactly the load ends.
    await rest(duration * 900);
    const used = await gateway.cpu() - before;
    const elapsed = (performance.now() - since) / 1000;
    const result = await running;
    of.rates.push(result.transactionRate);
    of.p99.push(result.p99);
    of.cpu.push(1e6 * used / elapsed / result.transactionRate);
    of.memory.push(await gateway.rss() / 2 ** 20);
  }
  await rest(REST_MS);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
