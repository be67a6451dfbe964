// Against: the gateway of this working copy beside that of another one, with one worker each.

import type { BenchContext } from "./context.ts";
import { measureInTurn } from "./echoes.ts";
import { ONE_WORKER, Servers } from "./servers.ts";
import { System } from "./system.ts";
import type { Row } from "./rows.ts";

const BODY = 40;
const LOADS = [[1, 1], [50, 1], [1000, 1], [50, 16]] as const;

/** The gateway of this working copy beside that of another one. */
export async function against(context: BenchContext): Promise<Row[]> {
  const { copy, rounds, seconds } = context;
  if (copy === undefined) {
    throw new Error("Which working copy? Name its folder by --against");
  }
  await using servers = new Servers(context);
  await servers.add(`the same in ${copy}`, await System.start({ copy }));
  await servers.add(ONE_WORKER, await System.start());
  const rows: Row[] = [];
  for (const [connections, depth] of LOADS) {
    const scenario = { connections, depth, body: BODY, rounds, seconds };
    rows.push(...await measureInTurn(context, scenario, servers.all));
  }
  return rows;
}
