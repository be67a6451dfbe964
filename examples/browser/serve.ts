// Serves the page beside it, and the client that `deno task client` builds. The page talks to the
// chat of examples/chat/ by WebSocket, at ws://127.0.0.1:29001/ or where ?server=ws://... says:
//
//   deno run -A examples/chat/chat_haven.ts --ws-port 29001
//   deno task client && deno run -A examples/browser/serve.ts [--port PORT] [--client FILE]
//
// With a gateway, `deno task gateway --ws-port 29001` and examples/chat/chat_worker.ts in place of
// the first line: then the worker can be reloaded and killed, and the page does not notice.

import { parseArgs } from "@std/cli/parse-args";

const flags = parseArgs(Deno.args, {
  string: ["port", "client"],
  default: { port: "8000" },
});
const client = flags.client ??
  new URL("../../dist/maple_client.js", import.meta.url);

const page = await Deno.readFile(new URL("index.html", import.meta.url));
const script = await Deno.readFile(client).catch(() => {
  console.error(`There is no ${client}: run deno task client`);
  Deno.exit(1);
});

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(flags.port),
  onListen: ({ port }) => console.log(`page at http://127.0.0.1:${port}/`),
}, ({ url }) => {
  const { pathname } = new URL(url);
  if (pathname === "/") return answer(page, "text/html");
  if (pathname === "/maple_client.js") return answer(script, "text/javascript");
  return new Response("not here\n", { status: 404 });
});

function answer(body: Uint8Array<ArrayBuffer>, type: string): Response {
  const headers = { "content-type": `${type}; charset=utf-8` };
  return new Response(body, { headers });
}
