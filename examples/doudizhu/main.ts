// The card table, all of it: a gateway, two workers, the store and the page.
//
//   deno task table [--port PORT] [--ws-port PORT] [--host HOST] [--bots N] [--workers N]
//     [--store PLACE] [--turn SECONDS] [--wait SECONDS]
//
// Open the address that it prints, in two windows for two players. With --host 0.0.0.0 phones in
// the same network can play, too. PLACE: see worker.ts; by default REDIS_URL, or a file that is
// gone at the end.

import { parseArgs } from "@std/cli/parse-args";
import { startProgram } from "../start_program.ts";
import { Robot } from "./robot.ts";
import { servePage } from "./serve.ts";
import { openStore } from "./store/open_store.ts";

const GATEWAY = new URL("../../gateway/mod.ts", import.meta.url);
const WORKER = new URL("./worker.ts", import.meta.url);
const COMING_AT_A_TIME = 50;
const WS_PORT = 8001;
const USAGE =
  `deno task table [--port PORT] [--ws-port PORT] [--host HOST] [--bots N] [--workers N]
  [--store PLACE] [--turn SECONDS] [--wait SECONDS]

  --port     where the page is served (8000; 0 = any free one)
  --ws-port  where the page connects to (8001, or any free one where that is taken or --port is 0)
  --host     where all of it listens (127.0.0.1; 0.0.0.0 = for phones in the network, too)
  --bots     players of the house that fill the hall (0)
  --workers  processes that handle moves (2)
  --store    a file, or redis://HOST:PORT (REDIS_URL, or a file that is gone at the end)
  --turn     seconds that a person may take for a move (20)
  --wait     seconds in the hall before bots sit down (5)`;

const flags = parseArgs(Deno.args, {
  string: [
    "port",
    "ws-port",
    "host",
    "bots",
    "workers",
    "store",
    "turn",
    "wait",
  ],
  default: { port: "8000", host: "127.0.0.1", bots: "0", workers: "2" },
  boolean: ["help"],
  unknown(flag) {
    fail(`there is no flag ${flag}; see examples/doudizhu/main.ts`, 2);
  },
});

if (flags.help) {
  console.log(USAGE);
  Deno.exit(0);
}

for (const name of ["turn", "wait"] as const) {
  const value = flags[name];
  if (value !== undefined && !/^\d+(\.\d+)?$/.test(value)) {
    fail(`--${name} takes a number of seconds, got "${value}"`, 2);
  }
}
for (const name of ["port", "ws-port", "bots", "workers"] as const) {
  const value = flags[name] ?? "0";
  if (!/^\d+$/.test(value)) {
    fail(`--${name} takes a whole number, got "${value}"`, 2);
  }
  if (name.endsWith("port") && Number(value) > 65535) {
    fail(`--${name} takes a number up to 65535, got "${value}"`, 2);
  }
}
if (flags.workers === "0") fail("--workers takes at least 1", 2);

// The same at each start, so that a page that is open finds it again.
function wsPort(): string {
  const { host, port, "ws-port": given } = flags;
  if (given !== undefined || port === "0") return given ?? "0";
  try {
    Deno.listen({ hostname: host, port: WS_PORT }).close();
    return String(WS_PORT);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    console.error(
      `table: port ${WS_PORT} is taken, the page connects to another one: load it anew after the next start; --ws-port takes one`,
    );
    return "0";
  }
}

// What is wrong is said in one line.
function fail(error: unknown, code: number): never {
  console.error(`table: ${error instanceof Error ? error.message : error}`);
  Deno.exit(code);
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, end);
  }

  const folder = await Deno.makeTempDir({ prefix: "doudizhu_" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const store = flags.store ?? Deno.env.get("REDIS_URL") ??
    `${folder}/tables.db`;
  // Tells at once what is wrong with it, and makes it before several open it.
  await (await openStore(store))[Symbol.asyncDispose]();

  const gateway = stack.use(
    await startProgram(GATEWAY, [
      ...["--outer-host", flags.host, "--outer-port", "0"],
      ...["--ws-port", wsPort()],
      ...["--inner-port", "0", "--max-deliveries", "10", "--client-rate", "30"],
      // At the end nobody is left to take the news that players have gone.
      ...["--drain-timeout", "0"],
    ], "inherit"),
  );
  const [innerPort, served] = ["inner", "ws"].map((name) =>
    new RegExp(` ${name}=\\S*:(\\d+)`).exec(gateway.ready)![1]!
  ) as [string, string];

  const options = ["turn", "wait"] as const;
  const worker = stack.use(
    await startProgram(WORKER, [
      ...["--port", innerPort, "--store", store, "--workers", flags.workers],
      ...options.flatMap((name) =>
        flags[name] === undefined ? [] : [`--${name}`, flags[name]]
      ),
    ], "inherit"),
  );

  const page = stack.use(
    await servePage({
      hostname: flags.host,
      port: Number(flags.port),
      wsPort: Number(served),
    }).catch(({ message }: Error) => {
      throw new Error(
        `Cannot serve the page at ${flags.host}:${flags.port}: ${message}; --port takes another one`,
      );
    }),
  );
  const shown = flags.host === "0.0.0.0" ? "127.0.0.1" : flags.host;
  console.log(`斗地主 at http://${shown}:${page.addr.port}/`);
  console.log(
    `reload the workers while you play: kill -HUP ${worker.process.pid}`,
  );

  const robots: Robot[] = [];
  stack.defer(async () => {
    await Promise.all(robots.map((robot) => robot[Symbol.asyncDispose]()));
  });
  let isOver = false;
  ended.then(() => isOver = true);
  while (robots.length < Number(flags.bots) && !isOver) {
    const more = Array.from(
      {
        length: Math.min(COMING_AT_A_TIME, Number(flags.bots) - robots.length),
      },
      (_, i) => new Robot(`bot ${robots.length + i + 1}`),
    );
    robots.push(...more);
    const url = `ws://${shown}:${served}/`;
    await Promise.all(more.map((robot) => robot.play(url).catch(() => {})));
  }
  if (robots.length > 0) console.log(`${robots.length} bots play`);

  await ended;
}

await main().catch((error) => fail(error, 1));
