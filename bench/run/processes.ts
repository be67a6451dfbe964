// Processes: what a second process of the gateway gives, on shared ports.

import type { BenchContext } from "./context.ts";
import { measureInTurn } from "./echoes.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { C_ECHO, DENO_ECHO, Servers } from "./servers.ts";
import { System, type SystemOptions } from "./system.ts";

const BODY = 40;
const LOADS = [[1000, 1], [50, 1], [50, 16]] as const;
const KINDS: readonly SystemOptions[] = [
  {},
  { workers: 2 },
  { io: "epoll" },
];

/** The gateway as one process and as two. */
export async function processes(context: BenchContext): Promise<Row[]> {
  const { native, rounds, seconds, tell } = context;
  tell("starting the gateways");
  await using servers = new Servers(context);
  if (native) await servers.add(C_ECHO, await Program.start([native.echo]));
  else {
    const echo = await Program.deno("load.ts", ["--serve"]);
    await servers.add(DENO_ECHO, echo);
  }
  for (const kind of KINDS) {
    for (const processes of [1, 2]) {
      const system = await System.start({ ...kind, processes });
      await servers.add(nameOf({ ...kind, processes }), system);
    }
  }
  const rows: Row[] = [];
  for (const [connections, depth] of LOADS) {
    const scenario = { connections, depth, body: BODY, rounds, seconds };
    rows.push(...await measureInTurn(context, scenario, servers.all));
  }
  return rows;
}

function nameOf({ processes = 1, workers = 1, io }: SystemOptions): string {
  const [many, some] = [processes > 1 ? "es" : "", workers > 1 ? "s" : ""];
  return `gateway, ${processes} process${many}, ${workers} worker${some}${
    io === undefined ? "" : `, io ${io}`
  }`;
}
