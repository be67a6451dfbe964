// Latency: how long a request takes where there are many connections and a processor to spare.

import { Cmd } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import type { Row } from "./rows.ts";
import { type Server, Servers } from "./servers.ts";

const CONNECTIONS = 10_000;
// Files that a process has open beside its connections; HAProxy has two for each of these.
const OTHER_FILES = 500;
const FILES_EACH = 2;
// Requests a second, all connections together.
const RATE = 5000;
const LEAST_S = 2;
// By then V8's collector has moved what the connections are made of twice, to where it stays: that
// is a part of their coming.
const WARM_UP_S = 4;
// It takes long.
const MOST_ROUNDS = 3;
// What a server needs to be done with the connections that have come or gone.
const REST_MS = 500;

/** Response times at a rate that is a part of what could be, on very many connections. */
export async function latency(context: BenchContext): Promise<Row[]> {
  const { tell, openFiles } = context;
  const most = Math.floor((openFiles - OTHER_FILES) / FILES_EACH);
  const connections = Math.min(CONNECTIONS, most);
  if (connections < CONNECTIONS) {
    tell(
      `${connections} connections instead of ${CONNECTIONS}: a process may have only ${openFiles} files open (ulimit -n)`,
    );
  }
  await using servers = new Servers(context);
  await servers.addEchoes();
  await servers.addHaproxy();
  await servers.addOurs();
  return await atRate(context, connections, servers.all);
}

/** The response times of servers in turn, all of them at one rate. */
export async function atRate(
  context: BenchContext,
  connections: number,
  servers: readonly Server[],
): Promise<Row[]> {
  const { generator, tell } = context;
  const rounds = Math.min(context.rounds, MOST_ROUNDS);
  const p50 = servers.map((): number[] => []);
  const p99 = servers.map((): number[] => []);
  const longest = servers.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { name, port, flags }] of servers.entries()) {
      tell(`${RATE}/s on ${connections}, ${name}, round ${round + 1}`);
      await using load = await generator.ready(port, {
        connections,
        cmd: Cmd.ECHO,
        rate: RATE,
        duration: Math.max(LEAST_S, context.seconds),
        "warm-up": WARM_UP_S,
        ...flags,
      });
      await rest();
      const result = await load.run();
      p50[i]!.push(result.p50);
      p99[i]!.push(result.p99);
      longest[i]!.push(result.max);
    }
    await rest();
  }
  return servers.map(({ name }, i) => ({
    scenario: `${RATE}/s on ${connections}`,
    subject: name,
    unit: "ms p50",
    values: p50[i]!,
    p99: p99[i]!,
    note: `at most ${longest[i]!.map((ms) => ms.toFixed(1)).join(", ")} ms`,
  }));
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REST_MS));
}
