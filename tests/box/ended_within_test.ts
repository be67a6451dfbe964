import { assertEquals, assertRejects } from "@std/assert";
import { endedWithin } from "../../box/ended_within.ts";

Deno.test("endedWithin() tells whether it has ended, and leaves no timer", async () => {
  assertEquals(await endedWithin(Promise.resolve(7), 60_000), true);
  const { promise, resolve } = Promise.withResolvers<void>();
  assertEquals(await endedWithin(promise, 1), false);
  resolve();
  await assertRejects(
    () => endedWithin(Promise.reject(new Error("no")), 60_000),
    Error,
    "no",
  );
});

Deno.test("endedWithin() is not disturbed by what rejects too late", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  assertEquals(await endedWithin(promise, 1), false);
  reject(new Error("late"));
  await new Promise((resolve) => setTimeout(resolve, 0));
});
