// Mixed: what clients that wait for each answer get beside others that send many requests at once.

import { Cmd } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import { leastFair, type Row } from "./rows.ts";
import type { LoadSummary } from "../load/load_result.ts";
import { type Server, Servers } from "./servers.ts";
import { System } from "./system.ts";

const BODY = 40;
const LOADS = [{ connections: 20, depth: 1 }, { connections: 50, depth: 16 }];
// Where the worker asks for fewer tasks than there are clients these wait for each other.
const CREDITS = [16, 64];
const WARM_UP_S = 0.2;

/** Both kinds of clients at the same time, with chains and without. */
export async function mixed(context: BenchContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const concurrency of CREDITS) {
    await using servers = new Servers(context);
    for (const chainMax of [1, undefined]) {
      const name = `gateway, 1 worker${chainMax ? ", chain-max 1" : ""}`;
      const options = chainMax ? { chainMax, concurrency } : { concurrency };
      await servers.add(name, await System.start(options));
    }
    rows.push(...await measure(context, servers.all, concurrency));
  }
  return rows;
}

async function measure(
  { generator, rounds, seconds, tell }: BenchContext,
  servers: readonly Server[],
  credits: number,
): Promise<Row[]> {
  const results = servers.map(() => LOADS.map((): LoadSummary[] => []));
  for (let round = 0; round < rounds; round++) {
    tell(`mixed, ${credits} credits, round ${round + 1}`);
    for (const [i, { port }] of servers.entries()) {
      await using stack = new AsyncDisposableStack();
      const loads = await Promise.all(LOADS.map(async (load) =>
        stack.use(
          await generator.ready(port, {
            ...load,
            cmd: Cmd.ECHO,
            body: BODY,
            duration: seconds,
            "warm-up": WARM_UP_S,
          }),
        )
      ));
      const summaries = await Promise.all(loads.map((load) => load.run()));
      summaries.forEach((summary, l) => results[i]![l]!.push(summary));
    }
  }
  return LOADS.flatMap((load, l) =>
    servers.map(({ name }, i): Row => {
      const rates = (server: number) =>
        results[server]![l]!.map((result) => result.transactionRate);
      const first = rates(0);
      return {
        scenario: `${load.connections} × ${load.depth} of ${
          LOADS.map(({ connections, depth }) => `${connections} × ${depth}`)
            .join(" and ")
        }, ${credits} credits`,
        subject: name,
        unit: "answers/s",
        values: rates(i),
        ratios: rates(i).map((rate, round) => rate / first[round]!),
        yardstick: servers[0]!.name,
        p99: results[i]![l]!.map((result) => result.p99),
        fairness: leastFair(results[i]![l]!),
      };
    })
  );
}
