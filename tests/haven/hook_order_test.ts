// The order of all hooks, written down as a list.

import { assertEquals } from "@std/assert";
import { Box, type BoxFields } from "@maple/box";
import { Blueprint } from "@maple/haven";
import { answers, TestApp, type TestRequest } from "./test_app.ts";

/** An app and two blueprints with each hook there is; every other one is async. */
function appWithHooks(calls: string[]): TestApp<BoxFields> {
  let count = 0;
  const note = (name: string) =>
    count++ % 2 === 0 ? () => calls.push(name) : async () => {
      await Promise.resolve();
      calls.push(name);
    };
  const blueprint = (name: string, cmd: number) =>
    new Blueprint<TestRequest<BoxFields>>(name)
      .startAppWorker(note(`${name}.startAppWorker`))
      .stopAppWorker(note(`${name}.stopAppWorker`))
      .createAppConn(note(`${name}.createAppConn`))
      .closeAppConn(note(`${name}.closeAppConn`))
      .beforeAppFirstRequest(note(`${name}.beforeAppFirstRequest`))
      .beforeAppRequest(note(`${name}.beforeAppRequest`))
      .afterAppRequest(note(`${name}.afterAppRequest`))
      .beforeAppResponse(note(`${name}.beforeAppResponse`))
      .afterAppResponse(note(`${name}.afterAppResponse`))
      .beforeRequest(note(`${name}.beforeRequest`))
      .afterRequest(note(`${name}.afterRequest`))
      .route(cmd, (request) => {
        calls.push(`${name}.handler`);
        request.reply({ ret: 0 });
      });
  return new TestApp<BoxFields>()
    .registerBlueprint(blueprint("a", 1))
    .registerBlueprint(blueprint("b", 2))
    .startWorker(note("startWorker"))
    .stopWorker(note("stopWorker"))
    .createConn(note("createConn"))
    .closeConn(note("closeConn"))
    .beforeFirstRequest(note("beforeFirstRequest"))
    .beforeRequest(note("beforeRequest"))
    .afterRequest(note("afterRequest"))
    .beforeResponse(note("beforeResponse"))
    .afterResponse(note("afterResponse"))
    .route(3, async (request) => {
      calls.push("handler");
      await request.reply({ ret: 0 });
    });
}

const BEFORE = [
  "beforeRequest",
  "a.beforeAppRequest",
  "b.beforeAppRequest",
];
const RESPONSE = [
  "beforeResponse",
  "a.beforeAppResponse",
  "b.beforeAppResponse",
  "a.afterAppResponse",
  "b.afterAppResponse",
  "afterResponse",
];
const AFTER = [
  "a.afterAppRequest",
  "b.afterAppRequest",
  "afterRequest",
];

Deno.test("hooks are called in this order", async () => {
  const calls: string[] = [];
  const app = appWithHooks(calls);

  await app.start();
  assertEquals(calls.splice(0), [
    "startWorker",
    "a.startAppWorker",
    "b.startAppWorker",
  ]);
  const conn = await app.connect();
  assertEquals(calls.splice(0), [
    "createConn",
    "a.createAppConn",
    "b.createAppConn",
  ]);
  await app.handle(app.request(new Box({ cmd: 1 }), conn));
  assertEquals(calls.splice(0), [
    "beforeFirstRequest",
    "a.beforeAppFirstRequest",
    "b.beforeAppFirstRequest",
    ...BEFORE,
    "a.beforeRequest",
    "a.handler",
    ...RESPONSE,
    "a.afterRequest",
    ...AFTER,
  ]);
  await app.handle(app.request(new Box({ cmd: 2 }), conn));
  assertEquals(calls.splice(0), [
    ...BEFORE,
    "b.beforeRequest",
    "b.handler",
    ...RESPONSE,
    "b.afterRequest",
    ...AFTER,
  ]);
  await app.handle(app.request(new Box({ cmd: 3 }), conn));
  assertEquals(calls.splice(0), [...BEFORE, "handler", ...RESPONSE, ...AFTER]);
  await app.hangUp(conn);
  assertEquals(calls.splice(0), [
    "a.closeAppConn",
    "b.closeAppConn",
    "closeConn",
  ]);
  await app.stop();
  assertEquals(calls.splice(0), [
    "a.stopAppWorker",
    "b.stopAppWorker",
    "stopWorker",
  ]);
  assertEquals(app.log.lines, []);
  assertEquals(answers(conn).length, 3);
});
