// The heartbeats of clients, which the gateway answers itself.

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  Box,
  type BoxClass,
  boxClass,
  Client,
  type ClientState,
  LineBox,
} from "@maple/box";
import { Gateway, GatewayError } from "@maple/gateway";
import { localCertificate } from "../../helpers/certificates.ts";
import {
  GatewayFixture,
  isOverTls,
  overTransports,
} from "../../helpers/gateway_fixture.ts";
import { GATEWAY_ARGS } from "../../helpers/gateway_process.ts";
import { runProcess } from "../../helpers/process.ts";

const CMD = 99;

overTransports(
  "heartbeatCmd is answered at once, with no worker there, ret 0 and the same sn",
  async (start) => {
    await using gateway = await start({ heartbeatCmd: CMD, clientQueueMax: 1 });
    await using client = await gateway.connectBox();
    for (let sn = 1; sn <= 5; sn++) {
      await client.write({ cmd: CMD, sn, ret: 7, flag: 3, body: "alive?" });
      const answer = await client.read();
      assertEquals(answer, new Box({ cmd: CMD, sn, packetLen: 24 }));
    }
    // Another command waits for a worker.
    await client.write({ cmd: CMD + 1, sn: 6 });
    await gateway.until((stats) => stats.clientFrames === 1);
    const { heartbeats, clientBytes, answers, queued } = gateway.gateway
      .stats();
    assertEquals([heartbeats, clientBytes, answers], [5, 24, 0]);
    // The request and the news of the client.
    assertEquals(queued, 2);
  },
);

overTransports(
  "heartbeatCmd keeps a client of ours connected, whom connTimeout would close",
  async (start, transport) => {
    await using gateway = await start({ heartbeatCmd: CMD, connTimeout: 1 });
    const states: ClientState[] = [];
    await using client = new Client(Box, {
      heartbeatCmd: CMD,
      heartbeat: 0.1,
      ...(isOverTls(transport) &&
        { caCerts: [(await localCertificate()).authority] }),
    });
    client.onStateChange((state) => states.push(state));
    await client.connect(`${transport}://127.0.0.1:${gateway.address.port}/`);
    await using silent = await gateway.connectBox();
    assertEquals(await silent.read(), null);
    await gateway.until((stats) => stats.heartbeats >= 5);
    assertEquals(states, ["connecting", "open"]);
    assertEquals(gateway.gateway.stats().clientsClosed.idle, 1);
  },
);

Deno.test("heartbeatCmd goes with every box that has a cmd, and no other", async () => {
  const Tiny = boxClass([["cmd", "B"], ["sn", "B"], ["bodyLen", "H"]]);
  await using gateway = await GatewayFixture.start({
    boxClass: Tiny as unknown as BoxClass<object>,
    heartbeatCmd: 5,
  });
  await using peer = await gateway.connectRaw(Tiny);
  await peer.sendBytes(new Tiny({ cmd: 5, sn: 8, body: "?" }).pack());
  assertEquals(await peer.nextFrame(), new Tiny({ cmd: 5, sn: 8 }).pack());
  for (
    const [boxes, heartbeatCmd, message] of [
      [LineBox, 1, 'it has no field "cmd"'],
      [Tiny, 256, 'field "cmd": it takes an unsigned 8-bit integer, got 256'],
      [Box, 2 ** 32, "Option heartbeatCmd must be a whole number"],
    ] as const
  ) {
    assertThrows(
      () =>
        new Gateway({
          boxClass: boxes as unknown as BoxClass<object>,
          heartbeatCmd,
        }),
      GatewayError,
      message,
    );
  }
});

Deno.test("--heartbeat-cmd says what it takes", async () => {
  const { code, stderr } = await runProcess(Deno.execPath(), {
    args: [...GATEWAY_ARGS, "--heartbeat-cmd", "often"],
  });
  assertEquals(code, 2);
  assertMatch(stderr, /^maple gateway: --heartbeat-cmd takes [^\n]+\n$/);
});
