// The worker that is attacked: a master with two child processes.
//
//   deno run -A bench/programs/attack_worker.ts INNER_PORT

import { Box } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Worker } from "@maple/worker";
import { AttackCmd } from "../attack/commands.ts";

const BIG = new Uint8Array(1_000_000);
const app = new Worker(Box, { logger: SILENT });

app.route(
  AttackCmd.ECHO,
  (request) => request.writeToClient({ body: request.box.body }),
);
app.route(AttackCmd.SINK, (request) => request.writeToClient({ body: "" }));
app.route(AttackCmd.SLOW, async (request) => {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return request.writeToClient({ body: "" });
});
app.route(AttackCmd.BIG, (request) => request.writeToClient({ body: BIG }));
app.route(AttackCmd.POISON, () => Deno.exit(1));
app.route(AttackCmd.ENDLESS, () => {
  for (;;);
});

await app.run("127.0.0.1", Number(Deno.args[0]), {
  workers: 2,
  workTimeout: 2,
});
