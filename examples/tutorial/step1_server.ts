// Step 1: a server that answers.
//
//   deno run -A examples/tutorial/step1_server.ts [PORT]

import { Box } from "@maple/box";
import { Haven } from "@maple/haven";

const app = new Haven(Box);

app.route(1, (request) => {
  const { uid } = request.box.json<{ uid: number }>();
  return { body: `welcome, ${uid}` };
});

await app.run("127.0.0.1", Number(Deno.args[0] ?? 7777));
