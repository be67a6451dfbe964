// The haven server of the fuzz, with its counters on stdout, as JSON, for each line on stdin.
//
//   deno run -A fuzz_haven.ts OPTIONS-AS-JSON

import { Box } from "@maple/box";
import { Haven, type HavenRunOptions } from "@maple/haven";
import { FuzzCmd } from "../fuzz/commands.ts";

const app = new Haven(Box);
app.route(FuzzCmd.ECHO, ({ box }) => ({ body: box.body }));
app.route(FuzzCmd.LOGIN, (request) => {
  const { uid } = request.box.json<{ uid: number }>();
  if (Number.isSafeInteger(uid) && uid > 0) request.loginClient(uid);
  return { body: request.box.body };
});
app.route(FuzzCmd.SLOW, async ({ box }) => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return { body: box.body };
});
app.route(FuzzCmd.BIG, () => ({ body: new Uint8Array(50_000) }));
app.route(FuzzCmd.CLOSE, (request) => void request.closeClient(), {
  answers: false,
});
app.route(FuzzCmd.LOGOUT, (request) => {
  request.logoutClient();
  return { ret: 0 };
});
app.createClient(() => {});
app.closeClient(() => {});

const telling = (async () => {
  for await (const _ of Deno.stdin.readable) {
    console.log(`stats ${JSON.stringify(app.stats())}`);
  }
})();
await app.run(JSON.parse(Deno.args[0]!) as HavenRunOptions);
await telling;
