// A cluster: three gateways that are one over a nats-server, three workers that know one address
// each, and clients that write to each other across all of it, while one gateway is killed and one
// leaves.
//
//   deno task cluster
//
// It uses free ports of this machine only and ends by itself after about 15 seconds. Without a
// nats-server on the PATH the gateways are three processes of one, over a bus of its own.

import { Box } from "@maple/box";
import { Trigger } from "@maple/trigger";
import { GATEWAYS, type Member, overNats, overProcesses } from "./gateways.ts";
import { Program } from "./program.ts";
import { pause, tell, until } from "./say.ts";
import { totals, User } from "./user.ts";
import { Cmd } from "./worker.ts";

const USERS = 30;

function placesOf(users: readonly User[]): string {
  const places = Array.from({ length: GATEWAYS }, (_, node) => {
    const count = users.filter((user) => user.node === node).length;
    return `${count} at gateway ${node}`;
  });
  return places.join(", ");
}

/** Writes to all by a trigger at one gateway; tells how many have got it. */
async function announce(
  { inner }: Member,
  line: string,
): Promise<boolean> {
  await using trigger = new Trigger(Box, "127.0.0.1", inner);
  const before = totals.broadcasts;
  const { delivered, complete } = await trigger.writeToUsers(
    [[[-1], { cmd: Cmd.LINE, body: line }]],
    { receipt: true },
  );
  await pause(0.3);
  const came = totals.broadcasts - before;
  tell(
    "trigger",
    `writes to all: ${came} of ${USERS} users have it; the receipt says ${delivered}${
      complete ? "" : ", not all told"
    }`,
  );
  return came === USERS;
}

/** Waits until the others have noticed: as long as one does not tell, a question has no answer. */
async function untilGone({ inner }: Member): Promise<void> {
  await using trigger = new Trigger(Box, "127.0.0.1", inner);
  for (let i = 0; i < 60; i++) {
    try {
      await trigger.online([1]);
      return;
    } catch {
      await pause(0.3);
    }
  }
}

async function main(): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const cluster = await overNats(stack).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return overProcesses(stack);
  });
  const { members, port } = cluster;
  tell("gateways", `${GATEWAYS}, which find each other over the bus`);

  const workers = await Promise.all(
    members.map(({ inner }) => Program.ours("./worker.ts", [String(inner)])),
  );
  for (const [worker] of workers) stack.use(worker);
  tell(
    "workers",
    `${workers.length}, each told of one gateway; they serve all`,
  );

  const users = Array.from({ length: USERS }, (_, i) => new User(i + 1));
  for (const user of users) stack.use(user);
  await Promise.all(users.map((user) => user.connect(port)));
  tell("users", `${USERS} are logged in: ${placesOf(users)}`);
  for (const user of users) user.play(users);
  await pause(2);
  tell(
    "users",
    `${totals.answered} requests answered; ${totals.whispers} lines to each other, ${totals.across} of them to users of another gateway`,
  );
  let isWell = await announce(members[2]!, "good morning");

  const victim = members[1]!;
  tell("cluster", `kills gateway 1 (pid ${victim.pid}) with -9`);
  Deno.kill(victim.pid, "SIGKILL");
  await until(
    "users who were cut off",
    () => users.some(({ cuts }) => cuts > 0),
  );
  await pause(0.3);
  await until("users who are back", () => users.every(({ node }) => node >= 0));
  const cut = users.filter(({ cuts }) => cuts > 0).length;
  tell(
    "users",
    `${cut} were cut off, and are back: ${
      placesOf(users)
    }; ${totals.cut} requests went with it`,
  );
  await untilGone(members[2]!);
  isWell = await announce(members[2]!, "gateway 1 is gone") && isWell;

  const lost = totals.cut + totals.failed;
  tell("trigger", "has gateway 0 leave: its clients are asked to move");
  {
    await using trigger = new Trigger(Box, "127.0.0.1", members[2]!.inner);
    await trigger.drain({ node: 0, seconds: 2 });
  }
  await cluster.left(0);
  const failed = totals.cut + totals.failed - lost;
  tell(
    "users",
    `have moved: ${
      placesOf(users)
    }; ${failed} requests failed, nobody was cut off`,
  );
  isWell = await announce(members[2]!, "gateway 0 has left") && isWell;

  await Promise.all(users.map((user) => user.stop()));
  const { sent, answered, whispers, across, got, absent, twice, twiceMoving } =
    totals;
  console.log(`
requests sent            ${sent}
answered                 ${answered}
cut off with gateway 1   ${totals.cut}
lost                     ${sent - answered - totals.cut}
lines to users           ${whispers}, ${across} across gateways
came                     ${got}
user not there           ${absent}
came twice               ${twice}, and ${twiceMoving} to users who were changing gateways`);
  return isWell && failed === 0 && twice === 0 &&
      sent - answered === totals.cut
    ? 0
    : 1;
}

if (import.meta.main) Deno.exit(await main());
