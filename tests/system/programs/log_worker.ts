// A worker whose handlers fail in all the ways by which a body might get into a log:  log_worker.ts
// PORT OPTIONS

import { Box } from "@maple/box";
import { type RunOptions, Worker } from "@maple/worker";

/** What the worker does with a request. */
export const LogCmd = {
  /** Answers with the body. */
  ECHO: 1,
  /** Throws. */
  THROW: 2,
  /** Reads a body as JSON that is none. */
  BOX_JSON: 3,
  /** The same, by other means. */
  JSON_PARSE: 4,
  /** Throws an error that holds the box. */
  THROW_BOX: 5,
  /** Throws when there is something to wait for. */
  REJECT: 6,
  /** Answers, and a hook throws. */
  HOOK: 7,
  /** Takes longer than it may. */
  SLOW: 8,
  /** Answers with what is no frame. */
  BAD_ANSWER: 9,
} as const;

if (import.meta.main) {
  const app = new Worker(Box);
  app.route(
    LogCmd.ECHO,
    (request) => request.reply({ body: request.box.body }),
  );
  app.route(LogCmd.THROW, () => {
    throw new Error("the handler is broken");
  });
  app.route(LogCmd.BOX_JSON, (request) => request.box.json());
  app.route(LogCmd.JSON_PARSE, (request) => JSON.parse(request.box.text()));
  app.route(LogCmd.THROW_BOX, ({ box }) => {
    throw Object.assign(new Error("with a box", { cause: box }), { box });
  });
  app.route(LogCmd.REJECT, async (request) => {
    await Promise.resolve();
    request.box.json();
  });
  app.route(LogCmd.HOOK, (request) => request.reply({ ret: 0 }));
  app.route(LogCmd.SLOW, async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await request.reply({ ret: 0 });
  });
  app.route(LogCmd.BAD_ANSWER, (request) => request.reply(request.box.body));
  app.afterRequest((request) => {
    if (request.cmd === LogCmd.HOOK) request.box.json();
  });
  app.closeClient((request) => {
    throw new Error(`the client of uid ${request.uid} is gone`);
  });
  const [port, options = "{}"] = Deno.args;
  await app.run("127.0.0.1", Number(port), JSON.parse(options) as RunOptions);
}
