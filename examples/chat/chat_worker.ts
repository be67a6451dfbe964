// The chat in workers behind a gateway.
//
//   deno run -A examples/chat/chat_worker.ts [--port PORT] [--workers N] [--tick SECONDS]

import { parseArgs } from "@std/cli/parse-args";
import { Box, type BoxFields } from "@maple/box";
import { Worker } from "@maple/worker";
import { registerChat } from "./chat_handlers.ts";

const flags = parseArgs(Deno.args, {
  string: ["port", "workers", "tick"],
  default: { port: "28000", workers: "2", tick: "60" },
});

const app = new Worker<BoxFields, { user: string }>(Box);
registerChat(app, { tickSeconds: Number(flags.tick) });
await app.run("127.0.0.1", Number(flags.port), {
  workers: Number(flags.workers),
});
