// Where a gateway says that workers reach it.

import { assertEquals, assertNotEquals } from "@std/assert";
import {
  faultOf,
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

Deno.test("faultOf() tells that workers elsewhere do not reach the gateway", () => {
  const fault = (inner: string, cluster: string) => faultOf(inner, { cluster });
  assertEquals(
    fault("127.0.0.1:7", "nats://10.0.0.1:4222"),
    "workers on other machines are told that this gateway is at 127.0.0.1:7, where they do not reach it (innerHost, innerAdvertise)",
  );
  for (const inner of ["[::1]:7", "localhost:7", "127.1.2.3:7"]) {
    assertEquals(typeof fault(inner, "nats://127.0.0.1,nats://b"), "string");
    assertEquals(
      fault(inner, "localhost,nats://127.0.0.1,nats://[::1]"),
      undefined,
    );
    assertEquals(fault(inner, ""), undefined);
  }
  assertEquals(fault("10.0.0.1:7", "nats://b"), undefined);
});
