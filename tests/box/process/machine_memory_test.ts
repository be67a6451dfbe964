import { assert } from "@std/assert";
import { machineMemory } from "@maple/box/internal";

Deno.test("machineMemory() is what this process may have", () => {
  const bytes = machineMemory();
  assert(Number.isSafeInteger(bytes), `${bytes}`);
  assert(bytes <= Deno.systemMemoryInfo().total);
  assert(bytes >= Deno.memoryUsage().rss);
});

Deno.test("machineMemory() is something where the program may not know", {
  permissions: { read: false, sys: false },
}, () => {
  assert(machineMemory() > 0);
});
