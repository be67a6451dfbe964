// The worker of the example cluster: see main.ts, which starts it.

import { Box } from "@maple/box";
import { Worker } from "@maple/worker";

/** The commands of the cluster's clients and triggers. */
export const Cmd = {
  /** "I am user N": a login, answered with the gateway that the user is at. */
  LOGIN: 1,
  /** A move in the game: answered with who worked on it. */
  MOVE: 2,
  /** A line to another user, wherever he is: answered when he has it, or is not there. */
  WHISPER: 3,
  /** What users get: from others, or from a trigger. */
  LINE: 4,
  /** A gateway that leaves asks its clients to move: its `--move-cmd`. */
  MOVE_AWAY: 98,
} as const;

const app = new Worker(Box);

app.route(Cmd.LOGIN, (request) => {
  request.loginClient(request.box.json<{ uid: number }>().uid);
  return { body: { node: request.task.nodeId } };
});

app.route(Cmd.MOVE, async () => {
  // As if a database were asked.
  await new Promise((resolve) => setTimeout(resolve, 2));
  return { body: { pid: Deno.pid } };
});

app.route(Cmd.WHISPER, async (request) => {
  const { to, line } = request.box.json<{ to: number; line: string }>();
  const rows = [[to], { cmd: Cmd.LINE, body: line }] as const;
  const { delivered } = await request.writeToUsers([rows], { receipt: true });
  return { body: { delivered } };
});

if (import.meta.main) {
  // One address is enough: the gateway there tells of all others.
  await app.run({ port: Number(Deno.args[0]), workers: 1 });
}
