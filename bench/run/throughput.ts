// Throughput: answers a second of the gateway, of haven and of the yardsticks.

import type { BenchContext } from "./context.ts";
import { measureInTurn, type Scenario, type Server } from "./echoes.ts";
import { Haproxy } from "./haproxy.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { System } from "./system.ts";

const C_ECHO = "C epoll echo";
const DENO_ECHO = "Deno.listen echo";
const HAPROXY = "HAProxy";
const FORWARDER = "Deno forwarder";
const HAVEN = "haven";
const ONE_WORKER = "gateway, 1 worker";
const NO_ORDER = "gateway, 1 worker, order none";
const MANY_CREDITS = "gateway, 1 worker, order none, 256 credits";
const TWO_WORKERS = "gateway, 2 workers";

const KIB = 1024;
const CONNECTIONS = [1, 50, 1000];
const DEPTHS = [1, 16];
const BODIES = [40, KIB, 16 * KIB];
// Measured with all servers, for longer and more often than the others.
const MAIN = ["1 × 1 × 40", "50 × 1 × 40", "1000 × 1 × 40", "50 × 16 × 40"];
const OTHERS_SERVERS = [HAVEN, ONE_WORKER, TWO_WORKERS];
const OTHERS_SHARE = 0.6;
// A load that has more bytes under way takes seconds until its first requests are answered: it is measured once.
const MANY_BYTES = 64 * KIB * KIB;

/** Echoes at several numbers of connections, depths and sizes. */
export async function throughput(context: BenchContext): Promise<Row[]> {
  await using running = new AsyncDisposableStack();
  const servers = await startServers(context, running);
  const rows: Row[] = [];
  for (const { isMain, ...scenario } of scenarios(context)) {
    // The first is the yardstick.
    const measured = servers.filter(({ name }, i) =>
      isMain
        // What a worker asks for at a time makes no difference to clients that wait for each answer.
        ? name !== MANY_CREDITS || scenario.depth > 1
        : i === 0 || OTHERS_SERVERS.includes(name)
    );
    rows.push(...await measureInTurn(context, scenario, measured));
  }
  return rows;
}

function scenarios(
  { seconds, rounds }: BenchContext,
): (Scenario & { isMain: boolean })[] {
  return BODIES.flatMap((body) =>
    DEPTHS.flatMap((depth) =>
      CONNECTIONS.map((connections) => {
        const isMain = MAIN.includes(`${connections} × ${depth} × ${body}`);
        const share = isMain ? 1 : OTHERS_SHARE;
        const isLarge = connections * depth * body > MANY_BYTES;
        return {
          connections,
          depth,
          body,
          isMain,
          seconds: seconds * share,
          rounds: isLarge ? 1 : Math.ceil(rounds * share),
        };
      })
    )
  );
}

async function startServers(
  { native, generator, folder, tell }: BenchContext,
  running: AsyncDisposableStack,
): Promise<Server[]> {
  tell("starting the servers");
  const servers: Server[] = [];
  const add = async (name: string, server: Program | System | Haproxy) => {
    running.use(server);
    const port = server instanceof Program ? server.port() : server.port;
    await generator.warmUp(port);
    servers.push({ name, port });
    return port;
  };
  const echo = await add(
    native ? C_ECHO : DENO_ECHO,
    native
      ? await Program.start([native.echo])
      : await Program.deno("load.ts", ["--serve"]),
  );
  if (native) {
    await add(DENO_ECHO, await Program.deno("load.ts", ["--serve"]));
  }
  // The forwarders stand in front of the fastest server that there is: what they cost is their own.
  const haproxy = await Haproxy.start(echo, folder);
  if (haproxy) await add(HAPROXY, haproxy);
  else tell("HAProxy is not installed, and left out");
  await add(
    FORWARDER,
    await Program.deno("programs/forwarder.ts", [String(echo)]),
  );
  await add(HAVEN, await Program.deno("programs/haven_echo.ts"));
  await add(ONE_WORKER, await System.start());
  await add(NO_ORDER, await System.start({ order: "none" }));
  await add(
    MANY_CREDITS,
    await System.start({ order: "none", concurrency: 256 }),
  );
  await add(TWO_WORKERS, await System.start({ workers: 2 }));
  return servers;
}
