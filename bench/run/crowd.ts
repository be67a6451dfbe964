// Crowd: what those who are served notice while very many others come and go.

import { Cmd } from "./commands.ts";
import { type BenchContext, possibleConnections } from "./context.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { System } from "./system.ts";

const SERVED = { connections: 50, cmd: Cmd.ECHO, rate: 1000, duration: 2 };
const CROWD = 4000;
// All of them come at once, stay for so long and go at once.
const STAY_S = 0.5;
const BEFORE_MS = 300;
const MOST_ROUNDS = 3;

/** Response times of 50 clients while 4,000 others come and go. */
export async function crowd(context: BenchContext): Promise<Row[]> {
  const { generator, native, tell } = context;
  const rounds = Math.min(context.rounds, MOST_ROUNDS);
  const [connections] = possibleConnections(context, [CROWD]);
  if (connections === undefined) return [];
  await using running = new AsyncDisposableStack();
  const start = async (program: Promise<Program>) =>
    running.use(await program).port();
  const servers = [
    ...native
      ? [["C epoll echo", await start(Program.start([native.echo]))] as const]
      : [],
    ["Deno.listen echo", await start(Program.deno("load.ts", ["--serve"]))],
    ["haven", await start(Program.deno("programs/haven_echo.ts"))],
    ["gateway, 1 worker", running.use(await System.start()).port],
  ] as const;
  for (const [, port] of servers) await generator.warmUp(port);
  const longest = servers.map((): number[] => []);
  const p99 = servers.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    tell(`${connections} come and go, round ${round + 1}`);
    for (const [i, [, port]] of servers.entries()) {
      await using load = await generator.ready(port, SERVED);
      const served = load.run();
      await new Promise((resolve) => setTimeout(resolve, BEFORE_MS));
      await generator.run(port, { connections, requests: 0, duration: STAY_S });
      const result = await served;
      longest[i]!.push(result.max);
      p99[i]!.push(result.p99);
    }
  }
  return servers.map(([subject], i) => ({
    scenario: `while ${connections} come and go`,
    subject,
    unit: "ms at most",
    values: longest[i]!,
    p99: p99[i]!,
  }));
}
