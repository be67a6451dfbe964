// HookList: order, sync and async, functions that throw.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { HookList } from "@maple/haven";
import { TestLog } from "./test_app.ts";

Deno.test("run() calls the app's functions first, or the blueprints'", () => {
  const calls: string[] = [];
  for (const order of ["appFirst", "blueprintsFirst"] as const) {
    const list = new HookList("test", { logger: new TestLog() }, order);
    list.add(() => calls.push("blueprint 1"), "blueprint");
    list.add(() => calls.push("app 1"));
    list.add(() => calls.push("blueprint 2"), "blueprint");
    list.add(() => calls.push("app 2"));
    list.run();
  }
  assertEquals(calls, [
    ...["app 1", "app 2", "blueprint 1", "blueprint 2"],
    ...["blueprint 1", "blueprint 2", "app 1", "app 2"],
  ]);
});

Deno.test("run() gives no promise when no function does", () => {
  const list = new HookList<[value: number]>("test", { logger: new TestLog() });
  assertEquals(list.empty, true);
  assertEquals(list.run(1), undefined);
  const values: number[] = [];
  list.add((value) => values.push(value));
  assertEquals(list.empty, false);
  assertEquals(list.run(2), undefined);
  assertEquals(values, [2]);
});

Deno.test("run() awaits an async function before it calls the next", async () => {
  const calls: string[] = [];
  const list = new HookList<[name: string]>("test", { logger: new TestLog() });
  list.add((name) => calls.push(`sync ${name}`));
  list.add(async (name) => {
    calls.push(`begin ${name}`);
    await Promise.resolve();
    calls.push(`end ${name}`);
  });
  list.add((name) => calls.push(`last ${name}`));
  const running = list.run("a");
  assertEquals(calls, ["sync a", "begin a"]);
  await running;
  assertEquals(calls, ["sync a", "begin a", "end a", "last a"]);
});

Deno.test("run() logs functions that throw or reject and calls the others", async () => {
  const calls: string[] = [];
  const logger = new TestLog();
  const list = new HookList("createConn", { logger });
  const fail = (message: string) => {
    throw new Error(message);
  };
  list.add(() => fail("one"));
  list.add(() => calls.push("a"));
  list.add(() => Promise.reject(new Error("two")));
  list.add(() => calls.push("b"));
  list.add(() => fail("three"));
  list.add(() => Promise.reject(new Error("four")));
  list.add(() => calls.push("c"));
  await list.run();
  assertEquals(calls, ["a", "b", "c"]);
  assertEquals(logger.lines.length, 4);
  ["one", "two", "three", "four"].forEach((message, i) => {
    const line = logger.lines[i]!;
    assertStringIncludes(
      line,
      `ERROR Hook createConn threw: Error: ${message}`,
    );
    assertStringIncludes(line, "hooks_test.ts");
  });
});
