// The way of a request: faults, interruption, the first request.

import { setImmediate } from "node:timers";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Box, LineBox, RET } from "@maple/box";
import { Blueprint, type Haven, type HavenRequest } from "@maple/haven";
import { IN_MEMORY } from "@maple/haven/internal";
import { testClient } from "@maple/haven/testing";
import { QuietHaven, quietHaven } from "./quiet_haven.ts";

Deno.test("a cmd without route is answered with INVALID_CMD, without request hooks", async () => {
  const calls: string[] = [];
  await using app = quietHaven()
    .beforeFirstRequest(() => calls.push("beforeFirstRequest"))
    .beforeRequest(() => calls.push("beforeRequest"))
    .afterRequest(() => calls.push("afterRequest"))
    .beforeResponse(async () => {
      await Promise.resolve();
      calls.push("beforeResponse");
    });
  const { cmd, ret } = await testClient(app).request({ cmd: 9 });
  assertEquals(calls, ["beforeResponse"]);
  assertEquals([cmd, ret], [9, RET.INVALID_CMD]);
  assertEquals(app.log.complaints, [
    "WARN No route for HavenRequest { cmd: 9 }",
  ]);
});

Deno.test("a box class without ret has no answer to a fault, and is routed by cmd 0", async () => {
  await using app = new QuietHaven(LineBox);
  const client = testClient(app);
  await client.write({ body: "hello" });
  assertEquals(app.log.complaints.length, 1);
  app.route(0, () => Promise.reject(new Error("no")), "line");
  await client.write({ body: "hello" });
  assertStringIncludes(
    app.log.complaints[1]!,
    "endpoint: line } threw: Error: no",
  );
  assertEquals(await client.readAll(), []);
});

type RequestHook = (request: HavenRequest) => unknown;

const interrupters: Record<string, (app: Haven, fn: RequestHook) => unknown> = {
  beforeFirstRequest: (app, fn) => app.beforeFirstRequest(fn),
  beforeRequest: (app, fn) => app.beforeRequest(fn),
  beforeAppRequest: (app, fn) =>
    app.registerBlueprint(
      new Blueprint<HavenRequest>("x").beforeAppRequest(fn),
    ),
};

for (const [name, add] of Object.entries(interrupters)) {
  Deno.test(`interrupt() in ${name} skips later hooks and the handler, not what runs after`, async () => {
    const calls: string[] = [];
    await using app = quietHaven();
    add(app, async (request) => {
      await Promise.resolve();
      await request.interrupt({ ret: 7 });
    });
    const own = new Blueprint("own")
      .beforeAppRequest(() => calls.push("beforeAppRequest"))
      .beforeRequest(() => calls.push("beforeRequest"))
      .afterRequest(({ interrupted }, error) =>
        calls.push(`afterRequest ${interrupted} ${error}`)
      )
      .afterAppRequest((_, error) => calls.push(`afterAppRequest ${error}`))
      .route(1, () => void calls.push("handler"));
    app.registerBlueprint(own);
    assertEquals((await testClient(app).request({ cmd: 1 })).ret, 7);
    await app.close();
    assertEquals(calls, [
      "afterRequest true undefined",
      "afterAppRequest undefined",
    ]);
  });
}

Deno.test("interrupt() without data answers nothing", async () => {
  await using app = quietHaven();
  app.beforeRequest((request) => request.interrupt());
  app.route(1, (request) => request.reply({}));
  let responded: boolean | undefined;
  app.afterRequest((request) => responded = request.responded);
  const client = testClient(app);
  await client.write({ cmd: 1 });
  assertEquals([responded, await client.readAll()], [false, []]);
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
      await using app = quietHaven().route(1, handler, "unlucky");
      if (hooked) app.afterRequest((_, error) => errors.push(error));
      const client = testClient(app);
      // The first one goes another way.
      for (let i = 0; i < 2; i++) {
        assertEquals((await client.request({ cmd: 1 })).ret, RET.INTERNAL);
      }
      assertEquals(app.log.complaints.length, 2);
      for (const line of app.log.complaints) {
        assertMatch(
          line,
          /^ERROR The handler of HavenRequest \{ cmd: 1, endpoint: unlucky \} threw: Error: no luck\n +at .*pipeline_test/,
        );
      }
      const all = Array(2).fill("Error: no luck");
      assertEquals(errors.map(String), hooked ? all : []);
    });
  }
}

Deno.test("a handler that throws after its answer is logged only", async () => {
  await using app = quietHaven().route(1, (request) => {
    request.reply({ ret: 0 });
    throw undefined;
  });
  const errors: unknown[] = [];
  app.afterRequest((_, error) => errors.push(error));
  const client = testClient(app);
  await client.write({ cmd: 1 });
  assertEquals((await client.readAll()).map((box) => box.ret), [0]);
  assertEquals(app.log.complaints.length, 1);
  assertEquals(errors.map(String), ["Error: undefined was thrown"]);
});

Deno.test("a throw in a beforeRequest hook counts as the handler's", async () => {
  const calls: string[] = [];
  await using app = quietHaven()
    .beforeRequest(() => Promise.reject(new Error("not today")))
    .beforeRequest(() => calls.push("later hook"))
    .afterRequest((_, error) => calls.push(String(error)))
    .route(1, () => void calls.push("handler"));
  assertEquals((await testClient(app).request({ cmd: 1 })).ret, RET.INTERNAL);
  await app.close();
  assertEquals(calls, ["Error: not today"]);
});

Deno.test("throws in all other hooks are logged and change nothing", async () => {
  const fail = () => {
    throw new Error("hook");
  };
  const app = quietHaven()
    .startWorker(fail).stopWorker(fail).createConn(fail).closeConn(fail)
    .createClient(fail).closeClient(fail)
    .beforeFirstRequest(fail).afterRequest(fail)
    .beforeResponse(fail).afterResponse(fail)
    .route(1, (request) => request.reply({ ret: 4 }));
  const client = testClient(app);
  assertEquals((await client.request({ cmd: 1 })).ret, 4);
  await client.close();
  await app.close();
  assertEquals(
    app.log.complaints.map((line) =>
      /Hook (\w+) threw: Error: hook/.exec(line)?.[1]
    ),
    [
      "startWorker",
      "createConn",
      "createClient",
      "beforeFirstRequest",
      "beforeResponse",
      "afterResponse",
      "afterRequest",
      "closeClient",
      "closeConn",
      "stopWorker",
    ],
  );
});

Deno.test("beforeFirstRequest is called once, and requests that come meanwhile wait for it", async () => {
  const calls: string[] = [];
  const opened = Promise.withResolvers<void>();
  await using app = quietHaven()
    .beforeFirstRequest(async (request) => {
      calls.push(`first ${request.box.flag}`);
      await opened.promise;
      calls.push("opened");
    })
    .route(1, (request) => {
      calls.push(`handler ${request.box.flag}`);
      return "";
    });
  const clients = [1, 2, 3].map(() => testClient(app));
  for (const client of clients) await client.connect();
  await clients[0]!.request({ cmd: 9 }); // has no route: not the first
  const running = clients.map((client, i) =>
    client.request({ cmd: 1, flag: i + 1 })
  );
  await new Promise((resolve) => setImmediate(resolve));
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
  await clients[0]!.request({ cmd: 1, flag: 4 });
  assertEquals(calls.at(-1), "handler 4");
});

/** A client that sees what comes before `send` returns. */
async function instantClient(
  app: Haven,
): Promise<{ frames: Uint8Array[]; send(cmd: number): Promise<void> }> {
  const frames: Uint8Array[] = [];
  const connection = await app[IN_MEMORY]({
    address: "127.0.0.1",
    onFrame: (frame) => frames.push(frame),
    onClose: () => {},
  });
  return {
    frames,
    send: (cmd) => connection.send(new Box({ cmd }).pack()),
  };
}

Deno.test("a request is answered without async work where there are no hooks and the handler is sync", async () => {
  await using app = quietHaven()
    .route(1, (request) => request.reply({ ret: 1 }))
    .route(2, () => {}, { answers: false })
    .route(4, () => ({ ret: 4 }))
    .registerBlueprint(
      new Blueprint("user").route(3, (request) => request.reply({})),
    );
  const { frames, send } = await instantClient(app);
  await send(1); // the first
  for (const cmd of [1, 2, 3, 4, 5]) {
    frames.length = 0;
    const finished = send(cmd);
    assertEquals(frames.length, cmd === 2 ? 0 : 1);
    await finished;
  }
});

Deno.test("a request is finished when its async handler is over", async () => {
  const over = Promise.withResolvers<void>();
  await using app = quietHaven().route(1, () => over.promise);
  const { send } = await instantClient(app);
  let finished = false;
  const running = send(1).then(() => finished = true);
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(finished, false);
  over.resolve();
  await running;
  assertEquals(finished, true);
});
