// startRedis: a Redis of the test's own, where one is installed.

import { eventually } from "./eventually.ts";
import { RunningProcess } from "./process.ts";

/** Whether it is installed; without it, a line is printed that says what that means. */
export const hasRedis: boolean = await isInstalled();

async function isInstalled(): Promise<boolean> {
  try {
    const command = new Deno.Command("redis-server", {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    });
    return (await command.output()).success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(
      "redis-server is not installed (Debian: redis-server): tables are not tested in Redis",
    );
    return false;
  }
}

/** A Redis that runs. */
export interface RunningRedis extends AsyncDisposable {
  /** Where clients connect. */
  readonly url: string;
  /** Its process. */
  readonly process: RunningProcess;
}

/** Starts one that keeps nothing on disk, on a socket in a folder of its own. */
export async function startRedis(): Promise<RunningRedis> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "maple_redis_" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const socket = `${folder}/redis.sock`;
  const process = stack.use(
    new RunningProcess("redis-server", {
      args: ["--port", "0", "--unixsocket", socket, "--save", ""],
      cwd: folder,
    }),
  );
  await eventually(
    () =>
      process.stdout.some((line) =>
        /Ready to accept|ready to accept/.test(line)
      ),
    { timeout: 30_000, what: "redis-server that accepts connections" },
  );
  const end = stack.move();
  return {
    url: `unix://${socket}`,
    process,
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}
