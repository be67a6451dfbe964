import { assertEquals, assertStrictEquals } from "@std/assert";
import { Gate } from "@maple/box/internal";
import { bounded } from "../support.ts";

Deno.test("Gate is open at first", async () => {
  const gate = new Gate();
  assertStrictEquals(gate.isOpen, true);
  await bounded(gate.opened());
});

Deno.test("Gate.opened() resolves for everybody when it opens again", async () => {
  const gate = new Gate();
  const passed: string[] = [];
  gate.shut();
  gate.shut();
  assertStrictEquals(gate.isOpen, false);
  const waiting = ["one", "two"].map((name) =>
    gate.opened().then(() => passed.push(name))
  );
  await Promise.resolve();
  assertEquals(passed, []);
  gate.open();
  gate.open();
  assertStrictEquals(gate.isOpen, true);
  await bounded(Promise.all(waiting));
  assertEquals(passed, ["one", "two"]);
});

Deno.test("Gate can be shut again at once", async () => {
  const gate = new Gate();
  gate.shut();
  const first = gate.opened();
  gate.open();
  gate.shut();
  await bounded(first);
  assertStrictEquals(gate.isOpen, false);
});
