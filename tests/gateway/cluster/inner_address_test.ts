// Where a gateway says that workers reach it.

import { assertEquals, assertNotEquals } from "@std/assert";
import {
  innerAddress,
  outwardAddress,
} from "../../../gateway/cluster/inner_address.ts";

const at = (hostname: string) => ({
  transport: "tcp" as const,
  hostname,
  port: 7,
});

Deno.test("innerAddress() is what it was told, or where the gateway listens", () => {
  assertEquals(innerAddress("gw.example:1", at("0.0.0.0")), "gw.example:1");
  assertEquals(innerAddress("", at("10.0.0.1")), "10.0.0.1:7");
  assertEquals(innerAddress("", at("::1")), "[::1]:7");
});

Deno.test("innerAddress() of every address is one that others reach", () => {
  const outward = outwardAddress();
  for (const host of ["0.0.0.0", "::"]) {
    const told = innerAddress("", at(host));
    assertEquals(
      told,
      outward.includes(":") ? `[${outward}]:7` : `${outward}:7`,
    );
  }
  const all = Deno.networkInterfaces().map(({ address }) => address);
  assertEquals(all.includes(outward), true);
  if (all.some((one) => !/^(127\.|::1|fe80|169\.254)/.test(one))) {
    assertNotEquals(outward, "127.0.0.1");
  }
});
