import { assertEquals } from "@std/assert";
import { setProcessName } from "@maple/box/internal";

Deno.test({
  name: "setProcessName() names the process, in 15 characters",
  ignore: Deno.build.os !== "linux",
  fn() {
    const comm = "/proc/self/comm";
    const before = Deno.readTextFileSync(comm).trim();
    try {
      setProcessName("maple-gateway");
      assertEquals(Deno.readTextFileSync(comm), "maple-gateway\n");
      setProcessName("a name that is too long");
      assertEquals(Deno.readTextFileSync(comm), "a name that is \n");
    } finally {
      setProcessName(before);
    }
  },
});

Deno.test({
  name: "setProcessName() does nothing without the permission",
  permissions: { write: false },
  fn: () => setProcessName("not allowed"),
});
