// Messages to users: how many of them a gateway delivers a second.

import { Cmd, USERS_SOME } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import type { Row } from "./rows.ts";
import { System } from "./system.ts";

const USERS = 5000;

const AUDIENCES: readonly (readonly [cmd: number, users: number])[] = [
  [Cmd.TO_ONE, 1],
  [Cmd.TO_SOME, USERS_SOME],
  [Cmd.TO_ALL, USERS],
];

// Requests for such messages that are under way at a time.
const REQUESTS = 16;

/** WRITE_TO_USERS to one user, to 1,000 and to all of 5,000 who are logged in; counted is what arrives. */
export async function users(context: BenchContext): Promise<Row[]> {
  const { generator, rounds, seconds, tell } = context;
  const values = AUDIENCES.map((): number[] => []);
  await using system = await System.start();
  for (let round = 0; round < rounds; round++) {
    for (const [i, [cmd, count]] of AUDIENCES.entries()) {
      tell(`messages to ${count} users, round ${round + 1}`);
      await using listeners = await generator.ready(system.port, {
        connections: USERS,
        requests: 0,
        login: 1,
        "login-cmd": Cmd.LOGIN,
        duration: seconds,
        "warm-up": seconds / 2,
      });
      await using caller = await generator.ready(system.port, {
        connections: 1,
        cmd,
        depth: count === 1 ? REQUESTS : 2,
        duration: seconds * 1.6,
      });
      const [heard] = await Promise.all([listeners.run(), caller.run()]);
      values[i]!.push(heard.pushes / heard.elapsed);
    }
  }
  return AUDIENCES.map(([, count], i) => ({
    scenario: `to ${count} of ${USERS} users`,
    subject: "gateway, 1 worker",
    unit: "deliveries/s",
    values: values[i]!,
  }));
}
