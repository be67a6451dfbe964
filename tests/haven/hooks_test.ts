// HookList: order, sync and async, functions that throw.

import { assertEquals } from "@std/assert";
import { HookList, type ThrowHandler } from "@maple/haven/internal";

/** Keeps what is thrown. */
class Throws implements ThrowHandler {
  readonly seen: string[] = [];

  onThrow(what: string, error: unknown, about: unknown): Promise<void> {
    this.seen.push(`${what}: ${(error as Error).message}, ${about}`);
    return Promise.resolve();
  }
}

Deno.test("run() calls the app's functions first, or the blueprints'", () => {
  const calls: string[] = [];
  for (const order of ["appFirst", "blueprintsFirst"] as const) {
    const list = new HookList("test", new Throws(), order);
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
  const list = new HookList<[value: number]>("test", new Throws());
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
  const list = new HookList<[name: string]>("test", new Throws());
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

Deno.test("run() tells of functions that throw or reject and calls the others", async () => {
  const calls: string[] = [];
  const throws = new Throws();
  const list = new HookList<[about: number]>("createConn", throws);
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
  await list.run(7);
  assertEquals(calls, ["a", "b", "c"]);
  assertEquals(
    throws.seen,
    ["one", "two", "three", "four"].map((message) =>
      `Hook createConn: ${message}, 7`
    ),
  );
});
