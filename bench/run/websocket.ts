// WebSockets beside TCP: the same loads on the two ports of one gateway and of one haven server,
// and the memory of idle connections.

import type { BenchContext } from "./context.ts";
import { measureInTurn } from "./echoes.ts";
import { measure } from "./memory.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { HAVEN, ONE_WORKER } from "./servers.ts";
import { System } from "./system.ts";

const OVER = ", WebSocket";
const FLAGS = { websocket: true } as const;
const LOADS = [[50, 1], [1000, 1], [50, 16]] as const;
const BODY = 40;
const IDLE = [5000];

/** Echoes over WebSockets as a share of those over TCP, and what an idle connection takes. */
export async function websocket(context: BenchContext): Promise<Row[]> {
  const rows: Row[] = [];
  {
    await using system = await System.start({ websocket: true });
    const { port, wsPort } = system;
    rows.push(...await echoes(context, ONE_WORKER, [port, wsPort]));
  }
  {
    await using haven = await startHaven();
    const ports = [haven.port(), haven.port("websocket=")] as const;
    rows.push(...await echoes(context, HAVEN, ports));
  }
  // Each in a process of its own: what one has freed the next would take.
  for (const isWeb of [false, true]) {
    await using system = await System.start({ websocket: true });
    const { gateway, port, wsPort } = system;
    const name = `${ONE_WORKER}${isWeb ? OVER : ""}`;
    const options = { counts: IDLE, flags: isWeb ? FLAGS : {} };
    const chosen = isWeb ? wsPort : port;
    rows.push(...await measure(context, name, gateway, chosen, options));
  }
  return rows;
}

function startHaven(): Promise<Program> {
  return Program.deno("programs/haven_echo.ts", ["deno", "--websocket"]);
}

async function echoes(
  context: BenchContext,
  name: string,
  [port, wsPort]: readonly [number, number],
): Promise<Row[]> {
  const { generator, seconds, rounds } = context;
  await generator.warmUp(port);
  await generator.warmUp(wsPort, FLAGS);
  const servers = [
    { name, port },
    { name: `${name}${OVER}`, port: wsPort, flags: FLAGS },
  ];
  const rows: Row[] = [];
  for (const [connections, depth] of LOADS) {
    const load = { connections, depth, body: BODY, seconds, rounds };
    rows.push(...await measureInTurn(context, load, servers));
  }
  return rows;
}
