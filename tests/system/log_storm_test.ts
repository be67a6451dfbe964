// Clients that send anything cannot fill a gateway's log.

import { assert, assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import { RawPeer } from "../helpers/raw_peer.ts";

const INPUTS = 3000;
const CLIENTS = 10;

Deno.test("random inputs leave thirty lines a second at most in the gateway's log, and all are counted", async () => {
  await using gateway = await startGatewayProcess(["--drain-timeout", "0"]);
  await Promise.all(Array.from({ length: CLIENTS }, async () => {
    for (let i = 0; i < INPUTS / CLIENTS; i++) {
      await using peer = await RawPeer.connect(Box, gateway.outer);
      await peer.sendBytes(crypto.getRandomValues(new Uint8Array(40)));
      await peer.closedByPeer();
    }
  }));
  gateway.process.kill("SIGTERM");
  assertEquals((await gateway.process.finished()).code, 0);
  const { stderr } = gateway.process;
  const seconds = new Map<string, number>();
  let told = 0;
  for (const line of stderr.split("\n")) {
    if (!/ WARN .* closed: /.test(line)) continue;
    const second = line.slice(0, 19);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
    told += 1 + Number(/\(and (\d+) more/.exec(line)?.[1] ?? 0);
  }
  assert(Math.max(...seconds.values()) <= 30, stderr);
  assertEquals(told, INPUTS);
});
