// Gateways are replaced one after the other while clients ask all the time, and no request fails:
// the short form of `deno task rolling`.

import { assert, assertEquals } from "@std/assert";
import { hasHaproxy } from "../helpers/proxies.ts";
import {
  rollingFaults,
  type RollingOptions,
  runRolling,
} from "./rolling/run_rolling.ts";

async function rolls(options: RollingOptions): Promise<void> {
  const result = await runRolling({ lameDuck: 1, ...options });
  assertEquals(rollingFaults(result), []);
  const { totals, departures } = result;
  assertEquals(departures.length, 3);
  // That something was put to the test at all: each client has moved once or more.
  assert(totals.logins >= 120, `${totals.logins} connections`);
  assert(totals.answered > 1000, `${totals.answered} answers`);
}

Deno.test({
  name:
    "three gateways behind HAProxy are replaced one after the other, and no request of 60 clients fails",
  ignore: !hasHaproxy,
  fn: () => rolls({ shape: "haproxy" }),
});

for (const io of ["deno", "epoll"] as const) {
  Deno.test({
    name:
      `a gateway starts on the port of the one that leaves, and no request of 60 clients fails, io ${io}`,
    ignore: Deno.build.os !== "linux",
    fn: () => rolls({ shape: "port", io }),
  });
}
