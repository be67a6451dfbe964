// repeatTimer and repeatAppTimer.

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Blueprint, HavenError } from "@maple/haven";
import { testClient } from "@maple/haven/testing";
import { quietHaven } from "./quiet_haven.ts";

Deno.test("repeatTimer() runs from start to stop", async () => {
  using time = new FakeTime();
  const calls: string[] = [];
  const app = quietHaven()
    .repeatTimer(2, () => calls.push("app"))
    .registerBlueprint(
      new Blueprint("user").repeatAppTimer(3, () => calls.push("user"))
        .repeatAppTimer(7)(() => calls.push("curried")),
    );
  await time.tickAsync(10_000);
  assertEquals(calls, []);
  await testClient(app).connect();
  for (let second = 1; second <= 7; second++) await time.tickAsync(1000);
  await app.close();
  await time.tickAsync(10_000);
  // In the sixth second two are due.
  assertEquals(calls.sort(), ["app", "app", "app", "curried", "user", "user"]);
});

Deno.test("repeatTimer() leaves a call out while the last one is going on", async () => {
  using time = new FakeTime();
  let running = Promise.withResolvers<void>();
  let calls = 0;
  const app = quietHaven().repeatTimer(1)(() => {
    calls++;
    return running.promise;
  });
  await testClient(app).connect();
  for (let second = 1; second <= 3; second++) await time.tickAsync(1000);
  assertEquals(calls, 1);
  running.resolve();
  running = Promise.withResolvers();
  await time.tickAsync(1000);
  assertEquals(calls, 2);

  const events: string[] = [];
  const stopping = app.close().then(() => events.push("stopped"));
  await time.runMicrotasks();
  events.push("call over");
  running.resolve();
  await stopping;
  assertEquals(events, ["call over", "stopped"]);
});

Deno.test("repeatTimer() logs a throw and goes on", async () => {
  using time = new FakeTime();
  let calls = 0;
  const app = quietHaven().repeatTimer(1)(() => {
    if (++calls === 1) throw new Error("sync");
    return Promise.reject(new Error("async"));
  });
  await testClient(app).connect();
  for (let second = 1; second <= 2; second++) await time.tickAsync(1000);
  await app.close();
  assertEquals(calls, 2);
  assertEquals(app.log.complaints.length, 2);
  assertStringIncludes(
    app.log.complaints[0]!,
    "Repeated timer threw: Error: sync",
  );
  assertStringIncludes(
    app.log.complaints[1]!,
    "Repeated timer threw: Error: async",
  );
});

Deno.test("repeatTimer() throws for seconds that no timer can have", () => {
  const app = quietHaven();
  for (const seconds of [0, -1, NaN, Infinity, 2 ** 31 / 1000]) {
    const error = assertThrows(
      () => app.repeatTimer(seconds),
      HavenError,
      `got ${seconds}`,
    );
    assertEquals(error.code, "option");
    assertThrows(() => new Blueprint("x").repeatAppTimer(seconds), HavenError);
  }
});
