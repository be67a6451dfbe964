// A status server in a process that has used up its file descriptors, until a line comes on stdin.

import { createLogger, serveStatus } from "@maple/box/internal";

const server = serveStatus("0", { "/": () => new Response("well\n") }, {
  logger: createLogger({ role: "test" }),
});
// Whatever loads something when it is first used has to have it before.
await (await fetch(`http://127.0.0.1:${server.addr.port}/`)).text();
const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(await Deno.open(import.meta.filename!));
} catch {
  // There are no more.
}
console.log(`used up, serves at ${server.addr.port}`);
await Deno.stdin.read(new Uint8Array(100));
for (const file of files) file.close();
console.log("free");
