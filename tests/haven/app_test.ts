// App and Blueprint: what can be registered when, start and stop.

import {
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  Blueprint,
  HavenError,
  type HavenErrorCode,
  type HavenRequest,
} from "@maple/haven";
import { AppCore } from "@maple/haven/internal";
import { testClient } from "@maple/haven/testing";
import { quietHaven } from "./quiet_haven.ts";

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
  const app = quietHaven().route(1, login).route(1, login);
  assertHavenError(
    "route",
    'Cannot route cmd 1 to "logout": it has a handler already, "login"',
    () => app.route(1, logout),
  );
});

Deno.test("route() works while the app runs, everything else is too late", async () => {
  await using app = quietHaven();
  const repeat = app.repeatTimer(1);
  const client = testClient(app);
  await client.connect();
  app.route(1, (request) => request.reply({}));
  assertEquals((await client.request({ cmd: 1 })).ret, 0);
  const late = "the app has started";
  assertHavenError("state", late, () => app.beforeRequest(() => {}));
  assertHavenError("state", late, () => app.createConn(() => {}));
  assertHavenError("state", late, () => repeat(() => {}));
  assertHavenError(
    "state",
    late,
    () => app.registerBlueprint(new Blueprint<HavenRequest>("late")),
  );
  await app.close();
  app.beforeRequest(() => {});
});

Deno.test("start() twice is an error, stop() twice is not", async () => {
  const calls: string[] = [];
  const core = new AppCore<HavenRequest>("test");
  core.startWorker.add((app) => calls.push(`start ${app}`));
  core.stopWorker.add((app) => calls.push(`stop ${app}`));
  await core.stop("app");
  await core.start("app");
  const error = await core.start("app").catch((error) => error);
  assertEquals(error instanceof HavenError && error.code, "state");
  await core.stop("app");
  await core.stop("app");
  assertEquals(calls, ["start app", "stop app"]);
});

Deno.test("startWorker() and stopWorker() hooks get the app", async () => {
  const app = quietHaven();
  const seen: unknown[] = [];
  app.startWorker((started) => seen.push(started)).stopWorker((stopped) => {
    seen.push(stopped);
  });
  await testClient(app).connect();
  await app.close();
  assertEquals(seen.length, 2);
  for (const one of seen) assertStrictEquals(one, app);
});

Deno.test("Blueprint() throws for a name that cannot stand before a dot", () => {
  for (const name of ["", "a.b"]) {
    assertHavenError("blueprint", `"${name}"`, () => new Blueprint(name));
  }
});

Deno.test("registerBlueprint() throws for a name that is taken", () => {
  const app = quietHaven().registerBlueprint(new Blueprint("user"));
  assertHavenError(
    "blueprint",
    'Cannot register blueprint "user": the app has one of that name',
    () => app.registerBlueprint(new Blueprint("user")),
  );
  assertEquals(app.blueprints, ["user"]);
});

Deno.test("registerBlueprint() throws for a hook that the app does not have", () => {
  const app = quietHaven();
  assertHavenError(
    "hook",
    'Cannot register blueprint "user": it uses openAppConn, and a QuietHaven has no hook openConn',
    () =>
      app.registerBlueprint(
        new Blueprint<HavenRequest>("user")
          .openAppConn(() => {})
          .route(1, login),
      ),
  );
  app.route(1, logout); // nothing of it was registered
});

Deno.test("registerBlueprint() throws for a cmd that has another handler, and takes nothing", async () => {
  const app = quietHaven().route(2, login);
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
  await testClient(app).write({ cmd: 1 });
  assertEquals(calls, []);
  assertEquals(app.blueprints, []);
  await app.close();
});

Deno.test("a blueprint takes nothing more once it is registered", async () => {
  const user = new Blueprint("user").route(1, login);
  assertHavenError("route", '"logout"', () => user.route(1, logout));
  const repeat = user.repeatAppTimer(1);
  quietHaven().registerBlueprint(user);
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
  const other = quietHaven().registerBlueprint(user);
  let seen: unknown;
  other.afterRequest(({ endpoint, blueprint }) => {
    seen = [endpoint, blueprint];
  });
  await testClient(other).write({ cmd: 1 });
  assertEquals(seen, ["user.login", "user"]);
  await other.close();
});

Deno.test("a blueprint's own hooks are logged by its name", async () => {
  const app = quietHaven();
  const user = new Blueprint("user").route(1, login).afterRequest(() => {
    throw new Error("no");
  });
  app.registerBlueprint(user);
  await testClient(app).write({ cmd: 1 });
  await app.close();
  assertStringIncludes(
    app.log.complaints[0]!,
    "Hook user.afterRequest threw: Error: no",
  );
});
