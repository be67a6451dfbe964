// Crowd: what those who are served notice while very many others come and go.

import { Cmd } from "./commands.ts";
import { type BenchContext, possibleConnections } from "./context.ts";
import type { Row } from "./rows.ts";
import { Servers } from "./servers.ts";

const SERVED = { connections: 50, cmd: Cmd.ECHO, rate: 1000, duration: 2 };
const CROWD = 4000;
// All of them come at once, stay for so long and go at once.
const STAY_S = 0.5;
const BEFORE_MS = 300;
const MOST_ROUNDS = 3;

/** Response times of 50 clients while 4,000 others come and go. */
export async function crowd(context: BenchContext): Promise<Row[]> {
  const { generator, tell } = context;
  const rounds = Math.min(context.rounds, MOST_ROUNDS);
  const [connections] = possibleConnections(context, [CROWD]);
  if (connections === undefined) return [];
  await using servers = new Servers(context);
  await servers.addEchoes();
  await servers.addOurs();
  const longest = servers.all.map((): number[] => []);
  const p99 = servers.all.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    tell(`${connections} come and go, round ${round + 1}`);
    for (const [i, { port }] of servers.all.entries()) {
      await using load = await generator.ready(port, SERVED);
      const served = load.run();
      await new Promise((resolve) => setTimeout(resolve, BEFORE_MS));
      await generator.run(port, { connections, requests: 0, duration: STAY_S });
      const result = await served;
      longest[i]!.push(result.max);
      p99[i]!.push(result.p99);
    }
  }
  return servers.all.map(({ name }, i) => ({
    scenario: `while ${connections} come and go`,
    subject: name,
    unit: "ms at most",
    values: longest[i]!,
    p99: p99[i]!,
  }));
}
