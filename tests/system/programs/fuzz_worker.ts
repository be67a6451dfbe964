// The worker of the fuzz: it answers, and does what clients ask for.
//
//   deno run -A fuzz_worker.ts PORT [lines]

import { Box, LineBox } from "@maple/box";
import { Worker } from "@maple/worker";
import { FuzzCmd, NEWS_CMD } from "../fuzz/commands.ts";

const [port, lines] = Deno.args;
const run = { workers: 2, concurrency: 8, workTimeout: 10 };

if (lines !== undefined) {
  const app = new Worker(LineBox);
  app.route(0, ({ box }) => ({ body: box.body }));
  await app.run("127.0.0.1", Number(port), run);
} else {
  const app = new Worker(Box);
  app.route(FuzzCmd.ECHO, ({ box }) => ({ body: box.body }));
  app.route(FuzzCmd.LOGIN, (request) => {
    const { uid } = request.box.json<{ uid: number }>();
    if (Number.isSafeInteger(uid) && uid > 0) request.loginClient(uid);
    return { body: request.box.body };
  });
  app.route(FuzzCmd.PASS_ON, (request) => {
    const { inner, uid64, box: { body } } = request;
    // One below 0 would be everybody.
    if (!inner || uid64 <= 0) return;
    request.writeToUsers([[[uid64], { cmd: NEWS_CMD, body }]]);
  }, { answers: false });
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
  app.createClient(() => {});
  app.closeClient(() => {});
  await app.run("127.0.0.1", Number(port), run);
}
