// The handlers of handlers.ts in workers behind a gateway.
//
//   deno run -A examples/handlers_worker.ts [--port PORT]

import { parseArgs } from "@std/cli/parse-args";
import { Box } from "@maple/box";
import { Worker } from "@maple/worker";
import { register } from "./handlers.ts";

const flags = parseArgs(Deno.args, { string: ["port"] });

const app = new Worker(Box);
register(app);
await app.run("127.0.0.1", Number(flags.port ?? 28000));
