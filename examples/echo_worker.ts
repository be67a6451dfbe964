// The smallest worker: answers every box of cmd 1 with its own body.
//
//   deno run -A examples/echo_worker.ts [--host HOST] [--port PORT] [--workers N]

import { parseArgs } from "@std/cli/parse-args";
import { Box } from "@maple/box";
import { Worker } from "@maple/worker";

const flags = parseArgs(Deno.args, {
  string: ["host", "port", "workers"],
  default: { host: "127.0.0.1", port: "28000", workers: "2" },
});

const app = new Worker(Box);

app.route(1, (request) => ({ body: request.box.body }));

await app.run(flags.host, Number(flags.port), {
  workers: Number(flags.workers),
});
