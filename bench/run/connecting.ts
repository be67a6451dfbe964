// Connecting: clients that come, send one request and go.

import { Cmd } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import type { Row } from "./rows.ts";
import { Servers } from "./servers.ts";

const WARM_UP_S = 0.1;
// Clients at a time.
const CLIENTS = 50;

/** Connections a second, each with one request. */
export async function connecting(context: BenchContext): Promise<Row[]> {
  const { generator, native, rounds, seconds, tell } = context;
  if (!native) {
    tell("connections a second are left out: they need a C compiler");
    return [];
  }
  await using servers = new Servers(context);
  await servers.addEchoes();
  await servers.addOurs();
  const values = servers.all.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    tell(`connections a second, round ${round + 1}`);
    for (const [i, { port }] of servers.all.entries()) {
      const result = await generator.run(port, {
        connections: CLIENTS,
        cmd: Cmd.ECHO,
        reconnect: true,
        duration: seconds,
        "warm-up": WARM_UP_S,
      });
      values[i]!.push(result.transactionRate);
    }
  }
  return servers.all.map(({ name }, i) => ({
    scenario: "a connection for each request",
    subject: name,
    unit: "connections/s",
    values: values[i]!,
    ratios: values[i]!.map((value, round) => value / values[0]![round]!),
    yardstick: servers.all[0]!.name,
  }));
}
