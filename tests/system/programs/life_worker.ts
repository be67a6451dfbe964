// A worker for the tests of worker life: its handlers work, hang, block and die as they are told
// to.
//
//   deno run -A life_worker.ts PORT [OPTIONS-AS-JSON]

import { Box } from "@maple/box";
import { type RunOptions, Worker } from "@maple/worker";

/** What the handlers do. */
export const LifeCmd = {
  /** Tells the version, the process and whether the task was delivered before. */
  WHO: 1,
  /** Takes as many milliseconds as the body says, then does as WHO. */
  WORK: 2,
  /** Never ends; where the task was delivered before it does as WHO. */
  HANG: 3,
  /** Blocks the event loop for good; where the task was delivered before it does as WHO. */
  BLOCK: 4,
  /** Ends the process after as many milliseconds as the body says. */
  DIE: 5,
} as const;

/** What a handler answers. */
export interface Who {
  /** Which code it is. */
  version: string;
  /** Its process. */
  pid: number;
  /** Whether the task was delivered before. */
  redelivered: boolean;
  /** Its `app.workerIndex`. */
  workerIndex: number;
  /** Its `app.isFirst`. */
  isFirst: boolean;
}

/** Runs the worker until it is stopped. `argv` is as for the program. */
export async function runLifeWorker(
  version: string,
  argv: readonly string[] = Deno.args,
): Promise<void> {
  const app = new Worker(Box);
  type Request = Parameters<Parameters<typeof app.route>[1]>[0];

  function who(request: Request) {
    const { redelivered } = request;
    const { workerIndex, isFirst } = app;
    const pid = Deno.pid;
    const body: Who = { version, pid, redelivered, workerIndex, isFirst };
    return request.writeToClient({ body: { ...body } });
  }

  app.route(LifeCmd.WHO, who);
  app.route(LifeCmd.WORK, async (request) => {
    const ms = Number(request.box.text());
    await new Promise((resolve) => setTimeout(resolve, ms));
    return await who(request);
  });
  app.route(LifeCmd.HANG, (request) => {
    if (request.redelivered) return who(request);
    // The timer keeps the event loop alive, as an operation under way would.
    return new Promise(() => setInterval(() => {}, 1000));
  });
  app.route(LifeCmd.BLOCK, (request) => {
    if (request.redelivered) return who(request);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
  app.route(LifeCmd.DIE, async (request) => {
    const ms = Number(request.box.text());
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    Deno.exit(1);
  });
  app.stopWorker(() => console.log(`stopWorker ${Deno.pid}`));

  const [port, options = "{}"] = argv;
  const given = JSON.parse(options) as RunOptions;
  await app.run("127.0.0.1", Number(port), given);
}

if (import.meta.main) await runLifeWorker("v1");
