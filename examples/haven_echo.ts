// The smallest server: answers every box of cmd 1 with its own body.
//
//   deno run -A examples/haven_echo.ts [--host HOST] [--port PORT]
//   deno run -A examples/echo_client.ts "hello"

import { parseArgs } from "@std/cli/parse-args";
import { Box } from "@maple/box";
import { Haven } from "@maple/haven";

const flags = parseArgs(Deno.args, {
  string: ["host", "port"],
  default: { host: "127.0.0.1", port: "7777" },
});

const app = new Haven(Box);

app.route(1, (request) => ({ body: request.box.body }));

await app.run(flags.host, Number(flags.port));
