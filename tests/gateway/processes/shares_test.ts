// shareOf() and childSettings(): what one of several processes goes by.

import { assertEquals } from "@std/assert";
import { childSettings } from "../../../gateway/processes/child_settings.ts";
import { DIVIDED, shareOf } from "../../../gateway/processes/shares.ts";
import { DEFAULTS } from "../../../gateway/option_table.ts";
import { PROGRAM_DEFAULTS } from "../../../gateway/program_settings.ts";

Deno.test("shareOf() divides the limits of the machine so that they add up", () => {
  for (const count of [2, 3, 7]) {
    const parts = Array.from(
      { length: count },
      (_, i) => shareOf({ connsMax: 10_001 }, { index: i + 1, count }),
    );
    for (const name of DIVIDED) {
      const limit = name === "connsMax" ? 10_001 : DEFAULTS[name];
      const sum = parts.reduce((sum, part) => sum + part[name]!, 0);
      assertEquals([name, sum], [name, limit]);
      const all = parts.map((part) => part[name]!);
      assertEquals(Math.max(...all) - Math.min(...all) <= 1, true);
    }
  }
});

Deno.test("shareOf() leaves each process one, also of a limit below their number", () => {
  const part = shareOf({ connsMax: 1 }, { index: 2, count: 2 });
  assertEquals(part.connsMax, 1);
});

const at = (port: number): Deno.NetAddr => ({
  transport: "tcp",
  hostname: "127.0.0.1",
  port,
});
const PORTS = {
  ...{ outer: at(1), ws: undefined, tls: at(3), wss: undefined },
  ...{ inner: at(2), own: [21, 22] },
};
const RELAY = { port: 9, secret: "s", clusterName: "m-1" };

Deno.test("childSettings() gives each process ports, a node and a part, and none of what is the parent's", () => {
  const settings = {
    ...PROGRAM_DEFAULTS,
    ...{ logFile: "x", statFile: "y", metrics: "9", remarks: [] },
    gateway: { connsMax: 10, nodeId: 5, connsPerAddress: 3 },
  };
  const given = { index: 2, count: 2, ports: PORTS, relay: RELAY };
  const { gateway, logFile, statFile, metrics } = childSettings(
    settings,
    given,
  );
  assertEquals(
    [logFile, statFile, metrics],
    [undefined, undefined, undefined],
  );
  assertEquals([gateway.connsMax, gateway.connsPerAddress], [5, 3]);
  assertEquals([gateway.outerPort, gateway.tlsPort, gateway.wsPort], [
    ...[1, 3, undefined],
  ]);
  assertEquals([gateway.innerPort, gateway.innerOwnPort], [2, 22]);
  assertEquals([gateway.nodeId, gateway.clusterName], [6, "m-1"]);
  assertEquals(gateway.reusePort, true);
  // In a cluster each finds a number of its own.
  const elsewhere = childSettings(
    { ...settings, gateway: {} },
    { ...given, relay: undefined },
  );
  assertEquals(elsewhere.gateway.nodeId, undefined);
  assertEquals(elsewhere.gateway.clusterName, undefined);
});
