// Messages to users: how many of them a gateway delivers a second.

import type { LoadSummary } from "../load/load_result.ts";
import { Cmd, USERS_SOME } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import type { Generator } from "./generator.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { C_ECHO, GATEWAYS } from "./servers.ts";
import { System } from "./system.ts";

const USERS = 5000;

const AUDIENCES: readonly (readonly [cmd: number, users: number])[] = [
  [Cmd.TO_ONE, 1],
  [Cmd.TO_SOME, USERS_SOME],
  [Cmd.TO_ALL, USERS],
];

// A message to all takes so long that few of them fit in a short time; there are fewer rounds
// instead.
const LEAST_S = 0.8;
const MOST_ROUNDS = 3;
const WARM_UP_S = 0.4;
// Requests for such messages that are under way at a time.
const REQUESTS = 16;
const LARGE_REQUESTS = 2;
// The users log in before they are written to.
const BEFORE_MS = 1500;

// Those who ask for something else meanwhile.
const HONEST = { connections: 50, cmd: Cmd.ECHO, rate: 1000 };

/** What was measured of a gateway, one value a round. */
interface Figures {
  /** By audience. */
  readonly values: readonly number[][];
  /** Of those who ask for something else, while all are written to and while nobody is. */
  readonly busy: Waits;
  readonly quiet: Waits;
}

/** Milliseconds, one value a round. */
interface Waits {
  readonly longest: number[];
  readonly p99: number[];
}

/**
 * WRITE_TO_USERS to one user, to 1,000 and to all of 5,000 who are logged in; counted is what
 * arrives. And how long 50 others wait for an answer of the same worker while all are written to.
 */
export async function users(context: BenchContext): Promise<Row[]> {
  const { native } = context;
  const rounds = Math.min(context.rounds, MOST_ROUNDS);
  const echoes: number[] = [];
  await using running = new AsyncDisposableStack();
  const echo = native && running.use(await Program.start([native.echo]));
  const gateways: { subject: string; system: System; figures: Figures }[] = [];
  for (const [subject, io] of GATEWAYS) {
    gateways.push({
      subject,
      system: running.use(await System.start({ io })),
      figures: {
        values: AUDIENCES.map(() => []),
        busy: { longest: [], p99: [] },
        quiet: { longest: [], p99: [] },
      },
    });
  }
  // The first round is the warm-up.
  for (let round = 0; round <= rounds; round++) {
    for (const { subject, system, figures } of gateways) {
      context.tell(
        `messages to users, ${subject}, ${
          round ? `round ${round}` : "warm-up"
        }`,
      );
      await measure(context, system.port, round > 0 ? figures : undefined);
    }
    if (!echo || round === 0) continue;
    const result = await context.generator.run(echo.port(), {
      connections: USERS,
      duration: secondsOf(context),
      "warm-up": WARM_UP_S,
    });
    echoes.push(result.transactionRate);
  }
  return [
    ...AUDIENCES.flatMap(([, count], i) =>
      gateways.map(({ subject, figures: { values } }) => ({
        scenario: `to ${count} of ${USERS} users`,
        subject,
        unit: "deliveries/s",
        values: values[i]!,
        ...echo && {
          ratios: values[i]!.map((value, round) => value / echoes[round]!),
          yardstick: `${C_ECHO}, ${USERS} × 1`,
        },
      }))
    ),
    ...(["quiet", "busy"] as const).flatMap((when) =>
      gateways.map(({ subject, figures }) => ({
        scenario: `50 others, ${
          when === "busy" ? `all ${USERS} are` : "nobody is"
        } written to`,
        subject,
        unit: "ms at most",
        values: figures[when].longest,
        p99: figures[when].p99,
      }))
    ),
  ];
}

async function measure(
  context: BenchContext,
  port: number,
  figures: Figures | undefined,
): Promise<void> {
  const { generator } = context;
  const seconds = secondsOf(context);
  for (const [i, [cmd, count]] of AUDIENCES.entries()) {
    const depth = count === 1 ? REQUESTS : LARGE_REQUESTS;
    const rate = await deliveries(generator, port, { cmd, depth, seconds });
    figures?.values[i]?.push(rate);
  }
  const others = { ...HONEST, duration: seconds, "warm-up": WARM_UP_S };
  note(await generator.run(port, others), figures?.quiet);
  await using load = await generator.ready(port, others);
  const [, result] = await Promise.all([
    deliveries(generator, port, {
      cmd: Cmd.TO_ALL,
      depth: LARGE_REQUESTS,
      seconds: seconds + WARM_UP_S,
    }),
    // When all of the users are logged in.
    new Promise((resolve) => setTimeout(resolve, BEFORE_MS))
      .then(() => load.run()),
  ]);
  note(result, figures?.busy);
}

function note({ max, p99 }: LoadSummary, waits: Waits | undefined): void {
  waits?.longest.push(max);
  waits?.p99.push(p99);
}

function secondsOf({ seconds }: BenchContext): number {
  return Math.max(seconds, LEAST_S);
}

// Messages a second that arrive at users who only listen, while somebody asks for one after the
// other.
async function deliveries(
  generator: Generator,
  port: number,
  { cmd, depth, seconds }: { cmd: number; depth: number; seconds: number },
): Promise<number> {
  await using listeners = await generator.ready(port, {
    connections: USERS,
    requests: 0,
    login: 1,
    "login-cmd": Cmd.LOGIN,
    duration: seconds,
    "warm-up": WARM_UP_S,
  });
  await using caller = await generator.ready(port, {
    connections: 1,
    cmd,
    depth,
    duration: seconds + WARM_UP_S,
  });
  const [heard] = await Promise.all([listeners.run(), caller.run()]);
  return heard.pushes / heard.elapsed;
}
