// The haven server of the fuzz, with its counters on stdout, as JSON, for each line on stdin.
//
//   deno run -A fuzz_haven.ts OPTIONS-AS-JSON

import { Box } from "@maple/box";
import { Haven, type HavenRunOptions } from "@maple/haven";
import { registerHandlers } from "../fuzz/handlers.ts";

const app = new Haven(Box);
registerHandlers(app);

const telling = (async () => {
  for await (const _ of Deno.stdin.readable) {
    console.log(`stats ${JSON.stringify(app.stats())}`);
  }
})();
// In this process, which has the stdin.
const options: HavenRunOptions = { workers: 0, ...JSON.parse(Deno.args[0]!) };
await app.run(options);
await telling;
