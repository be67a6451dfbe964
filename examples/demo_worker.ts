// The worker of the demo: see demo.ts, which starts it.

import { Box } from "@maple/box";
import { Worker } from "@maple/worker";

/** The commands of the demo's clients and trigger. */
export const Cmd = {
  /** "I am user N": a login. */
  LOGIN: 1,
  /** A move in the game: answered with who worked on it. */
  MOVE: 2,
  /** A line for everybody. */
  SAY: 3,
  /** From the trigger: the daily bonus of a user. */
  BONUS: 4,
} as const;

const app = new Worker(Box);

app.route(Cmd.LOGIN, (request) => {
  const { uid } = request.box.json<{ uid: number }>();
  request.loginClient(uid);
  return { body: { pid: Deno.pid } };
});

app.route(Cmd.MOVE, async (request) => {
  // As if a database were asked, which takes now one, now a few ms.
  await new Promise((resolve) => setTimeout(resolve, 1 + 3 * Math.random()));
  return { body: { pid: Deno.pid, again: request.redelivered } };
});

app.route(Cmd.SAY, (request) => {
  request.writeToUsers([[[-1], {
    cmd: Cmd.SAY,
    body: `user ${request.uid} says: ${request.box.text()}`,
  }]]);
  return { ret: 0 };
});

app.route(Cmd.BONUS, (request) => {
  request.writeToUsers([[[request.uid], {
    cmd: Cmd.SAY,
    body: `${request.custom} coins for user ${request.uid}, given by a worker`,
  }]]);
});

if (import.meta.main) {
  await app.run({ port: Number(Deno.args[0]), workers: 2 });
}
