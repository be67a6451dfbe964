// The chat in one server, in as many processes as you like.
//
//   deno run -A examples/chat/chat_haven.ts [--port PORT] [--ws-port PORT] [--workers N]
//     [--tick SECONDS] [--io epoll]
//
// With --io epoll --workers 1, on Linux, kill -HUP puts changed handlers in place, and nobody
// leaves the chat.

import { parseArgs } from "@std/cli/parse-args";
import { Box, type BoxFields } from "@maple/box";
import { GHaven, type HavenRunOptions } from "@maple/haven";
import { registerChat } from "./chat_handlers.ts";

const flags = parseArgs(Deno.args, {
  string: ["port", "ws-port", "workers", "tick", "io"],
  default: { port: "7777", workers: "0", tick: "60", io: "deno" },
});

const app = new GHaven<BoxFields, { user: string }>(Box);
registerChat(app, { tickSeconds: Number(flags.tick) });
await app.run("127.0.0.1", Number(flags.port), {
  workers: Number(flags.workers),
  io: flags.io as NonNullable<HavenRunOptions["io"]>,
  ...(flags["ws-port"] ? { websocketPort: Number(flags["ws-port"]) } : {}),
});
