// Connecting: clients that come, send one request and go.

import { Cmd } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { System } from "./system.ts";

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
  await using running = new AsyncDisposableStack();
  const echo = running.use(await Program.start([native.echo]));
  const plain = running.use(await Program.deno("load.ts", ["--serve"]));
  const haven = running.use(await Program.deno("programs/haven_echo.ts"));
  const system = running.use(await System.start());
  const servers = [
    ["C epoll echo", echo.port()],
    ["Deno.listen echo", plain.port()],
    ["haven", haven.port()],
    ["gateway, 1 worker", system.port],
  ] as const;
  for (const [, port] of servers) await generator.warmUp(port);
  const values = servers.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    tell(`connections a second, round ${round + 1}`);
    for (const [i, [, port]] of servers.entries()) {
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
  return servers.map(([subject], i) => ({
    scenario: "a connection for each request",
    subject,
    unit: "connections/s",
    values: values[i]!,
    ratios: values[i]!.map((value, round) => value / values[0]![round]!),
    yardstick: servers[0]![0],
  }));
}
