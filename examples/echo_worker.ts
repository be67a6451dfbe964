// The smallest worker: answers every box of cmd 1 with its own body.
//
//   deno run -A examples/echo_worker.ts [--host HOST] [--port PORT] [--workers N]

import { parseArgs } from "@std/cli/parse-args";
import { Box } from "@maple/box";
import { Worker } from "@maple/worker";
import config from "../worker/deno.json" with { type: "json" };

const USAGE = `Usage: maple-echo-worker [flags]

Answers every box of cmd 1 with its own body.

  --host HOST     where the gateway is (127.0.0.1)
  --port PORT     its inner port (28000)
  --workers N     child processes, 0 = none (2)
  -h, --help      print this and exit
  --version       print the version and exit
`;

const flags = parseArgs(Deno.args, {
  string: ["host", "port", "workers"],
  boolean: ["help", "version"],
  alias: { help: "h" },
  default: { host: "127.0.0.1", port: "28000", workers: "2" },
  unknown: (arg) => {
    console.error(`echo worker: unknown argument ${arg}; see --help`);
    Deno.exit(2);
  },
});
if (flags.help || flags.version) {
  console.log(flags.help ? USAGE : config.version);
  Deno.exit(0);
}

const app = new Worker(Box);

app.route(1, (request) => ({ body: request.box.body }));

await app.run(flags.host, Number(flags.port), {
  workers: Number(flags.workers),
});
