// repeatTimer and repeatAppTimer.

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import type { BoxFields } from "@maple/box";
import { Blueprint, HavenError } from "@maple/haven";
import { TestApp } from "./test_app.ts";

Deno.test("repeatTimer() runs from start to stop, and again after the next start", async () => {
  using time = new FakeTime();
  const calls: string[] = [];
  const app = new TestApp<BoxFields>()
    .repeatTimer(2)(() => calls.push("app"))
    .registerBlueprint(
      new Blueprint("user").repeatAppTimer(3)(() => calls.push("user")),
    );
  await time.tickAsync(10_000);
  assertEquals(calls, []);
  for (let life = 0; life < 2; life++) {
    await app.start();
    for (let second = 1; second <= 6; second++) await time.tickAsync(1000);
    await app.stop();
    await time.tickAsync(10_000);
    // In the sixth second both are due.
    assertEquals(calls.splice(0).sort(), ["app", "app", "app", "user", "user"]);
  }
});

Deno.test("repeatTimer() leaves a call out while the last one is going on", async () => {
  using time = new FakeTime();
  let running = Promise.withResolvers<void>();
  let calls = 0;
  const app = new TestApp<BoxFields>().repeatTimer(1)(() => {
    calls++;
    return running.promise;
  });
  await app.start();
  for (let second = 1; second <= 3; second++) await time.tickAsync(1000);
  assertEquals(calls, 1);
  running.resolve();
  running = Promise.withResolvers();
  await time.tickAsync(1000);
  assertEquals(calls, 2);

  const events: string[] = [];
  const stopping = app.stop().then(() => events.push("stopped"));
  await time.runMicrotasks();
  events.push("call over");
  running.resolve();
  await stopping;
  assertEquals(events, ["call over", "stopped"]);
});

Deno.test("repeatTimer() logs a throw and goes on", async () => {
  using time = new FakeTime();
  let calls = 0;
  const app = new TestApp<BoxFields>().repeatTimer(1)(() => {
    if (++calls === 1) throw new Error("sync");
    return Promise.reject(new Error("async"));
  });
  await app.start();
  for (let second = 1; second <= 2; second++) await time.tickAsync(1000);
  await app.stop();
  assertEquals(calls, 2);
  assertEquals(app.log.lines.length, 2);
  assertStringIncludes(app.log.lines[0]!, "Repeated timer threw: Error: sync");
  assertStringIncludes(app.log.lines[1]!, "Repeated timer threw: Error: async");
});

Deno.test("repeatTimer() throws for seconds that no timer can have", () => {
  const app = new TestApp<BoxFields>();
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
