// App and Blueprint: what can be registered when, start and stop.

import {
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Box, type BoxFields } from "@maple/box";
import { Blueprint, HavenError, type HavenErrorCode } from "@maple/haven";
import { TestApp, type TestRequest } from "./test_app.ts";

function login(): void {}
function logout(): void {}

function assertHavenError(
  code: HavenErrorCode,
  message: string,
  fn: () => unknown,
): void {
  assertEquals(assertThrows(fn, HavenError, message).code, code);
}

Deno.test("route() throws for a cmd that has another handler", () => {
  const app = new TestApp<BoxFields>().route(1, login).route(1, login);
  assertHavenError(
    "route",
    'Cannot route cmd 1 to "logout": it has a handler already, "login"',
    () => app.route(1, logout),
  );
});

Deno.test("route() works while the app runs, everything else is too late", async () => {
  const app = new TestApp<BoxFields>();
  const repeat = app.repeatTimer(1);
  await app.start();
  app.route(1, (request) => request.reply({}));
  const request = app.request(new Box({ cmd: 1 }));
  await app.handle(request);
  assertEquals(request.conn.frames.length, 1);
  const late = "the app has started";
  assertHavenError("state", late, () => app.beforeRequest(() => {}));
  assertHavenError("state", late, () => app.createConn(() => {}));
  assertHavenError("state", late, () => repeat(() => {}));
  assertHavenError(
    "state",
    late,
    () => app.registerBlueprint(new Blueprint<TestRequest<BoxFields>>("late")),
  );
  await app.stop();
  app.beforeRequest(() => {});
});

Deno.test("start() twice is an error, stop() twice is not", async () => {
  const calls: string[] = [];
  const app = new TestApp<BoxFields>();
  app.startWorker((started) => {
    assertStrictEquals(started, app);
    calls.push("start");
  }).stopWorker(() => calls.push("stop"));
  await app.stop();
  await app.start();
  const error = await app.start().catch((error) => error);
  assertEquals(error instanceof HavenError && error.code, "state");
  await app.stop();
  await app.stop();
  assertEquals(calls, ["start", "stop"]);
});

Deno.test("Blueprint() throws for a name that cannot stand before a dot", () => {
  for (const name of ["", "a.b"]) {
    assertHavenError("blueprint", `"${name}"`, () => new Blueprint(name));
  }
});

Deno.test("registerBlueprint() throws for a name that is taken", () => {
  const app = new TestApp<BoxFields>().registerBlueprint(new Blueprint("user"));
  assertHavenError(
    "blueprint",
    'Cannot register blueprint "user": the app has one of that name',
    () => app.registerBlueprint(new Blueprint("user")),
  );
  assertEquals(app.blueprints, ["user"]);
});

Deno.test("registerBlueprint() throws for a hook that the app does not have", () => {
  const app = new TestApp<BoxFields>();
  assertHavenError(
    "hook",
    'Cannot register blueprint "user": it uses openAppConn, and a TestApp has no hook openConn',
    () =>
      app.registerBlueprint(
        new Blueprint<TestRequest<BoxFields>>("user")
          .openAppConn(() => {})
          .route(1, login),
      ),
  );
  app.route(1, logout); // nothing of it was registered
});

Deno.test("registerBlueprint() throws for a cmd that has another handler, and takes nothing", () => {
  const app = new TestApp<BoxFields>().route(2, login);
  const calls: string[] = [];
  const user = new Blueprint("user")
    .beforeAppRequest(() => calls.push("beforeAppRequest"))
    .route(1, login)
    .route(2, logout);
  assertHavenError(
    "route",
    'Cannot route cmd 2 to "user.logout": it has a handler already, "login"',
    () => app.registerBlueprint(user),
  );
  app.route(1, logout);
  app.handle(app.request(new Box({ cmd: 1 })));
  assertEquals(calls, []);
  assertEquals(app.blueprints, []);
});

Deno.test("a blueprint takes nothing more once it is registered", () => {
  const user = new Blueprint("user").route(1, login);
  assertHavenError("route", '"logout"', () => user.route(1, logout));
  const repeat = user.repeatAppTimer(1);
  new TestApp<BoxFields>().registerBlueprint(user);
  const additions: (() => unknown)[] = [
    () => user.route(2, login),
    () => user.beforeRequest(() => {}),
    () => user.afterRequest(() => {}),
    () => user.startAppWorker(() => {}),
    () => repeat(() => {}),
  ];
  for (const add of additions) {
    assertHavenError("state", 'blueprint "user": it is registered', add);
  }
  const other = new TestApp<BoxFields>().registerBlueprint(user);
  const request = other.request(new Box({ cmd: 1 }));
  other.handle(request);
  assertEquals([request.endpoint, request.blueprint], ["user.login", "user"]);
});

Deno.test("a blueprint's own hooks are logged by its name", async () => {
  const app = new TestApp<BoxFields>();
  const user = new Blueprint("user").route(1, login).afterRequest(() => {
    throw new Error("no");
  });
  app.registerBlueprint(user);
  await app.handle(app.request(new Box({ cmd: 1 })));
  assertStringIncludes(
    app.log.lines[0]!,
    "Hook user.afterRequest threw: Error: no",
  );
});
