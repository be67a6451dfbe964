// A haven server of any kind, for tests:  haven_server.ts KIND OPTIONS
//
// cmd 1 tells who answers, 2 takes a while, 3 throws outside of the handler, 4 ends its process or
// thread, 5 never ends, 6 blocks its event loop for good.

import { Box } from "@maple/box";
import { GHaven, Haven, type HavenRunOptions, THaven } from "@maple/haven";

const [kind, options] = Deno.args as [string, string];
const Kind = { Haven, GHaven, THaven }[kind]!;
const id = crypto.randomUUID();
const app = new Kind(Box, { respondOnce: false });

app.route(1, (request) => {
  const { workerIndex, isFirst } = app;
  return request.write({ body: { pid: Deno.pid, id, workerIndex, isFirst } });
});
app.route(2, async (request) => {
  request.write({ ret: 1 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  request.write({ ret: 2 });
});
app.route(3, () => {
  setTimeout(() => {
    throw new Error("thrown outside of a handler");
  }, 0);
});
app.route(4, () => Deno.exit(9));
app.route(5, (request) => {
  request.write({ ret: 1 });
  return new Promise(() => setTimeout(() => {}, 3_600_000));
});
app.route(6, () => {
  for (;;);
});
app.startWorker(() => console.log(`startWorker ${Deno.pid} ${id}`));
app.stopWorker(() => console.log(`stopWorker ${Deno.pid} ${id}`));

await app.run(JSON.parse(options) as HavenRunOptions);
console.log(`left ${Deno.pid}`);
