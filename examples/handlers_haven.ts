// The handlers of handlers.ts in one server process.
//
//   deno run -A examples/handlers_haven.ts [--port PORT]

import { parseArgs } from "@std/cli/parse-args";
import { Box } from "@maple/box";
import { Haven } from "@maple/haven";
import { register } from "./handlers.ts";

const flags = parseArgs(Deno.args, { string: ["port"] });

const app = new Haven(Box);
register(app);
await app.run("127.0.0.1", Number(flags.port ?? 7777));
