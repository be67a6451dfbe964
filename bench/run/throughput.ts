// Throughput: answers a second of the gateway, of haven and of the yardsticks, all in turn.

import type { LoadSummary } from "../load/load_result.ts";
import { Cmd } from "./commands.ts";
import { type BenchContext, WARM_UP_S } from "./context.ts";
import type { LoadFlags } from "./generator.ts";
import { Program } from "./program.ts";
import { leastFair, type Row } from "./rows.ts";
import { System } from "./system.ts";

/** A server that runs. */
interface Server {
  readonly name: string;
  readonly port: number;
}

const C_ECHO = "C epoll echo";
const DENO_ECHO = "Deno.listen echo";
const FORWARDER = "Deno forwarder";
const HAVEN = "haven";
const ONE_WORKER = "gateway, 1 worker";
const NO_ORDER = "gateway, 1 worker, order none";
const TWO_WORKERS = "gateway, 2 workers";
const EVERYBODY = [
  C_ECHO,
  DENO_ECHO,
  FORWARDER,
  HAVEN,
  ONE_WORKER,
  NO_ORDER,
  TWO_WORKERS,
];

interface Scenario {
  readonly connections: number;
  readonly depth: number;
  readonly body: number;
  readonly cmd?: number;
  readonly servers: readonly string[];
}

const SCENARIOS: readonly Scenario[] = [
  {
    connections: 1,
    depth: 1,
    body: 40,
    servers: EVERYBODY.filter((name) => name !== TWO_WORKERS),
  },
  { connections: 50, depth: 1, body: 40, servers: EVERYBODY },
  { connections: 1000, depth: 1, body: 40, servers: EVERYBODY },
  { connections: 50, depth: 16, body: 40, servers: EVERYBODY },
  {
    connections: 1000,
    depth: 16,
    body: 40,
    servers: [C_ECHO, ONE_WORKER, NO_ORDER],
  },
  {
    connections: 50,
    depth: 1,
    body: 1024,
    servers: [C_ECHO, DENO_ECHO, FORWARDER, HAVEN, ONE_WORKER],
  },
  {
    connections: 50,
    depth: 1,
    body: 16 * 1024,
    servers: [C_ECHO, DENO_ECHO, FORWARDER, HAVEN, ONE_WORKER],
  },
];

const BURN: readonly Scenario[] = [
  {
    connections: 50,
    depth: 1,
    body: 40,
    cmd: Cmd.BURN,
    servers: [ONE_WORKER, TWO_WORKERS],
  },
];

/** Echoes at several numbers of connections, depths and sizes. */
export function throughput(context: BenchContext): Promise<Row[]> {
  return measureAll(context, SCENARIOS);
}

/** A handler that computes, with one worker and with two. */
export function computing(context: BenchContext): Promise<Row[]> {
  return measureAll(context, BURN);
}

async function measureAll(
  context: BenchContext,
  scenarios: readonly Scenario[],
): Promise<Row[]> {
  await using running = new AsyncDisposableStack();
  const needed = new Set(scenarios.flatMap(({ servers }) => servers));
  const servers = await startServers(context, needed, running);
  const rows: Row[] = [];
  for (const scenario of scenarios) {
    rows.push(
      ...await measure(
        context,
        scenario,
        servers.filter(({ name }) => scenario.servers.includes(name)),
      ),
    );
  }
  return rows;
}

async function startServers(
  { native }: BenchContext,
  needed: ReadonlySet<string>,
  running: AsyncDisposableStack,
): Promise<Server[]> {
  const servers: Server[] = [];
  const add = async (name: string, start: () => Promise<Program | System>) => {
    if (!needed.has(name)) return;
    const program = running.use(await start());
    const port = program instanceof System ? program.port : program.port();
    servers.push({ name, port });
  };
  if (native) await add(C_ECHO, () => Program.start([native.echo]));
  await add(DENO_ECHO, () => Program.deno("load.ts", ["--serve"]));
  // In front of the fastest server that there is: what it costs is its own.
  await add(
    FORWARDER,
    () => Program.deno("programs/forwarder.ts", [String(servers[0]!.port)]),
  );
  await add(HAVEN, () => Program.deno("programs/haven_echo.ts"));
  await add(ONE_WORKER, () => System.start());
  await add(NO_ORDER, () => System.start({ order: "none" }));
  await add(TWO_WORKERS, () => System.start({ workers: 2 }));
  return servers;
}

async function measure(
  { generator, rounds, seconds, tell }: BenchContext,
  scenario: Scenario,
  servers: readonly Server[],
): Promise<Row[]> {
  const { connections, depth, body, cmd = Cmd.ECHO } = scenario;
  const name = `${connections} × ${depth}, ${
    cmd === Cmd.BURN ? "200 µs" : `${body} B`
  }`;
  const flags: LoadFlags = {
    connections,
    depth,
    body,
    cmd,
    duration: seconds,
    "warm-up": WARM_UP_S,
  };
  const results = servers.map((): LoadSummary[] => []);
  for (let round = 0; round < rounds; round++) {
    tell(`${name}, round ${round + 1}`);
    for (const [i, { port }] of servers.entries()) {
      results[i]!.push(await generator.run(port, flags));
    }
  }
  return servers.map((server, i) => {
    const rates = results[i]!.map((result) => result.transactionRate);
    return {
      scenario: name,
      subject: server.name,
      unit: "answers/s",
      values: rates,
      ratios: rates.map((rate, round) =>
        rate / results[0]![round]!.transactionRate
      ),
      yardstick: servers[0]!.name,
      p99: results[i]!.map((result) => result.p99),
      fairness: leastFair(results[i]!),
    };
  });
}
