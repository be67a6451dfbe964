// The worker of the fuzz: it answers, and does what clients ask for.
//
//   deno run -A fuzz_worker.ts PORT [lines]

import { Box, LineBox } from "@maple/box";
import { Worker } from "@maple/worker";
import { FuzzCmd, NEWS_CMD } from "../fuzz/commands.ts";
import { registerHandlers } from "../fuzz/handlers.ts";

const [port, lines] = Deno.args;
const run = { workers: 2, concurrency: 8, workTimeout: 10 };

if (lines !== undefined) {
  const app = new Worker(LineBox);
  app.route(0, ({ box }) => ({ body: box.body }));
  await app.run("127.0.0.1", Number(port), run);
} else {
  const app = new Worker(Box);
  registerHandlers(app);
  app.route(FuzzCmd.PASS_ON, (request) => {
    const { inner, uid64, box: { body } } = request;
    // One below 0 would be everybody.
    if (!inner || uid64 <= 0) return;
    request.writeToUsers([[[uid64], { cmd: NEWS_CMD, body }]]);
  }, { answers: false });
  app.route(FuzzCmd.CLEAR, (request) => {
    request.clearClientTasks();
    return { ret: 0 };
  });
  app.route(FuzzCmd.INNER, (request) => {
    request.writeToWorker({ cmd: FuzzCmd.ECHO, body: request.box.body });
    return { ret: 0 };
  });
  app.route(FuzzCmd.WHO, (request) => {
    const { task } = request;
    return { body: { conn: `${task.connId}`, tag: task.tag } };
  });
  await app.run("127.0.0.1", Number(port), run);
}
