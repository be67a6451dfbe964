// The worker of the rolling restart: it answers each request with what it holds, and knows which of
// them it has had before.
//
//   deno run -A rolling_worker.ts INNER_PORT,INNER_PORT,...

import { Box } from "@maple/box";
import { Worker } from "@maple/worker";

/** What the handlers do. */
export const RollingCmd = {
  /** Logs the user in whose uid the body is. */
  LOGIN: 1,
  /** Takes some milliseconds, up to `WORK_MS`, and answers with the body. */
  WORK: 2,
  /** Answers with `{handled, again}`: how many requests there were, and how many came again. */
  TELL: 3,
  /** Asks clients to move, and tells that one knows how. */
  MOVE: 98,
} as const;

/** The most that a request takes. */
export const WORK_MS = 50;

if (import.meta.main) {
  const ports = Deno.args[0]!.split(",").map(Number);
  const seen = new Set<string>();
  let again = 0;
  const app = new Worker(Box);
  app.route(RollingCmd.LOGIN, (request) => {
    request.loginClient(Number(request.box.text()));
    return { body: "welcome" };
  });
  app.route(RollingCmd.WORK, async (request) => {
    const body = request.box.text();
    if (seen.has(body)) again++;
    seen.add(body);
    const ms = Math.random() * WORK_MS;
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { body };
  });
  app.route(RollingCmd.TELL, () => ({ body: { handled: seen.size, again } }));
  await app.run({
    gateways: ports.map((port) => ({ host: "127.0.0.1", port })),
    workers: 0,
    concurrency: 512,
  });
}
