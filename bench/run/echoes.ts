// Echoes: the same load on several servers in turn, round by round.

import { BURN_US, Cmd } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import type { LoadFlags, LoadOutcome } from "./generator.ts";
import { busyShare, processorTimes } from "./processors.ts";
import { leastFair, type Row } from "./rows.ts";
import type { Server } from "./servers.ts";
import { median } from "./statistics.ts";

/** A load. */
export interface Scenario {
  /** How many connections. */
  readonly connections: number;
  /** Requests in flight on each of them. */
  readonly depth: number;
  /** Bytes of a request's body. */
  readonly body: number;
  /** The command. @default {Cmd.ECHO} */
  readonly cmd?: number;
  /** Seconds that it is measured. */
  readonly seconds: number;
  /** How often. */
  readonly rounds: number;
}

// How long a load lasts before it is measured: until its first requests are answered, even if no
// more than so many a second are, and no more than so many bytes.
const WARM_UP_S = 0.1;
const FEW_A_SECOND = 30_000;
const FEW_BYTES_A_SECOND = 200e6;

/**
 * Puts the load on one server after the other, in each round; the ratios are to the first of them.
 */
export async function measureInTurn(
  { generator, tell }: BenchContext,
  scenario: Scenario,
  servers: readonly Server[],
): Promise<Row[]> {
  const { connections, depth, body, cmd = Cmd.ECHO, seconds, rounds } =
    scenario;
  const name = nameOf(scenario);
  const flags: LoadFlags = {
    connections,
    depth,
    body,
    cmd,
    duration: seconds,
    "warm-up": warmUpOf(scenario),
  };
  const results = servers.map((): LoadOutcome[] => []);
  const busy = servers.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    tell(`${name}, round ${round + 1}`);
    for (const [i, { port, flags: more }] of servers.entries()) {
      await using load = await generator.ready(port, { ...flags, ...more });
      const before = await processorTimes();
      results[i]!.push(await load.run());
      busy[i]!.push(busyShare(before, await processorTimes()));
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
      note: noteOf(busy[i]!, results[i]!),
    };
  });
}

function noteOf(
  busy: readonly number[],
  results: readonly LoadOutcome[],
): string {
  const percent = (shares: readonly number[]) =>
    `${(100 * median(shares)).toFixed(0)} %`;
  const load = results.flatMap(({ cpu }) => cpu ?? []);
  return `processors ${percent(busy)} busy${
    load.length === 0 ? "" : `, load ${percent(load)} of one`
  }`;
}

function nameOf({ connections, depth, body, cmd }: Scenario): string {
  const what = cmd === Cmd.BURN
    ? `${BURN_US} µs`
    : body < 1024
    ? `${body} B`
    : `${body / 1024} KiB`;
  return `${connections} × ${depth}, ${what}`;
}

/** Seconds until the first requests of a load are answered, even where that takes long. */
export function warmUpOf(
  { connections, depth, body }: Pick<
    Scenario,
    "connections" | "depth" | "body"
  >,
): number {
  const requests = connections * depth;
  return WARM_UP_S + requests / FEW_A_SECOND +
    requests * body / FEW_BYTES_A_SECOND;
}
