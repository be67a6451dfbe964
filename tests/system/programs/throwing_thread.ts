// A server of two threads, the first of which throws at top level:  throwing_thread.ts FOLDER
//
// The folder is made by the thread that throws.

import { Box } from "@maple/box";
import { THaven } from "@maple/haven";

const app = new THaven(Box);
app.route(
  1,
  (request) =>
    request.write({ body: { pid: Deno.pid, id: crypto.randomUUID() } }),
);

if ("WorkerGlobalScope" in globalThis && isFirst(Deno.args[0]!)) {
  throw new Error("thrown at top level");
}

await app.run({ port: 0, workers: 2 });

function isFirst(folder: string): boolean {
  try {
    Deno.mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
