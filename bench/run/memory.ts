// Memory: what each connection that is idle takes.

import { type BenchContext, possibleConnections } from "./context.ts";
import type { LoadFlags } from "./generator.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { DENO_ECHO, GATEWAYS, HAVEN, HAVEN_EPOLL } from "./servers.ts";
import { System } from "./system.ts";

const CONNECTIONS = [1000, 15_000];
// What a process that has just accepted the last connection needs to come to rest.
const REST_MS = 1000;

/** Memory of each connection that is idle, beyond what the process takes without any. */
export async function memory(context: BenchContext): Promise<Row[]> {
  const rows: Row[] = [];
  {
    await using echo = await Program.deno("load.ts", ["--serve"]);
    rows.push(...await measure(context, DENO_ECHO, echo));
  }
  for (const [subject, io] of [[HAVEN, "deno"], [HAVEN_EPOLL, "epoll"]]) {
    await using haven = await Program.deno("programs/haven_echo.ts", [io!]);
    rows.push(...await measure(context, subject!, haven));
  }
  for (const [subject, io] of GATEWAYS) {
    await using system = await System.start({ io });
    const { gateway, port } = system;
    rows.push(...await measure(context, subject, gateway, port));
  }
  return rows.toSorted((a, b) => a.scenario.length - b.scenario.length);
}

/** The same of one server, at several numbers of connections. */
export async function measure(
  context: BenchContext,
  subject: string,
  process: Program,
  port: number = process.port(),
  { counts = CONNECTIONS, flags = {} }: {
    readonly counts?: readonly number[];
    readonly flags?: LoadFlags;
  } = {},
): Promise<Row[]> {
  const { generator, tell } = context;
  await generator.warmUp(port, flags);
  const before = await process.rss();
  const rows: Row[] = [];
  await using idle = new AsyncDisposableStack();
  let open = 0;
  for (const connections of possibleConnections(context, counts)) {
    tell(`memory of ${connections} idle connections, ${subject}`);
    const more = { ...flags, connections: connections - open, requests: 0 };
    idle.use(await generator.ready(port, more));
    open = connections;
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const each = (await process.rss() - before) / connections / 1024;
    rows.push({
      scenario: `${connections} idle connections`,
      subject,
      unit: "KiB RSS each",
      values: [each],
    });
  }
  return rows;
}
