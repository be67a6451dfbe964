// Throughput: answers a second of the gateway, of haven and of the yardsticks.

import type { BenchContext } from "./context.ts";
import { measureInTurn, type Scenario } from "./echoes.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { HAVEN, ONE_WORKER, ONE_WORKER_EPOLL, Servers } from "./servers.ts";
import { System } from "./system.ts";

const FORWARDER = "Deno forwarder";
const NO_CHAINS = "gateway, 1 worker, chain-max 1";
const NO_ORDER = "gateway, 1 worker, order none";
const MANY_CREDITS = "gateway, 1 worker, order none, 256 credits";
const TWO_WORKERS = "gateway, 2 workers";

const KIB = 1024;
const CONNECTIONS = [1, 50, 1000];
const DEPTHS = [1, 16];
const BODIES = [40, KIB, 16 * KIB];
// Measured with all servers, for longer and more often than the others.
const MAIN = [
  "1 × 1 × 40",
  "50 × 1 × 40",
  "1000 × 1 × 40",
  "50 × 16 × 40",
  "1000 × 16 × 40",
];
const OTHERS_SERVERS = [HAVEN, ONE_WORKER, ONE_WORKER_EPOLL, TWO_WORKERS];
const OTHERS_SHARE = 0.6;
// A load that has more bytes under way takes seconds until its first requests are answered: it is
// measured once.
const MANY_BYTES = 64 * KIB * KIB;

/** Echoes at several numbers of connections, depths and sizes. */
export async function throughput(context: BenchContext): Promise<Row[]> {
  await using servers = new Servers(context);
  await startServers(servers, context);
  const rows: Row[] = [];
  for (const { isMain, ...scenario } of scenarios(context)) {
    // The first is the yardstick.
    const measured = servers.all.filter(({ name }, i) =>
      isMain
        // What a worker asks for at a time, and chains, make no difference to clients that wait for
        // each answer.
        ? ![MANY_CREDITS, NO_CHAINS].includes(name) || scenario.depth > 1
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
  servers: Servers,
  { tell }: BenchContext,
): Promise<void> {
  tell("starting the servers");
  await servers.addEchoes();
  // The forwarders stand in front of the fastest server that there is: what they cost is their own.
  const { port } = servers.all[0]!;
  await servers.addHaproxy();
  await servers.add(
    FORWARDER,
    await Program.deno("programs/forwarder.ts", [String(port)]),
  );
  await servers.addOurs();
  await servers.add(NO_CHAINS, await System.start({ chainMax: 1 }));
  await servers.add(NO_ORDER, await System.start({ order: "none" }));
  await servers.add(
    MANY_CREDITS,
    await System.start({ order: "none", concurrency: 256 }),
  );
  await servers.add(TWO_WORKERS, await System.start({ workers: 2 }));
}
