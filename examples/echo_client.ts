// A client of the echo server, or of a gateway with echo workers: sends each argument and prints
// the answer.
//
//   deno run -A examples/echo_client.ts [--host HOST] [--port PORT] TEXT...

import { parseArgs } from "@std/cli/parse-args";
import { Box, TcpClient } from "@maple/box";

const flags = parseArgs(Deno.args, {
  string: ["host", "port", "_"],
  default: { host: "127.0.0.1", port: "7777" },
});

await using client = new TcpClient(Box, flags.host, Number(flags.port), {
  timeout: 3,
});
await client.connect();
for (const [index, text] of flags._.entries()) {
  await client.write({ cmd: 1, sn: index + 1, body: String(text) });
  const answer = await client.read();
  console.log(answer?.ret, answer?.text());
}
