// The way of a request: faults, interruption, the first request.

import { setImmediate } from "node:timers";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Box, type BoxFields, LineBox, type LineFields, RET } from "@maple/box";
import { Blueprint } from "@maple/haven";
import { answers, TestApp, type TestRequest } from "./test_app.ts";

type Request = TestRequest<BoxFields>;

Deno.test("a cmd without route is answered with INVALID_CMD, without request hooks", async () => {
  const calls: string[] = [];
  const app = new TestApp<BoxFields>()
    .beforeFirstRequest(() => calls.push("beforeFirstRequest"))
    .beforeRequest(() => calls.push("beforeRequest"))
    .afterRequest(() => calls.push("afterRequest"))
    .beforeResponse(async () => {
      await Promise.resolve();
      calls.push("beforeResponse");
    });
  const request = app.request(new Box({ cmd: 9, sn: 5 }));
  await app.handle(request);
  assertEquals(calls, ["beforeResponse"]);
  assertEquals(
    answers(request.conn).map(({ cmd, sn, ret }) => [cmd, sn, ret]),
    [[9, 5, RET.INVALID_CMD]],
  );
  assertEquals(app.log.lines, ["WARN No route for TestRequest { cmd: 9 }"]);
});

Deno.test("a box class without ret has no answer to a fault, and is routed by cmd 0", async () => {
  const app = new TestApp<LineFields>();
  const first = app.request(new LineBox({ body: "hello" }));
  await app.handle(first);
  assertEquals(app.log.lines.length, 1);
  app.route(0, () => Promise.reject(new Error("no")), "line");
  await app.handle(first);
  assertStringIncludes(app.log.lines[1]!, "endpoint: line } threw: Error: no");
  assertEquals(first.conn.frames, []);
});

const interrupters = {
  beforeFirstRequest: (app: TestApp<BoxFields>, fn: (r: Request) => unknown) =>
    app.beforeFirstRequest(fn),
  beforeRequest: (app: TestApp<BoxFields>, fn: (r: Request) => unknown) =>
    app.beforeRequest(fn),
  beforeAppRequest: (app: TestApp<BoxFields>, fn: (r: Request) => unknown) =>
    app.registerBlueprint(new Blueprint<Request>("x").beforeAppRequest(fn)),
};

for (const [name, add] of Object.entries(interrupters)) {
  Deno.test(`interrupt() in ${name} skips later hooks and the handler, not what runs after`, async () => {
    const calls: string[] = [];
    const app = new TestApp<BoxFields>();
    add(app, async (request) => {
      await Promise.resolve();
      await request.interrupt({ ret: 7 });
    });
    const own = new Blueprint<Request>("own")
      .beforeAppRequest(() => calls.push("beforeAppRequest"))
      .beforeRequest(() => calls.push("beforeRequest"))
      .afterRequest((_, error) => calls.push(`afterRequest ${error}`))
      .afterAppRequest((_, error) => calls.push(`afterAppRequest ${error}`))
      .route(1, () => void calls.push("handler"));
    app.registerBlueprint(own);
    const request = app.request(new Box({ cmd: 1, sn: 2 }));
    await app.handle(request);
    assertEquals(calls, [
      "afterRequest undefined",
      "afterAppRequest undefined",
    ]);
    assertEquals(request.interrupted, true);
    assertEquals(
      answers(request.conn).map(({ sn, ret }) => [sn, ret]),
      [[2, 7]],
    );
  });
}

Deno.test("interrupt() without data answers nothing", async () => {
  const app = new TestApp<BoxFields>();
  app.beforeRequest((request) => request.interrupt());
  app.route(1, (request) => request.reply({}));
  const request = app.request(new Box({ cmd: 1 }));
  await app.handle(request);
  assertEquals(request.responded, false);
  assertEquals(request.conn.frames, []);
});

for (
  const [kind, handler] of Object.entries({
    sync: () => {
      throw new Error("no luck");
    },
    async: () => Promise.reject(new Error("no luck")),
  })
) {
  for (const hooked of [false, true]) {
    const where = hooked ? "with hooks" : "without hooks";
    Deno.test(`a throw in a ${kind} handler ${where} is logged and answered with INTERNAL`, async () => {
      const errors: unknown[] = [];
      const app = new TestApp<BoxFields>().route(1, handler, "unlucky");
      if (hooked) app.afterRequest((_, error) => errors.push(error));
      else await app.handle(app.request(new Box({ cmd: 1 }))); // the first
      app.log.lines.length = 0;
      const request = app.request(new Box({ cmd: 1, sn: 3 }));
      await app.handle(request);
      assertEquals(
        answers(request.conn).map(({ sn, ret }) => [sn, ret]),
        [[3, RET.INTERNAL]],
      );
      assertEquals(app.log.lines.length, 1);
      assertMatch(
        app.log.lines[0]!,
        /^ERROR The handler of TestRequest \{ cmd: 1, endpoint: unlucky \} threw: Error: no luck\n +at .*pipeline_test/,
      );
      assertEquals(errors.map(String), hooked ? ["Error: no luck"] : []);
    });
  }
}

Deno.test("a handler that throws after its answer is logged only", async () => {
  const app = new TestApp<BoxFields>().route(1, (request) => {
    request.reply({ ret: 0 });
    throw undefined;
  });
  const errors: unknown[] = [];
  app.afterRequest((_, error) => errors.push(error));
  const request = app.request(new Box({ cmd: 1 }));
  await app.handle(request);
  assertEquals(answers(request.conn).map((box) => box.ret), [0]);
  assertEquals(app.log.lines.length, 1);
  assertEquals(errors.map(String), ["Error: undefined was thrown"]);
});

Deno.test("a throw in a beforeRequest hook counts as the handler's", async () => {
  const calls: string[] = [];
  const app = new TestApp<BoxFields>()
    .beforeRequest(() => Promise.reject(new Error("not today")))
    .beforeRequest(() => calls.push("later hook"))
    .afterRequest((_, error) => calls.push(String(error)))
    .route(1, () => void calls.push("handler"));
  const request = app.request(new Box({ cmd: 1 }));
  await app.handle(request);
  assertEquals(calls, ["Error: not today"]);
  assertEquals(answers(request.conn).map((box) => box.ret), [RET.INTERNAL]);
});

Deno.test("throws in all other hooks are logged and change nothing", async () => {
  const fail = () => {
    throw new Error("hook");
  };
  const app = new TestApp<BoxFields>()
    .startWorker(fail).stopWorker(fail).createConn(fail).closeConn(fail)
    .beforeFirstRequest(fail).afterRequest(fail)
    .beforeResponse(fail).afterResponse(fail)
    .route(1, (request) => request.reply({ ret: 4 }));
  await app.start();
  const conn = await app.connect();
  await app.handle(app.request(new Box({ cmd: 1 }), conn));
  await app.hangUp(conn);
  await app.stop();
  assertEquals(answers(conn).map((box) => box.ret), [4]);
  assertEquals(
    app.log.lines.map((line) =>
      /Hook (\w+) threw: Error: hook/.exec(line)?.[1]
    ),
    [
      "startWorker",
      "createConn",
      "beforeFirstRequest",
      "beforeResponse",
      "afterResponse",
      "afterRequest",
      "closeConn",
      "stopWorker",
    ],
  );
});

Deno.test("beforeFirstRequest is called once, and requests that come meanwhile wait for it", async () => {
  const calls: string[] = [];
  const opened = Promise.withResolvers<void>();
  const app = new TestApp<BoxFields>()
    .beforeFirstRequest(async (request) => {
      calls.push(`first ${request.box.sn}`);
      await opened.promise;
      calls.push("opened");
    })
    .route(1, (request) => void calls.push(`handler ${request.box.sn}`));
  await app.handle(app.request(new Box({ cmd: 9 }))); // has no route: not the first
  const running = [1, 2, 3].map((sn) =>
    app.handle(app.request(new Box({ cmd: 1, sn })))
  );
  assertEquals(calls, ["first 1"]);
  opened.resolve();
  await Promise.all(running);
  assertEquals(calls, [
    "first 1",
    "opened",
    "handler 1",
    "handler 2",
    "handler 3",
  ]);
  assertEquals(app.handle(app.request(new Box({ cmd: 1, sn: 4 }))), undefined);
  assertEquals(calls.at(-1), "handler 4");
});

Deno.test("handle() does no async work without hooks and with a sync handler", async () => {
  const app = new TestApp<BoxFields>()
    .route(1, (request) => request.reply({ ret: 1 }))
    .route(2, () => {})
    .registerBlueprint(
      new Blueprint<Request>("user").route(3, (request) => request.reply({})),
    );
  await app.handle(app.request(new Box({ cmd: 1 }))); // the first
  for (const cmd of [1, 2, 3, 4]) {
    const request = app.request(new Box({ cmd }));
    assertEquals(app.handle(request), undefined);
    assertEquals(request.conn.frames.length, cmd === 2 ? 0 : 1);
  }
});

Deno.test("handle() resolves when an async handler is over", async () => {
  const over = Promise.withResolvers<void>();
  const app = new TestApp<BoxFields>().route(1, () => over.promise);
  await app.handle(app.request(new Box({ cmd: 2 })));
  let finished = false;
  const running = app.handle(app.request(new Box({ cmd: 1 })))
    ?.then(() => finished = true);
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(finished, false);
  over.resolve();
  await running;
  assertEquals(finished, true);
});
