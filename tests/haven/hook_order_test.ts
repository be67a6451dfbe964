// The order of all hooks, written down as a list.

import { assertEquals } from "@std/assert";
import { Blueprint, type HavenRequest } from "@maple/haven";
import { testClient } from "@maple/haven/testing";
import { type QuietHaven, quietHaven } from "./quiet_haven.ts";

/** An app and two blueprints with each hook there is; every other one is async. */
function appWithHooks(calls: string[]): QuietHaven {
  let count = 0;
  const note = (name: string) =>
    count++ % 2 === 0 ? () => calls.push(name) : async () => {
      await Promise.resolve();
      calls.push(name);
    };
  const blueprint = (name: string, cmd: number) =>
    new Blueprint<HavenRequest>(name)
      .startAppWorker(note(`${name}.startAppWorker`))
      .stopAppWorker(note(`${name}.stopAppWorker`))
      .createAppConn(note(`${name}.createAppConn`))
      .closeAppConn(note(`${name}.closeAppConn`))
      .createAppClient(note(`${name}.createAppClient`))
      .closeAppClient(note(`${name}.closeAppClient`))
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
  return quietHaven()
    .registerBlueprint(blueprint("a", 1))
    .registerBlueprint(blueprint("b", 2))
    .startWorker(note("startWorker"))
    .stopWorker(note("stopWorker"))
    .createConn(note("createConn"))
    .closeConn(note("closeConn"))
    .createClient(note("createClient"))
    .closeClient(note("closeClient"))
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
  await using app = appWithHooks(calls);
  const client = testClient(app);
  await client.connect();
  assertEquals(calls.splice(0), [
    "startWorker",
    "a.startAppWorker",
    "b.startAppWorker",
    "createConn",
    "a.createAppConn",
    "b.createAppConn",
    "createClient",
    "a.createAppClient",
    "b.createAppClient",
  ]);
  assertEquals((await client.request({ cmd: 1 })).ret, 0);
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
  assertEquals((await client.request({ cmd: 2 })).ret, 0);
  assertEquals(calls.splice(0), [
    ...BEFORE,
    "b.beforeRequest",
    "b.handler",
    ...RESPONSE,
    "b.afterRequest",
    ...AFTER,
  ]);
  assertEquals((await client.request({ cmd: 3 })).ret, 0);
  assertEquals(calls.splice(0), [...BEFORE, "handler", ...RESPONSE, ...AFTER]);
  await client.close();
  assertEquals(calls.splice(0), [
    "a.closeAppClient",
    "b.closeAppClient",
    "closeClient",
    "a.closeAppConn",
    "b.closeAppConn",
    "closeConn",
  ]);
  await app.close();
  assertEquals(calls.splice(0), [
    "a.stopAppWorker",
    "b.stopAppWorker",
    "stopWorker",
  ]);
  assertEquals(app.log.complaints, []);
});
