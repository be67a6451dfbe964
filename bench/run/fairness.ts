// Fairness: how evenly a gateway serves connections that all want more than they get.

import { Cmd } from "./commands.ts";
import { type BenchContext, possibleConnections } from "./context.ts";
import { warmUpOf } from "./echoes.ts";
import type { Row } from "./rows.ts";
import { System } from "./system.ts";

const SUBJECTS = [
  { order: "client", io: "deno" },
  { order: "client", io: "epoll" },
  { order: "none", io: "deno" },
] as const;
// How many tasks the worker asks for at a time.
const CREDITS = [16, 1024];
const CONNECTIONS = [50, 1000, 5000, 15_000];
const DEPTHS = [1, 16];
const BODY = 40;
const LEAST_WARM_UP_S = 1;
// The more connections, the longer: each has to get enough answers for their number to tell.
const LEAST_S = 2;
const CONNECTIONS_A_SECOND = 1000;

/**
 * Answers of the worst served connection as a share of the mean, in each combination of order,
 * credits, connections and depth.
 */
export async function fairness(context: BenchContext): Promise<Row[]> {
  const { generator, tell } = context;
  const rows: Row[] = [];
  for (const { order, io } of SUBJECTS) {
    for (const credits of CREDITS) {
      await using system = await System.start({
        order,
        io,
        concurrency: credits,
      });
      for (const connections of possibleConnections(context, CONNECTIONS)) {
        for (const depth of DEPTHS) {
          const scenario = `${connections} × ${depth}, ${credits} credits`;
          tell(`fairness: ${scenario}, order ${order}, io ${io}`);
          const result = await generator.run(system.port, {
            connections,
            depth,
            cmd: Cmd.ECHO,
            body: BODY,
            "warm-up": LEAST_WARM_UP_S +
              warmUpOf({ connections, depth, body: BODY }),
            duration: Math.max(LEAST_S, connections / CONNECTIONS_A_SECOND),
          });
          rows.push({
            scenario,
            subject: `gateway, 1 worker, order ${order}, io ${io}`,
            unit: "worst/mean",
            values: [result.worst / result.mean],
            p99: [result.p99],
            fairness: result,
            note: `${Math.round(result.transactionRate)} answers/s`,
          });
        }
      }
    }
  }
  return rows;
}
