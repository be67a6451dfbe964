// Messages to users: how many of them a gateway delivers a second.

import { Cmd, USERS_SOME } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import type { Generator } from "./generator.ts";
import { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { C_ECHO, ONE_WORKER } from "./servers.ts";
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

/**
 * WRITE_TO_USERS to one user, to 1,000 and to all of 5,000 who are logged in; counted is what
 * arrives.
 */
export async function users(context: BenchContext): Promise<Row[]> {
  const { generator, native, tell } = context;
  const seconds = Math.max(context.seconds, LEAST_S);
  const rounds = Math.min(context.rounds, MOST_ROUNDS);
  const values = AUDIENCES.map((): number[] => []);
  const echoes: number[] = [];
  await using running = new AsyncDisposableStack();
  const system = running.use(await System.start());
  const echo = native && running.use(await Program.start([native.echo]));
  // The first round is the warm-up.
  for (let round = 0; round <= rounds; round++) {
    tell(`messages to users, ${round ? `round ${round}` : "warm-up"}`);
    for (const [i, [cmd, count]] of AUDIENCES.entries()) {
      const rate = await deliveries(generator, system.port, {
        cmd,
        depth: count === 1 ? REQUESTS : LARGE_REQUESTS,
        seconds,
      });
      if (round > 0) values[i]!.push(rate);
    }
    if (!echo || round === 0) continue;
    const result = await generator.run(echo.port(), {
      connections: USERS,
      duration: seconds,
      "warm-up": WARM_UP_S,
    });
    echoes.push(result.transactionRate);
  }
  return AUDIENCES.map(([, count], i) => ({
    scenario: `to ${count} of ${USERS} users`,
    subject: ONE_WORKER,
    unit: "deliveries/s",
    values: values[i]!,
    ...echo && {
      ratios: values[i]!.map((value, round) => value / echoes[round]!),
      yardstick: `${C_ECHO}, ${USERS} × 1`,
    },
  }));
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
