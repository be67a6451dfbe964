// Workers: what further workers give, for an echo and for a handler that computes.

import { Cmd } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import { measureInTurn, type Scenario } from "./echoes.ts";
import type { Row } from "./rows.ts";
import { Servers } from "./servers.ts";
import { System } from "./system.ts";

const WORKERS = [1, 2, 4, 16];
const CONNECTIONS = 50;
const BODY = 40;

/** The same load with 1 to 16 workers. */
export async function workers(context: BenchContext): Promise<Row[]> {
  const { seconds, rounds, tell } = context;
  tell("starting the workers");
  await using servers = new Servers(context);
  for (const workers of WORKERS) {
    const name = `gateway, ${workers} worker${workers > 1 ? "s" : ""}`;
    await servers.add(name, await System.start({ workers }));
  }
  const load: Scenario = {
    connections: CONNECTIONS,
    depth: 1,
    body: BODY,
    seconds,
    rounds,
  };
  return [
    ...await measureInTurn(context, load, servers.all),
    ...await measureInTurn(context, { ...load, cmd: Cmd.BURN }, servers.all),
  ];
}
